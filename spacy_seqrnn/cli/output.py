"""Output files of the commands, and error messages."""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import typer
from wasabi import msg


@contextmanager
def clear_errors() -> Iterator[None]:
    """Show an error as one sentence, and exit with code 1."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        msg.fail(str(error))
        raise typer.Exit(1) from None


def check_targets(paths: list[Path | None], *, force: bool, make_folders: bool = False) -> None:
    """Raise ValueError if a file cannot be written. Called before anything is computed.

    make_folders: whether the command creates missing folders.
    """
    for path in filter(None, paths):
        if path.is_dir():
            raise ValueError(f"'{path}' is a folder: name a file in it.")
        if path.exists() and not force:
            raise ValueError(f"'{path}' exists: name another file, or add --force to overwrite it.")
        if not make_folders and not path.parent.is_dir():
            raise ValueError(
                f"The folder '{path.parent}' for '{path.name}' does not exist: create it first."
            )


def write(path: Path | None, content: str | bytes) -> None:
    """Write a file completely or not at all. No path: write nothing."""
    from ..saved.one_file import replace_file  # noqa: PLC0415

    if path is None:
        return
    data = content.encode() if isinstance(content, str) else content
    try:
        replace_file(path, lambda file: file.write(data))
    except OSError as error:
        raise OSError(f"'{path}' cannot be written: {error.strerror or error}.") from error
    msg.good(f"Wrote {path}")


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def busy(text: str) -> AbstractContextManager[Any]:
    """Show that something slow is running, on a terminal only: in a log, a spinner adds lines."""
    return msg.loading(text) if sys.stdout.isatty() else nullcontext()


def load(model: str) -> Any:
    """Load a pipeline. Raises ValueError if there is none."""
    import spacy  # noqa: PLC0415

    from ..bulk.saved_pipeline import no_pipeline  # noqa: PLC0415

    try:
        with busy(f"Loading {model} ..."):
            return spacy.load(model)
    except OSError as error:
        raise no_pipeline(model) from error
