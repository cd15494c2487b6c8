"""Reading zip archives in place, with plain words for what can be wrong with them."""

import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from zipfile import BadZipFile, ZipFile

from command import UserError


def open_archive(path: Path, source: str) -> ZipFile:
    """Open a zip archive, or say what is wrong with it. `source` names it in messages."""
    try:
        archive = ZipFile(path)
    except BadZipFile:
        raise UserError(f"{source} is cut short or is no zip archive.") from None
    for name in archive.namelist():
        if leads_outside(name):
            archive.close()
            raise UserError(f"{source} has a member that leads out of the archive: {name!r}.")
    return archive


def leads_outside(name: str) -> bool:
    """Whether extracting a member of this name could write outside the target folder."""
    paths = PurePosixPath(name), PureWindowsPath(name)
    return any(path.anchor or ".." in path.parts for path in paths)


def read_member(archive: ZipFile, name: str, source: str) -> bytes:
    """Read one member of an archive."""
    try:
        return archive.read(name)
    except KeyError:
        raise UserError(f"{source} has no member {name!r}.") from None
    except (BadZipFile, EOFError, zlib.error):
        raise UserError(f"{source} is damaged: its member {name!r} cannot be read.") from None
