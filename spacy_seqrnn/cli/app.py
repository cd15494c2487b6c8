"""The commands; each imports what it computes with when it runs."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from spacy.cli._util import app
from wasabi import msg

from .output import as_json, check_targets, clear_errors, load, write

HELP = "Look inside recurrent pipelines: explanations, gates and gradients."
seqrnn_cli = typer.Typer(name="seqrnn", help=HELP, no_args_is_help=True)
app.add_typer(seqrnn_cli)

MODEL = typer.Argument(..., help="Folder or package of a pipeline")
TEXT = typer.Argument(..., help="The text to look at")
HTML = typer.Option(None, "--html", help="Page to write")
JSON = typer.Option(None, "--json", help="JSON file to write")
FORCE = typer.Option(False, "--force", help="Replace files that exist")
TOP = typer.Option(3, "--top", min=1, max=100, help="Tag sequences, and tags of a token, to show")


@seqrnn_cli.command("explain")
def explain_cli(
    model: str = MODEL,
    text: str = TEXT,
    html: Path | None = HTML,
    json: Path | None = JSON,
    force: bool = FORCE,
    top: int = TOP,
) -> None:
    """Say why a pipeline finds the entities and categories that it finds."""
    with clear_errors():
        check_targets([html, json], force=force)
        found = _explanations(load(model), text, top)
        for explanation in found:
            msg.divider(explanation.component)
            for table in explanation.tables(top) if _is_ner(explanation) else explanation.tables():
                _show(*table)
        if html:
            from ..inside.html import document  # noqa: PLC0415

            write(html, document(text, [each._repr_html_() for each in found]))
        write(json, as_json([asdict(each) for each in found]) if json else "")


def _explanations(nlp: Any, text: str, top: int) -> list[Any]:
    from ..inside import find  # noqa: PLC0415
    from ..inside.ner import explain_ner  # noqa: PLC0415
    from ..inside.textcat import explain_textcat  # noqa: PLC0415

    recognisers, classifiers = find.find_recognisers(nlp), find.find_classifiers(nlp)
    if not recognisers and not classifiers:
        raise find.no_part(nlp, "seqrnn_ner", "seqrnn_textcat")
    with msg.loading("Computing ..."):
        return [
            *(explain_ner(nlp, text, k=top, component=name) for name in recognisers),
            *(explain_textcat(nlp, text, component=name) for name in classifiers),
        ]


def _is_ner(explanation: Any) -> bool:
    return hasattr(explanation, "paths")


def _show(title: str, header: list[str], rows: list[list[str]]) -> None:
    msg.text(f"\n{title}")
    msg.table(rows or [["none"] + [""] * (len(header) - 1)], header=header, divider=True)
