"""Replace one file completely or not at all, whatever stops the process."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO


def replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file under another name, and rename it once it is complete and on the disk.

    write: called with the new file.

    If the process is killed, the next call overwrites the temporary file that it leaves.
    Raises OSError if the file cannot be written.
    """
    beside = partial_file(path)
    try:
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def partial_file(path: Path) -> Path:
    """The temporary file of a file that is being written."""
    return path.with_name(f".partial-{path.name}")


def remove_file(path: Path) -> None:
    """Remove a file, if it is there, and what a killed process may have left of it."""
    for each in (path, partial_file(path)):
        with suppress(FileNotFoundError):
            each.unlink()
