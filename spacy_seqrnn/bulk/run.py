"""A run of annotation: plan the parts, annotate them, and keep account of what is done."""

import json
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..about import __version__
from ..saved.one_file import partial_file, replace_file
from .annotator import annotator
from .manifest import FILE, Done, Manifest, Plan, create, reopen
from .parts import InputFile, Part, Reading, find_inputs, find_types, name_outputs, name_part, plan
from .saved_pipeline import checksum_of_pipeline, folder_of
from .work import Job, annotate_part

if sys.platform != "win32":
    import fcntl

REJECTS = "rejects.jsonl"
MEGABYTE = 1e6
BAR: dict[str, Any] = {"disable": None, "leave": False}  # on a terminal only
Task = tuple[Part, str]  # with the name of its output
Record = dict[str, Any]
Engine = Callable[[Callable[[Task], Record], list[Task]], Generator[Record]]


@dataclass(frozen=True)
class Request:
    """What to annotate, and how.

    inputs: files, folders and URLs.
    output: a folder.
    format: of the output's files, one of `outputs.OUTPUTS`.
    part_mb: size of a part of the input in megabytes.

    The other options are those of `annotator`.
    """

    model: str
    inputs: tuple[str, ...]
    output: Path
    text_column: str = "text"
    id_column: str | None = None
    keep: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    format: str = "parquet"
    part_mb: float = 4.0
    batch_size: int | None = None
    gpu_id: int = -1


@dataclass(frozen=True)
class Totals:
    """What a run has done since it was first started.

    rows: documents with annotation.
    rejected: rows without.
    files: the output's.
    """

    rows: int
    rejected: int
    files: int


def annotate_files(
    request: Request, engine: Engine, *, resume: bool, max_errors: int | None
) -> Totals:
    """Annotate files, part after part, into a folder.

    engine: does the tasks; see `engines`.
    resume: whether the folder has a run to go on with.
    max_errors: how many rows may be rejected; None for any number.

    Raises ValueError if the request cannot be fulfilled or too many rows are rejected, and OSError
    if a file cannot be read or written, or a worker is killed. What is done by then is kept.
    """
    _check_output(request.output, resume=resume)
    job, inputs = _plan(request)
    described = _describe(request, job, inputs)
    request.output.mkdir(parents=True, exist_ok=True)
    with _alone_in(request.output):
        _check_output(request.output, resume=resume)  # another run may just have ended there
        manifest = (reopen if resume else create)(request.output, described)
        _remove_unfinished(request.output)
        try:
            _annotate(request.output, manifest, engine, job, inputs, max_errors)
        finally:
            _write_rejects(request.output, manifest)
    return _totals(manifest)


def _check_output(folder: Path, *, resume: bool) -> None:
    """Raise ValueError if a folder cannot be used; before the inputs are read, which takes time."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"'{folder}' is a file: name a folder for the output.")
    if resume and not (folder / FILE).exists():
        raise ValueError(f"There is no run to resume in '{folder}': it has no '{FILE}'.")
    if not resume and (folder / FILE).exists():
        raise ValueError(
            f"'{folder}' has the output of another run: add --resume to complete that one, or "
            "name another folder."
        )
    if not resume and folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"The folder '{folder}' is not empty: name another one for the output.")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder. The operating system lets go of it after a kill.

    Raises ValueError if there is one already. Windows cannot lock folders.
    """
    with ExitStack() as stack:
        if sys.platform != "win32":
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(
                    f"Another run is writing to '{folder}': wait until it ends."
                ) from None
        yield


