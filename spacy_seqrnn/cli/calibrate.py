"""`spacy seqrnn calibrate`: make a pipeline's scores probabilities, and fit thresholds."""

from pathlib import Path
from typing import Any

import typer
from wasabi import msg

from .app import FORCE, MODEL, seqrnn_cli
from .output import busy, clear_errors, load

DATA = typer.Argument(..., help="Annotated .spacy file that the pipeline was not trained on")
OUTPUT = typer.Argument(..., help="Folder for the calibrated pipeline")
THRESHOLDS = typer.Option(
    False,
    "--thresholds",
    help="For several categories per text: shift each one's score so that the component's "
    "threshold gives its best F1. The scores are no longer probabilities.",
)


@seqrnn_cli.command("calibrate")
def calibrate_cli(
    model: str = MODEL,
    data: Path = DATA,
    output: Path = OUTPUT,
    thresholds: bool = THRESHOLDS,
    force: bool = FORCE,
) -> None:
    """Fit the scores of a pipeline's entities and categories to development data."""
    with clear_errors():
        _check_output(output, force=force)
        nlp = load(model)
        from spacy.training import Corpus  # noqa: PLC0415

        from ..report.gather import checked_data  # noqa: PLC0415

        examples = list(Corpus(checked_data(data, "DATA"))(nlp))
        with busy("Fitting ..."):
            rows = _calibrate(nlp, examples, thresholds=thresholds)
        msg.table(rows, header=["component", "label", "temperature", "threshold"], divider=True)
        nlp.to_disk(output)
        msg.good(f"Saved the pipeline to {output}")


def _check_output(output: Path, *, force: bool) -> None:
    """Raise ValueError before anything is computed if the pipeline cannot be saved there."""
    if output.is_dir() and any(output.iterdir()) and not force:
        raise ValueError(
            f"The folder '{output}' is not empty: name another one, or add --force to overwrite it."
        )
    if output.exists() and not output.is_dir():
        raise ValueError(f"'{output}' is a file: name a folder for the pipeline.")


def _calibrate(nlp: Any, examples: list[Any], *, thresholds: bool) -> list[list[str]]:
    """Calibrate all components of this package. Returns the rows of a table."""
    from ..explain import find  # noqa: PLC0415
    from ..textcat import calibration  # noqa: PLC0415

    recognisers, classifiers = find.find_recognisers(nlp), calibration.find_calibratable(nlp)
    if not recognisers and not classifiers:
        raise calibration.nothing_to_calibrate(nlp)
    rows = []
    for name, component in recognisers.items():
        rows.append([name, "all", f"{component.calibrate(nlp, examples):.3f}", ""])
    for name in classifiers:
        found = calibration.calibrate_textcat(nlp, examples, component=name, thresholds=thresholds)
        for label, temperature in found.temperatures.items():
            cut = found.thresholds.get(label)
            rows.append([name, label, f"{temperature:.3f}", "" if cut is None else f"{cut:.3f}"])
    return rows
