"""Replace one file completely or not at all, whatever stops the process."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file as `replacing` does. write: called with the new file."""
    with replacing(path) as file:
        write(file)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file under another name, which is renamed once it is complete and on the disk.

    If an error stops that, nothing is left of it; if the process is killed, the next call
    overwrites the temporary file that it leaves.
    Raises OSError if the file cannot be written.
    """
    beside = partial_file(path)
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def partial_file(path: Path) -> Path:
    """The temporary file of a file that is being written, which has no suffix of its kind."""
    return path.with_name(f".{path.name}.part")


def remove_file(path: Path) -> None:
    """Remove a file, if it is there, and what a killed process may have left of it."""
    for each in (path, partial_file(path)):
        with suppress(FileNotFoundError):
            each.unlink()
