"""`spacy seqrnn report`: a page about a training run, and its data."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from wasabi import msg

from .app import FORCE, seqrnn_cli
from .output import as_json, busy, check_targets, clear_errors, load, write

FOLDER = typer.Argument(..., help="Output folder of `spacy train`")
DATA = typer.Option(
    None,
    "--data",
    help="Annotated .spacy data, or pairs of texts; the config's dev corpus if not set",
)
TRAIN = typer.Option(None, "--train", help="Training .spacy data; the config's if not set")
OUTPUT = typer.Option(None, "--output", help="Page to write; FOLDER/report.html if not set")
JSON = typer.Option(None, "--json", help="JSON file to write; beside the page if not set")
CODE = typer.Option(None, "--code", help="Python file with functions that the config names")
GPU = typer.Option(-1, "--gpu-id", help="GPU to use, -1 for the CPU")


@seqrnn_cli.command("report")
def report_cli(
    folder: Path = FOLDER,
    data: Path | None = DATA,
    train: Path | None = TRAIN,
    output: Path | None = OUTPUT,
    json: Path | None = JSON,
    code: Path | None = CODE,
    gpu_id: int = GPU,
    force: bool = FORCE,
) -> None:
    """Write a page about a training run: curves, scores, errors, CRF transitions, attention."""
    with clear_errors():
        from spacy.cli._util import setup_gpu  # noqa: PLC0415
        from spacy.util import import_file  # noqa: PLC0415

        from ..draw.svg import check_drawing  # noqa: PLC0415
        from ..report.analysis import find_model  # noqa: PLC0415

        model = find_model(folder)
        page = output or folder / "report.html"
        numbers = json or page.with_suffix(".json")
        if page == numbers:
            raise ValueError(f"'{page}' cannot be page and data at once: set another --json.")
        check_targets([page, numbers], force=force)
        check_drawing()
        if code:
            import_file("python_code", code)
        setup_gpu(gpu_id, silent=True)
        found = _analyse(folder, model, data, train)
        _write(found, page, numbers)


def _analyse(folder: Path, model: Path, data: Path | None, train: Path | None) -> Any:
    from tqdm import tqdm  # noqa: PLC0415

    from ..report.analysis import analyse  # noqa: PLC0415

    def progress(examples: Any) -> Any:
        return tqdm(examples, desc="Reading", unit=" documents", leave=False, disable=None)

    nlp = load(str(model))
    shown: dict[str, Any] = {"progress": progress, "busy": busy}
    return analyse(folder, nlp, model.name, data=data, train=train, **shown)


def _write(found: Any, page: Path, numbers: Path) -> None:
    from ..report.page import report_page  # noqa: PLC0415

    with busy("Drawing ..."):
        html = report_page(found)
    write(numbers, as_json(asdict(found)))
    write(page, html)
    for note in found.notes:
        msg.warn(note)
