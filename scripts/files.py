"""Reading text and writing files so that nobody ever meets half of one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from command import UserError

SPLITS = ("train", "dev", "test")
# The most bytes that a corpus may have. Those of this project have a few million; what has more is
# something else, or made to fill disk or memory.
LARGEST = 100_000_000


def decode(content: bytes, source: Path) -> str:
    """Decode UTF-8, or name the file that is something else."""
    try:
        return content.decode("utf8")
    except UnicodeDecodeError as error:
        place = f"byte {error.start}"
        raise UserError(f"{source} is not UTF-8 text: {error.reason} at {place}.") from None


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path for a file or folder that becomes `target` when the block succeeds.

    If the block fails, `target` stays as it was. If the process is killed, `target` is as it was or
    new or, if it is a folder, not there.
    """
    with scratch(target) as folder:
        new = folder / target.name
        yield new
        if target.is_dir():  # which a rename does not replace
            os.replace(target, folder / "old")
        os.replace(new, target)


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside a target, which is gone in the end.

    It is beside the target, because only within one file system is a rename atomic, and it has the
    target's name, so that the next process removes what a killed one has left.
    """
    folder = remove_scratch(target)
    folder.mkdir(parents=True)
    try:
        yield folder
    except OSError as error:
        if error.filename is not None:  # and thus in its message
            raise
        raise UserError(f"{target} cannot be written: {error.strerror or error}.") from None
    finally:
        remove_scratch(target)


def remove_scratch(target: Path) -> Path:
    """Remove what there is of a target's scratch folder. Returns where it stands."""
    folder = target.with_name(f".partial-{target.name}")
    shutil.rmtree(folder, ignore_errors=True)
    return folder
