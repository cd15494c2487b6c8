"""The commands; each imports what it needs when it runs."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from spacy.cli._util import app
from wasabi import msg

from .output import as_json, busy, check_targets, clear_errors, load, write

HELP = "Convert data, write configs, train, report on and explain recurrent pipelines."
seqrnn_cli = typer.Typer(name="seqrnn", help=HELP, no_args_is_help=True)
app.add_typer(seqrnn_cli)

MODEL = typer.Argument(..., help="Folder or package of a pipeline")
TEXT = typer.Argument(..., help="The text to read")
HTML = typer.Option(None, "--html", help="Page to write")
JSON = typer.Option(None, "--json", help="JSON file to write")
FORCE = typer.Option(False, "--force", help="Overwrite existing files")
TOP = typer.Option(
    None,
    "--top",
    min=1,
    max=100,
    show_default=False,
    help="How many tag sequences, tags per token, outputs and attended units to show (else 3), "
    "next words (else 10), and tokens of a category (else all)",
)


class Comparison(StrEnum):
    """In what fresh cells can differ; see `explain/remedies.py`."""

    forget_bias = "forget-bias"
    residual = "residual"
    clipping = "clipping"


COMPARE = typer.Option(None, "--compare", help="Compare fresh cells that differ only in this")
NAMES = typer.Argument(None, help="MODEL TEXT, or more cells after --cells", show_default=False)
CELLS = typer.Option(None, "--cells", help="Fresh cells, such as rnn gru lstm")
LENGTH = typer.Option(None, "--length", help="Steps that fresh cells read (else 100)")
SVG = typer.Option(None, "--svg", help="Picture to write")


@seqrnn_cli.command("explain")
def explain_cli(
    model: str = MODEL,
    text: str = TEXT,
    html: Path | None = HTML,
    json: Path | None = JSON,
    force: bool = FORCE,
    top: int | None = TOP,
) -> None:
    """Explain a pipeline's entities, categories, written texts and lemmas, and what it expects."""
    with clear_errors():
        check_targets([html, json], force=force)
        found = _explanations(load(model), text, top)
        options = {} if top is None else {"top": top}
        for explanation in found:
            msg.divider(explanation.component)
            for table in explanation.tables(**options):
                show(*table)
        if html:
            from ..draw.html import document, heading  # noqa: PLC0415

            write(html, document(heading(text), [each._repr_html_() for each in found]))
        write(json, as_json([asdict(each) for each in found]) if json else "")


def _explanations(nlp: Any, text: str, top: int | None) -> list[Any]:
    from ..explain import find  # noqa: PLC0415
    from ..explain.alignment import explain_text2text  # noqa: PLC0415
    from ..explain.lemmas import explain_lemmatizer  # noqa: PLC0415
    from ..explain.lm import explain_lm  # noqa: PLC0415
    from ..explain.ner import explain_ner  # noqa: PLC0415
    from ..explain.textcat import explain_textcat  # noqa: PLC0415

    options = {} if top is None else {"k": top}
    ways: list[tuple[str, Any, Any, dict[str, int]]] = [
        ("seqrnn_ner", find.find_recognisers, explain_ner, options),
        ("seqrnn_textcat", find.find_classifiers, explain_textcat, {}),
        ("seqrnn_lm", find.find_language_models, explain_lm, options),
        ("seqrnn_text2text", find.find_text2text, explain_text2text, options),
        ("seqrnn_lemmatizer", find.find_lemmatizers, explain_lemmatizer, options),
    ]
    with busy("Computing ..."):
        found = [
            explain(nlp, text, component=name, **own)
            for _, find_parts, explain, own in ways
            for name in find_parts(nlp)
        ]
    if not found:
        raise find.no_part(nlp, *(part for part, *_ in ways))
    return found


def show(title: str, header: list[str], rows: list[list[str]]) -> None:
    """Print a table."""
    msg.text(f"\n{title}")
    msg.table(rows or [["none"] + [""] * (len(header) - 1)], header=header, divider=True)


