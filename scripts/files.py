"""Reading text and writing files so that nobody ever meets half of one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from command import UserError


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

    If the block fails, `target` stays as it was. The temporary path is beside it, because only
    within one file system is a rename atomic.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".partial-", dir=target.parent) as folder:
        new = Path(folder) / target.name
        yield new
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(new, target)
