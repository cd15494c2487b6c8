"""SHA-256 checksums of saved files, in a list that `sha256sum --check` reads.

A pipeline has a list of all its files; a recogniser, which may be saved alone, has its own list.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .whole import LAST, is_inside

CHECKSUMS = LAST
LARGEST_LIST = 1_000_000  # bytes, enough for ten thousand files


def checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def checksum_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def format_list(checksums: dict[str, str]) -> str:
    """The text of a list. checksums: by file name."""
    return "".join(f"{checksum}  {name}\n" for name, checksum in sorted(checksums.items()))


def parse_list(text: str) -> dict[str, str]:
    """The checksums of a list, by file name. Raises ValueError if it is too long to be one."""
    if len(text) > LARGEST_LIST:
        raise ValueError(f"'{CHECKSUMS}' has more than {LARGEST_LIST} bytes")
    lines = [line.partition("  ") for line in text.splitlines()]
    return {name: checksum for checksum, _, name in lines}


def read_list(folder: Path) -> dict[str, str]:
    """The checksums of a folder's files; empty if it has no list.

    Raises ValueError if the list is too long to be one.
    """
    path = folder / CHECKSUMS
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return parse_list(file.read(LARGEST_LIST + 1).decode("utf8", errors="replace"))


def write_list(folder: Path, names: Iterable[str], others: dict[str, str] | None = None) -> None:
    """Write the checksums of some files of a folder, and those of others that are known."""
    checksums = {**(others or {}), **{name: checksum_of_file(folder / name) for name in names}}
    (folder / CHECKSUMS).write_text(format_list(checksums), encoding="utf8")


def find_damage(folder: Path, checksums: dict[str, str]) -> str:
    """A message about the first file that differs from what was saved. Returns "" if none does."""
    for name, expected in checksums.items():
        try:
            # Reading a device never ends, and reading a pipe waits for a writer.
            is_file = is_inside(name) and (folder / name).is_file()
            if not is_file:
                return f"'{name}' cannot be read"
            if checksum_of_file(folder / name) != expected:
                return f"'{name}' is not what was saved"
        except (OSError, ValueError):
            return f"'{name}' cannot be read"
    return ""
