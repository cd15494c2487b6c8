"""Files that commands write, and sentences for what cannot be done."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import typer
from wasabi import msg


@contextmanager
def clear_errors() -> Iterator[None]:
    """Show an error as its sentence, and exit with code 1."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        msg.fail(str(error))
        raise typer.Exit(1) from None


def check_targets(paths: list[Path | None], *, force: bool) -> None:
    """Raise ValueError if a file cannot be written. Asked before anything is computed."""
    for path in filter(None, paths):
        if path.is_dir():
            raise ValueError(f"'{path}' is a folder: name a file in it.")
        if path.exists() and not force:
            raise ValueError(f"'{path}' exists: name another file, or add --force to replace it.")
        if not path.parent.is_dir():
            raise ValueError(
                f"There is no folder '{path.parent}' for '{path.name}': make it first."
            )


def write(path: Path | None, text: str) -> None:
    """Write a file whole or not at all. No path: nothing."""
    if path is None:
        return
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf8") as file:
            file.write(text)
        os.chmod(beside, 0o644)  # temporary files are for their owner only
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    msg.good(f"Wrote {path}")


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def busy(text: str) -> AbstractContextManager:
    """Show what takes its time, on a terminal; in a log each turn of a spinner would be a line."""
    return msg.loading(text) if sys.stdout.isatty() else nullcontext()


def load(model: str) -> Any:
    """Load a pipeline. Raises ValueError if there is none."""
    import spacy  # noqa: PLC0415

    try:
        with busy(f"Loading {model} ..."):
            return spacy.load(model)
    except OSError as error:
        raise ValueError(
            f"'{model}' is no pipeline: give the folder of one, such as training/model-best, or "
            "the name of an installed package."
        ) from error
