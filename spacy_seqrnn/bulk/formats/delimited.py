"""CSV and TSV: rows of fields, which may have line ends between quotes."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO

import numpy as np
import pyarrow as pa

from ..pipelines import is_unicode
from .common import InputFile, Part, Progress, Reading, Reject, Rows, take
from .lines import plan_lines
from .streams import open_part, open_whole

_LONGEST_FIELD = 2**31 - 1  # of a long on every platform
LINE_FEED, RETURN, QUOTE = b'\n\r"'


@dataclass(frozen=True)
class Delimited:
    """Files of delimited fields, which may be compressed, with names of columns in the first row.

    Python's `csv` says what is a row: it omits empty lines.
    """

    delimiter: str

    def types(self, path: str, reading: Reading) -> dict[str, pa.DataType] | None:
        """All columns are strings; see `Format.types`."""
        header = self._header(path)
        self._check(path, header, reading)
        return {name: pa.string() for name in reading.kept} if header else None

    def plan(self, path: str, reading: Reading, progress: Progress) -> InputFile:
        """Divide a file into parts; see `parts.plan`."""
        self._check(path, self._header(path), reading)
        records = partial(find_records, delimiter=self.delimiter)
        return plan_lines(path, reading.part_bytes, progress, records, header=True)

    def read(self, part: Part, reading: Reading) -> Iterator[Rows]:
        """The rows of a part; see `parts.read`."""
        header = self._header(part.file)
        with open_part(part) as stream:
            rows = enumerate(self._rows(stream, "utf-8"), part.first_row)
            while batch := _take(rows):
                yield _read_batch(batch, header, reading)

    def _header(self, path: str) -> list[str]:
        """The names of the columns; none if the file is empty."""
        with open_whole(path) as stream, _long_fields():
            return next(self._rows(stream, "utf-8-sig"), [])

    def _rows(self, stream: IO[bytes], encoding: str) -> Iterator[list[str]]:
        # What is not UTF-8 becomes surrogates, which the row with them is rejected for.
        text = io.TextIOWrapper(stream, encoding, "surrogateescape", newline="")
        return filter(None, csv.reader(text, delimiter=self.delimiter))

    def _check(self, path: str, header: list[str], reading: Reading) -> None:
        """Raise ValueError if there is a header that lacks a column, or has it twice."""
        for name in (reading.text_column, *reading.kept):
            if header and header.count(name) != 1:
                problem = "no column" if name not in header else "more than one column"
                raise ValueError(
                    f"'{path}' has {problem} '{name}': name one of {', '.join(header)}."
                )


def _take(rows: Iterator[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    with _long_fields():
        return take(rows, _size)


def _size(row: tuple[int, list[str]]) -> int:
    return sum(map(len, row[1]))


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let `csv` read fields of any length, as it does not by default."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_batch(batch: list[tuple[int, list[str]]], header: list[str], reading: Reading) -> Rows:
    schema = reading.schema
    problems = [_problem(row, header, reading) for _, row in batch]
    good = [each for each, problem in zip(batch, problems, strict=True) if not problem]
    place = header.index(reading.text_column)
    columns = [[row[header.index(name)] for _, row in good] for name in reading.kept]
    arrays = [pa.array(column, f.type) for column, f in zip(columns, schema, strict=True)]
    return Rows(
        [number for number, _ in good],
        [_text(row[place]) for _, row in good],
        pa.RecordBatch.from_arrays(arrays, schema=schema),
        [
            Reject(number, problem, _id(row, header, reading))
            for (number, row), problem in zip(batch, problems, strict=True)
            if problem
        ],
    )


def _problem(row: list[str], header: list[str], reading: Reading) -> str:
    """Why a row cannot be read; "" if it can be."""
    if len(row) != len(header):
        return f"the row has {len(row)} fields, and the header has {len(header)}"
    wrong = (name for name in reading.kept if not is_unicode(row[header.index(name)]))
    name = next(wrong, None)
    return f"the column '{name}' is not UTF-8" if name is not None else ""


def _id(row: list[str], header: list[str], reading: Reading) -> str | None:
    """The ID of a row, unless its fields may be those of other columns."""
    if reading.id_column is None or len(row) != len(header):
        return None
    value = row[header.index(reading.id_column)]
    return value if is_unicode(value) else None


def _text(field: str) -> str | bytes:
    return field if is_unicode(field) else field.encode(errors="surrogateescape")


def find_records(chunk: bytes, last: bool, *, delimiter: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a chunk; see `Records`."""
    data = np.frombuffer(chunk, "uint8")
    quotes = np.flatnonzero(data == QUOTE)
    if not _are_around_fields(data, quotes, delimiter):
        return _find_exactly(chunk, last, delimiter)
    is_end = data == LINE_FEED
    # A carriage return ends a line too, unless a line feed follows, perhaps in the next chunk.
    is_end[:-1] |= (data[:-1] == RETURN) & (data[1:] != LINE_FEED)
    is_end[-1:] |= last and data[-1:] == RETURN
    ends = np.flatnonzero(is_end)
    ends = ends[np.searchsorted(quotes, ends) % 2 == 0] + 1
    if last and len(chunk) > (ends[-1] if len(ends) else 0):
        ends = np.append(ends, len(chunk))
    starts = np.append(0, ends)[:-1]
    return ends, ~np.isin(data[starts], [LINE_FEED, RETURN])


def _are_around_fields(data: np.ndarray, quotes: np.ndarray, delimiter: str) -> bool:
    """Whether all quotes open or close a field, or are two for one within a field.

    Then a byte is within quotes if an odd number of quotes precedes it.

    data: bytes that begin with a row. Shape (n,), uint8.
    quotes: where the quotes are. Shape (n_quotes,), int64.
    """
    outside = np.isin(np.arange(256), [*b'\n\r"', ord(delimiter)])
    padded = np.pad(data, 1, constant_values=LINE_FEED)
    before, after = padded[quotes[::2]], padded[quotes[1::2] + 2]
    return bool(outside[before].all() and outside[after].all())


def _find_exactly(chunk: bytes, last: bool, delimiter: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a chunk as `csv` finds them, line by line."""
    lines = _Lines(chunk, last)
    ends: list[int] = []
    is_row: list[bool] = []
    with _long_fields():
        for row in csv.reader(lines, delimiter=delimiter):
            if lines.exhausted and not last:
                break  # the row goes on in the next chunk
            ends.append(lines.position)
            is_row.append(bool(row))
    return np.array(ends, "int64"), np.array(is_row, bool)


class _Lines:
    """The lines of a chunk, and where the last one that was read ends."""

    def __init__(self, chunk: bytes, last: bool) -> None:
        lines = chunk.splitlines(keepends=True)
        # A carriage return may be the first half of a line end.
        whole = last or chunk.endswith(b"\n")
        self._lines = iter(lines if whole else lines[:-1])
        self.position = 0
        self.exhausted = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.exhausted = True
            raise StopIteration
        self.position += len(line)
        return line.decode("latin1")  # every byte is a character, and those of syntax are ASCII