def _plan(request: Request) -> tuple[Job, list[InputFile]]:
    """What to do with each part, and the parts. Raises ValueError if something does not fit."""
    annotate = annotator(
        request.model,
        text_column=request.text_column,
        id_column=request.id_column,
        keep=request.keep,
        columns=request.columns,
        batch_size=request.batch_size,
        gpu_id=request.gpu_id,
    )
    reading = Reading(
        text_column=request.text_column,
        id_column=request.id_column,
        keep=request.keep,
        part_bytes=round(request.part_mb * MEGABYTE),
    )
    paths = find_inputs(request.inputs)
    name_outputs(paths)  # before the inputs are read, which takes time
    job = Job(annotator=annotate, reading=find_types(reading, paths), format=request.format)
    job.check()
    sizes = [Path(path).stat().st_size if Path(path).is_file() else 0 for path in paths]
    with tqdm(total=sum(sizes), desc="Reading the inputs", unit="B", unit_scale=True, **BAR) as bar:
        return job, [plan(path, job.reading, bar.update) for path in paths]


def _describe(request: Request, job: Job, inputs: list[InputFile]) -> Plan:
    """All that the output depends on, as JSON."""
    return {
        "version": __version__,
        "model": request.model,
        "model_sha256": checksum_of_pipeline(folder_of(request.model)),
        "text_column": request.text_column,
        "kept": [f"{field.name}: {field.type}" for field in job.reading.schema],
        "columns": job.annotator.columns,
        "format": request.format,
        "part_mb": request.part_mb,
        "inputs": [asdict(each) for each in inputs],
    }


def _annotate(
    folder: Path,
    manifest: Manifest,
    engine: Engine,
    job: Job,
    inputs: list[InputFile],
    max_errors: int | None,
) -> None:
    """Annotate the parts that are not done. Raises ValueError if too many rows are rejected."""
    tasks = _tasks(inputs, job.format)
    done = {name for _, name in tasks if _is_done(folder / name, manifest.done.get(name))}
    left = [task for task in tasks if task[1] not in done]
    n_rows, n_done = sum(each.rows for each in inputs), sum(map(manifest.rows_of, done))
    with (
        # Closed at an error at once, so that the workers end
        closing(engine(partial(do_task, job, folder), left)) as records,
        tqdm(total=n_rows, initial=n_done, desc="Annotating", unit=" rows", **BAR) as bar,
    ):
        for record in records:
            manifest.add(record)
            bar.update(manifest.rows_of(record["output"]))
            _check_errors(manifest, max_errors)
    n_read = sum(manifest.rows_of(name) for _, name in tasks)
    if n_read != n_rows:
        raise ValueError(
            f"The inputs have changed while they were annotated: they had {n_rows:,} rows, of "
            f"which {n_read:,} were read. Begin again in another folder."
        )


def _tasks(inputs: list[InputFile], form: str) -> list[Task]:
    stems = name_outputs([each.path for each in inputs])
    return [
        (part, name_part(stems[each.path], part.number, len(each.parts), f".{form}"))
        for each in inputs
        for part in each.parts
    ]


def do_task(job: Job, folder: Path, task: Task) -> Record:
    """Annotate a part, in the process of a worker. Returns what the manifest notes."""
    part, name = task
    report = annotate_part(job, part, folder / name)
    return {"output": name, "size": (folder / name).stat().st_size, **asdict(report)}


def _check_errors(manifest: Manifest, most: int | None) -> None:
    if most is not None and manifest.rejected > most:
        raise ValueError(
            f"{manifest.rejected:,} rows were rejected, more than --max-errors {most:,}. See "
            f"'{REJECTS}', correct them and begin again, or add --resume with a larger "
            "--max-errors."
        )


def _remove_unfinished(folder: Path) -> None:
    """Remove what killed workers have left."""
    for path in folder.rglob(partial_file(Path("*")).name):
        path.unlink(missing_ok=True)


def _is_done(path: Path, done: Done | None) -> bool:
    """Whether a part is finished, and its output is still there."""
    return done is not None and path.is_file() and path.stat().st_size == done.size


def _write_rejects(folder: Path, manifest: Manifest) -> None:
    """Collect the rejected rows of all parts in one file."""
    lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in manifest.rejects())
    if manifest.rejected:
        replace_file(folder / REJECTS, lambda file: file.writelines(map(str.encode, lines)))


def _totals(manifest: Manifest) -> Totals:
    rows = sum(done.rows for done in manifest.done.values())
    return Totals(rows, manifest.rejected, len(manifest.done))
