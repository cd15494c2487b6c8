"""Zip archives for tests."""

import stat
import struct
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo


def make_zip(members: dict[str, bytes]) -> bytes:
    """Zip the given members, always to the same bytes."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)  # a ZipInfo has a fixed time
    return buffer.getvalue()


def make_zip_with_link(name: str, target: str) -> bytes:
    """Zip a symbolic link."""
    link = ZipInfo(name)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr(link, target)
    return buffer.getvalue()


def make_zip_with_password(members: dict[str, bytes]) -> bytes:
    """Zip the given members and declare that a password is needed to read them."""
    content = bytearray(make_zip(members))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # of each header's flags
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            content[start + at] |= 1
    return bytes(content)


def make_bomb(name: str, size: int, *, declared: int | None = None) -> bytes:
    """Zip zeros, which take almost no space until they are unpacked.

    declared: the size that the archive declares, instead of the true one.
    """
    content = make_zip({name: bytes(size)})
    if declared is None:
        return content
    return content.replace(struct.pack("<L", size), struct.pack("<L", declared))
