"""Read text, and write files atomically."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from command import UserError

SPLITS = ("train", "dev", "test")
# The most bytes that a corpus may have. Those of this project have a few million; anything larger
# is something else, or made to fill disk or memory.
LARGEST = 100_000_000


def decode(content: bytes, source: Path) -> str:
    """Decode UTF-8. An error names the file."""
    try:
        return content.decode("utf8")
    except UnicodeDecodeError as error:
        place = f"byte {error.start}"
        raise UserError(f"{source} is not UTF-8 text: {error.reason} at {place}.") from None


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path for a file or folder that becomes `target` if the block succeeds.

    If the block fails, `target` is unchanged. If the process is killed, `target` is unchanged or
    new or, if it is a folder, missing.
    """
    with scratch(target) as folder:
        new = folder / target.name
        yield new
        if target.is_dir():  # a rename does not replace a folder
            os.replace(target, folder / "old")
        os.replace(new, target)


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside a target, and remove it in the end.

    It is beside the target because a rename is only atomic within one file system, and it is named
    after the target, so that the next process removes what a killed process has left.
    """
    folder = remove_scratch(target)
    folder.mkdir(parents=True)
    try:
        yield folder
    except OSError as error:
        if error.filename is not None:  # so the message names it
            raise
        raise UserError(f"{target} cannot be written: {error.strerror or error}.") from None
    finally:
        remove_scratch(target)


def remove_scratch(target: Path) -> Path:
    """Remove a target's scratch folder if there is one. Returns its path."""
    folder = target.with_name(f".partial-{target.name}")
    shutil.rmtree(folder, ignore_errors=True)
    return folder