@seqrnn_cli.command("gates")
def gates_cli(
    model: str = MODEL,
    text: str = TEXT,
    html: Path | None = HTML,
    json: Path | None = JSON,
    force: bool = FORCE,
) -> None:
    """Show what each gate of the recurrent encoders does at each word."""
    with clear_errors():
        check_targets([html, json], force=force)
        nlp = load(model)
        from ..explain.gates import gates_of_text  # noqa: PLC0415

        with busy("Computing ..."):
            found = gates_of_text(nlp, text)
        for table in found.tables():
            show(*table)
        if html:
            write(html, _gates_page(found, text))
        write(json, as_json(asdict(found)) if json else "")


def _gates_page(found: Any, text: str) -> str:
    from ..draw import html  # noqa: PLC0415
    from ..draw.svg import as_element  # noqa: PLC0415
    from ..explain import pictures  # noqa: PLC0415

    parts = []
    with busy("Drawing ..."):
        for view, table in zip(found.views, found.tables(), strict=True):
            svg = pictures.draw_gates(found, view)
            parts.append(as_element(svg, pictures.describe_gates(found, view)))
            parts.append(html.table(*table))
    return html.document(html.heading(f"Gates: {text}"), [html.page("Gates", parts)])


@seqrnn_cli.command("gradients")
def gradients_cli(
    names: list[str] = NAMES,
    cells: str | None = CELLS,
    length: int | None = LENGTH,
    compare: Comparison | None = COMPARE,
    svg: Path | None = SVG,
    html: Path | None = HTML,
    json: Path | None = JSON,
    force: bool = FORCE,
) -> None:
    """Show how far back the last state depends on earlier ones, in fresh cells or over a text."""
    with clear_errors():
        check_targets([svg, html, json], force=force)
        found = _gradients(names or [], cells, length, compare)
        for table in found.tables():
            show(*table)
        write(json, as_json(asdict(found)) if json else "")
        if svg or html:
            _write_gradients(found, svg, html)


def _gradients(
    names: list[str], cells: str | None, length: int | None, compare: Comparison | None
) -> Any:
    steps: dict[str, Any] = {} if length is None else {"length": length}
    if compare:
        return _comparison(compare, steps, others=bool(names or cells))
    if cells is None and len(names) != 2:
        raise ValueError(
            f"`gradients` was given {len(names)} arguments, but needs MODEL and TEXT, or "
            "--cells rnn gru lstm, or --compare forget-bias."
        )
    if cells is None and steps:
        raise ValueError("`--length` is for fresh cells; a text has its own length: omit it.")
    nlp: Any = load(names[0]) if cells is None else None
    from ..explain.gradients import gradients_of_cells, gradients_of_text  # noqa: PLC0415

    with busy("Computing ..."):
        if cells is None:
            return gradients_of_text(nlp, names[1])
        # An option of Typer takes one value; the cells after the first arrive as arguments.
        wanted = [cell for each in [cells, *names] for cell in each.split(",") if cell]
        return gradients_of_cells(wanted, **steps)


def _comparison(compare: Comparison, steps: dict[str, Any], *, others: bool) -> Any:
    if others:
        raise ValueError(
            f"`--compare {compare}` makes cells of its own: omit --cells, MODEL and TEXT."
        )
    from ..explain import remedies  # noqa: PLC0415

    with busy("Computing ..."):
        if compare is Comparison.forget_bias:
            return remedies.compare_forget_bias(**steps)
        if compare is Comparison.residual:
            return remedies.compare_residual(**steps)
        return remedies.compare_clipping(**steps)


def _write_gradients(found: Any, svg: Path | None, html: Path | None) -> None:
    from ..draw.html import document, page, table  # noqa: PLC0415
    from ..draw.svg import as_element, as_file  # noqa: PLC0415
    from ..explain import pictures  # noqa: PLC0415

    picture = pictures.draw_gradients(found)
    write(svg, as_file(picture))
    parts = [as_element(picture, pictures.describe_gradients(found))]
    parts += [table(*one) for one in found.tables()]
    inside = page("How far back the last state depends on earlier ones", parts)
    write(html, document("Gradients through time", [inside]) if html else "")
