"""Zip archives for tests."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile


def make_zip(members: dict[str, bytes]) -> bytes:
    """Zip the given members."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
