"""The work of one process: annotate a part of the inputs, and write its file."""

import io
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from ..saved.one_file import replacing
from .annotator import Annotator
from .columns import find_columns
from .outputs import OUTPUTS, DocBinOutput, Output, open_output
from .parts import Part, Reading, Reject, Rows, read
from .pipelines import Tokens


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is the same for all parts.

    annotator: the pipeline, and the columns of annotation.
    reading: what to read, with the types of the kept columns.
    format: one of `outputs.OUTPUTS`, which is also the suffix of the files.
    """

    annotator: Annotator
    reading: Reading
    format: str = "parquet"

    def stored(self) -> tuple[str, ...]:
        """The kept columns that the output has."""
        left_out = self.reading.implied and OUTPUTS.get(self.format) is DocBinOutput
        return () if left_out else self.reading.kept

    def check(self) -> None:
        """Raise ValueError if the format is unknown, or cannot store a column."""
        with _open(self, io.BytesIO()):
            pass


@dataclass
class Report:
    """What has become of a part.

    rows: number of rows with annotation, which are in the output.
    characters: number of characters of all texts that were read.
    rejects: "file", "row" and "reason" of each other row in their order, and its "id" if IDs are
        kept, which is None if it is not known.
    """

    rows: int = 0
    characters: int = 0
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def add(self, part: Part, rejects: Iterable[Reject], reading: Reading) -> None:
        """Add rejects of a part."""
        for each in rejects:
            found = {"file": part.file, "row": each.row, "reason": each.reason}
            ids = {} if reading.id_column is None else {"id": each.id}
            self.rejects.append(found | ids)


def annotate_part(job: Job, part: Part, target: Path) -> Report:
    """Annotate a part, and write the rows without error to a file, in their order.

    target: the file, which is there completely or not at all. Its folder is made.

    Raises ValueError if the input, or a column, cannot be read, and OSError if the file cannot be
    written.
    """
    report = Report()
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as file, _open(job, file) as output:
        for rows in read(part, job.reading):
            _annotate_rows(job, part, rows, output, report)
    return report


def _open(job: Job, file: IO[bytes]) -> AbstractContextManager[Output]:
    kept = pa.schema(list(map(job.reading.schema.field, job.stored())))
    return open_output(job.format, file, kept, find_columns(job.annotator.columns))


def _annotate_rows(job: Job, part: Part, rows: Rows, output: Output, report: Report) -> None:
    rejects = list(rows.rejects)
    for each in job.annotator.slices(rows.texts):
        places = pa.array(each.rows, pa.int64())
        output.write([rows.kept.column(name).take(places) for name in job.stored()], each.docs)
        report.rows += len(each.rows)
        rejects += [
            Reject(rows.numbers[row], reason, _id(rows, row, job.reading))
            for row, reason in each.errors.items()
        ]
    report.add(part, sorted(rejects, key=itemgetter(0)), job.reading)
    report.characters += sum(len(text) for text in rows.texts if isinstance(text, str | Tokens))


def _id(rows: Rows, row: int, reading: Reading) -> Any:
    """The ID of a row, as JSON has it."""
    if reading.id_column is None:
        return None
    values = rows.kept.column(reading.id_column).slice(row, 1)
    # Python's times would not have their nanoseconds.
    value = (values.cast(pa.string()) if pa.types.is_temporal(values.type) else values)[0].as_py()
    return value if isinstance(value, str | int | float | None) else str(value)
