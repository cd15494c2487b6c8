"""`spacy seqrnn annotate`: annotate files of any size, on all cores or on a cluster."""

import os
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import typer
from wasabi import msg

from .app import MODEL, seqrnn_cli
from .output import clear_errors

REJECTED = 3  # exit code: everything was read, and some rows have no annotation


class Format(StrEnum):
    """The formats of the output."""

    parquet = "parquet"
    jsonl = "jsonl"
    spacy = "spacy"


class EngineName(StrEnum):
    """Where the workers are."""

    local = "local"
    ray = "ray"


INPUTS = typer.Argument(
    ...,
    help="Files, folders and URLs: Parquet, JSON lines, CSV or TSV (all but Parquet also .gz, .bz2 "
    "or .zst), folders of .txt files, .spacy",
    show_default=False,
)
OUTPUT = typer.Argument(..., help="Folder for the output, created if necessary")
TEXT = typer.Option("text", "--text-column", help="Column of the texts")
ID = typer.Option(
    None, "--id-column", help="Column that the output begins with", show_default=False
)
KEEP = typer.Option("", "--keep", help="More columns for the output, separated by commas")
COLUMNS = typer.Option(
    None,
    "--columns",
    help="Columns of annotation, separated by commas, such as entities,cats,tokens,tags or "
    "doc._.perplexity:double (else what the pipeline's components say they set)",
    show_default=False,
)
FORMAT = typer.Option(Format.parquet, "--format", help="Format of the output's files")
WORKERS = typer.Option(
    None,
    "--workers",
    "-w",
    min=1,
    help="Number of processes, each with one thread (else one for each core, or GPU of a cluster)",
    show_default=False,
)
PART_MB = typer.Option(
    4.0,
    "--part-mb",
    min=0.001,
    help="Megabytes of input for a file of the output; what a killed worker has to do again",
)
BATCH_SIZE = typer.Option(
    None,
    "--batch-size",
    "-n",
    min=1,
    help="Documents that the pipeline computes at a time (else its own batch_size)",
    show_default=False,
)
RESUME = typer.Option(False, "--resume", help="Go on with the run that was stopped in OUTPUT")
MAX_ERRORS = typer.Option(
    None, "--max-errors", min=0, help="Stop when more rows are rejected", show_default=False
)
ENGINE = typer.Option(EngineName.local, "--engine", help="Where the workers are")
ADDRESS = typer.Option(
    None, "--address", help="Address of the Ray cluster (else one on this machine)"
)
GPU = typer.Option(-1, "--gpu-id", "-g", help="GPU to predict on, or -1 for the CPU")


@seqrnn_cli.command("annotate")
def annotate_cli(
    model: str = MODEL,
    inputs: list[str] = INPUTS,
    output: Path = OUTPUT,
    text_column: str = TEXT,
    id_column: str | None = ID,
    keep: str = KEEP,
    columns: str | None = COLUMNS,
    format: Format = FORMAT,
    workers: int | None = WORKERS,
    part_mb: float = PART_MB,
    batch_size: int | None = BATCH_SIZE,
    resume: bool = RESUME,
    max_errors: int | None = MAX_ERRORS,
    engine: EngineName = ENGINE,
    address: str | None = ADDRESS,
    gpu_id: int = GPU,
) -> None:
    """Annotate files of texts, part after part, and keep account of what is done.

    The exit code is 3 if some rows were rejected: `rejects.jsonl` in OUTPUT says which, and why.
    """
    with clear_errors():
        from ..bulk.run import Request, annotate_files  # noqa: PLC0415

        request = Request(
            model,
            tuple(inputs),
            output,
            text_column=text_column,
            id_column=id_column,
            keep=_names(keep),
            columns=None if columns is None else _names(columns),
            format=format.value,
            part_mb=part_mb,
            batch_size=batch_size,
            gpu_id=gpu_id,
        )
        chosen = _engine(engine, workers, address, gpu_id)
        totals = annotate_files(request, chosen, resume=resume, max_errors=max_errors)
    msg.good(f"Annotated {totals.rows:,} documents in {totals.files:,} files of {output}")
    if totals.rejected:
        msg.warn(f"Rejected {totals.rejected:,} rows, listed in {output / 'rejects.jsonl'}")
        raise typer.Exit(REJECTED)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for each in text.split(",") if (name := each.strip()))


def _engine(engine: EngineName, workers: int | None, address: str | None, gpu_id: int) -> Any:
    """Raises ValueError for options that the engine does not have."""
    from ..bulk.engines import run_locally, run_on_ray  # noqa: PLC0415

    if engine is EngineName.ray:
        return partial(run_on_ray, workers=workers, address=address, gpus=int(gpu_id >= 0))
    if address is not None:
        raise ValueError(f"`--address {address}` is for `--engine ray`: add that, or omit it.")
    if gpu_id >= 0 and workers not in (None, 1):
        raise ValueError(
            f"{workers} workers cannot share GPU {gpu_id}: omit --workers, or use `--engine ray`, "
            "which gives each worker its own."
        )
    return partial(run_locally, workers=workers or (1 if gpu_id >= 0 else _cores()))


def _cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
