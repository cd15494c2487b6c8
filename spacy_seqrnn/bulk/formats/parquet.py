"""Parquet: ranges of rows, read batch by batch, with no columns but those that are needed."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..texts import place_of, place_of_texts, read_texts
from .common import (
    BATCH_BYTES,
    BATCH_ROWS,
    InputFile,
    Part,
    Progress,
    Reading,
    Rows,
    number_parts,
)
from .lines import Span
from .streams import BUFFER, Stored, is_url, open_stored


@dataclass(frozen=True)
class Parquet:
    """Files of Parquet."""

    def types(self, path: str, reading: Reading) -> dict[str, pa.DataType] | None:
        """The types in the footer; see `Format.types`."""
        with _open(path) as file:
            read = file.schema_arrow
            return {name: read.field(_place(path, read, name)).type for name in reading.kept}

    def plan(self, path: str, reading: Reading, progress: Progress) -> InputFile:
        """Divide a file into parts; see `parts.plan`.

        Small groups of rows are joined, and large ones are divided.
        """
        with Stored(path, progress) as stored:
            checksum = stored.finish()
        with _open(path) as file:
            _check_texts(path, file.schema_arrow, reading.text_column)
            spans = _spans(_count_groups(path, file, reading), reading.part_bytes)
            n_rows = file.metadata.num_rows
        return InputFile(path, stored.size, checksum, number_parts(path, spans), n_rows)

    def read(self, part: Part, reading: Reading) -> Iterator[Rows]:
        """The rows of a part; see `parts.read`."""
        with _open(part.file) as file:
            for row, batch in _batches(part, file, reading):
                texts = batch.column(place_of(batch.schema.names, reading.text_column))
                columns = [
                    batch.column(place_of(batch.schema.names, name)) for name in reading.kept
                ]
                arrays = [c.cast(f.type) for c, f in zip(columns, reading.schema, strict=True)]
                kept = pa.RecordBatch.from_arrays(arrays, schema=reading.schema)
                yield Rows(list(range(row, row + len(batch))), read_texts(texts), kept, [])


@contextmanager
def _open(path: str) -> Iterator[pq.ParquetFile]:
    """Open a file. Raises ValueError if it is no Parquet, or cannot be read in any order."""
    with open_stored(path) as stored:
        try:
            # With a buffer, a column of a group of rows is not read as a whole.
            file = pq.ParquetFile(stored if is_url(path) else path, buffer_size=BUFFER)
        except io.UnsupportedOperation as error:
            raise ValueError(
                f"'{path}' is on a server that does not send parts of files, which Parquet needs: "
                "download it first."
            ) from error
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"'{path}' is not a whole file of Parquet: {error}") from error
        with file:
            yield file


def _place(path: str, read: pa.Schema, name: str) -> int:
    try:
        return place_of(read.names, name)
    except ValueError as error:
        raise ValueError(f"'{path}': {error}") from error


def _check_texts(path: str, read: pa.Schema, name: str) -> None:
    try:
        place_of_texts(read, name)
    except ValueError as error:
        raise ValueError(f"'{path}': {error}") from error


def _count_groups(path: str, file: pq.ParquetFile, reading: Reading) -> list[tuple[int, int]]:
    """The number of rows of each group, and that of its bytes in the columns that are read."""
    read = file.schema_arrow
    ends = np.cumsum([_n_leaves(field.type) for field in read])
    places = {_place(path, read, name) for name in (reading.text_column, *reading.kept)}
    leaves = [leaf for i in places for leaf in range(ends[i] - _n_leaves(read.types[i]), ends[i])]
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    return [
        (group.num_rows, sum(group.column(leaf).total_uncompressed_size for leaf in leaves))
        for group in groups
    ]


def _n_leaves(kind: pa.DataType) -> int:
    """The number of columns of Parquet that store a column of Arrow."""
    if pa.types.is_nested(kind):
        return sum(_n_leaves(kind.field(i).type) for i in range(kind.num_fields))
    return 1


def _spans(groups: list[tuple[int, int]], part_bytes: int) -> list[Span]:
    """The first row, start and stop of each part.

    groups: numbers of rows and bytes.
    """
    stops: list[int] = []
    row = n_bytes = 0
    for n_rows, size in groups:
        if n_bytes and n_bytes + size > part_bytes:
            stops.append(row)
            n_bytes = 0
        pieces = max(1, min(n_rows, -(-size // part_bytes)))
        stops += [row + n_rows * i // pieces for i in range(1, pieces)]
        row, n_bytes = row + n_rows, (n_bytes if pieces == 1 else 0) + size // pieces
    bounds = np.unique([0, *stops, row]).tolist()
    return [(start, start, stop) for start, stop in pairwise(bounds)]


def _batches(
    part: Part, file: pq.ParquetFile, reading: Reading
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The batches of a part, each with the number of its first row."""
    counts = _count_groups(part.file, file, reading)
    ends = np.cumsum([n_rows for n_rows, _ in counts])
    first, last = np.searchsorted(ends, [part.start, part.stop - 1], "right").tolist()
    row = int(ends[first]) - counts[first][0]
    batches = file.iter_batches(
        _batch_size(counts[first : last + 1]),
        row_groups=list(range(first, last + 1)),
        columns=list(dict.fromkeys([reading.text_column, *reading.kept])),
    )
    for batch in batches:
        start, stop = max(part.start, row), min(part.stop, row + len(batch))
        if start < stop:
            yield start, batch.slice(start - row, stop - start)
        row += len(batch)
        if row >= part.stop:
            return


def _batch_size(counts: list[tuple[int, int]]) -> int:
    """The number of rows for a batch of bounded size."""
    n_rows, n_bytes = sum(n for n, _ in counts), sum(size for _, size in counts)
    return max(1, min(BATCH_ROWS, BATCH_BYTES * n_rows // max(n_bytes, 1)))
