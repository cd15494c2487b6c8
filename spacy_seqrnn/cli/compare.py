"""`spacy seqrnn compare`: which continuation of a text is the most probable one."""

from dataclasses import asdict
from pathlib import Path

import typer
from wasabi import msg

from .app import FORCE, JSON, MODEL, seqrnn_cli, show
from .output import as_json, busy, check_targets, clear_errors, load, write

PREFIX = typer.Argument(..., help='The beginning of a text; "" for none')
CONTINUATIONS = typer.Argument(..., help="What may follow: a word, or several in quotation marks")


@seqrnn_cli.command("compare")
def compare_cli(
    model: str = MODEL,
    prefix: str = PREFIX,
    continuations: list[str] = CONTINUATIONS,
    json: Path | None = JSON,
    force: bool = FORCE,
) -> None:
    """Compare how probable continuations of a text are to a language model."""
    with clear_errors():
        check_targets([json], force=force)
        nlp = load(model)
        from ..explain.continuations import compare_continuations  # noqa: PLC0415

        with busy("Computing ..."):
            found = compare_continuations(nlp, prefix, continuations)
        for table in found.tables():
            show(*table)
        if found.warning:
            msg.warn(found.warning)
        write(json, as_json(asdict(found)) if json else "")
