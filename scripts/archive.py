"""Read archives and compressed files, with plain messages about what is wrong with one."""

import gzip
import lzma
import stat
import tarfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from zipfile import BadZipFile, ZipFile

from command import UserError
from files import LARGEST

# What reading other damaged files raises
OTHER_DAMAGE = (EOFError, gzip.BadGzipFile, lzma.LZMAError, tarfile.TarError, zlib.error)
# What `zipfile` raises for damaged or manipulated archives
DAMAGE = (BadZipFile, EOFError, ValueError, OverflowError, NotImplementedError, zlib.error)


def open_archive(path: Path, source: str) -> ZipFile:
    """Open a zip archive. `source` names it in error messages."""
    try:
        archive = ZipFile(path)
    except DAMAGE:
        raise UserError(f"{source} is truncated or not a zip archive.") from None
    fault = find_trap(archive)
    if fault:
        archive.close()
        raise UserError(f"{source} {fault}.")
    return archive


def find_trap(archive: ZipFile) -> str | None:
    """A phrase for what an archive has that no corpus has, to follow its name; None if nothing."""
    for member in archive.infolist():
        if leads_outside(member.filename):
            return f"has a member that leads out of the archive: {member.filename!r}"
        if stat.S_ISLNK(member.external_attr >> 16):
            return f"has a member that is a link: {member.filename!r}"
    size = sum(member.file_size for member in archive.infolist())
    return f"would take {size:,} bytes, more than any corpus" if size > LARGEST else None


def leads_outside(name: str) -> bool:
    """Whether extracting a member of this name could write outside the target folder."""
    paths = PurePosixPath(name), PureWindowsPath(name)
    return any(path.anchor or ".." in path.parts for path in paths)


def read_member(archive: ZipFile, name: str, source: str) -> bytes:
    """Read one member of an archive."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise UserError(f"{source} has no member {name!r}.") from None
    try:
        with archive.open(info) as member:
            # Without the size, the whole member would be unpacked before its size is checked.
            return member.read(info.file_size)
    except (*DAMAGE, OSError, RuntimeError):  # a place outside the file; a password is wanted
        raise UserError(f"{source} is damaged: its member {name!r} cannot be read.") from None


def unpack(path: Path, suffix: str) -> list[bytes]:
    """The content of a file, compressed or not, or of the files of this suffix in a tar archive."""
    try:
        if path.suffix == ".tar":
            return _read_tar(path, suffix)
        content = path.read_bytes()
        if path.suffix == ".gz":
            return [gzip.decompress(content)]
        return [lzma.decompress(content) if path.suffix == ".xz" else content]
    except OTHER_DAMAGE:
        raise UserError(f"{path} is truncated or damaged: put it there again.") from None


def _read_tar(path: Path, suffix: str) -> list[bytes]:
    with tarfile.open(path) as archive:
        members = (member for member in archive if member.name.endswith(suffix))
        return [file.read() for member in members if (file := archive.extractfile(member))]
