"""Files of lines: where they can be divided into parts."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

import numpy as np

from .common import InputFile, Progress, number_parts
from .streams import BUFFER, Stored, read_blocks, suffixes, uncompress

BOM = b"\xef\xbb\xbf"
# A worker reads a compressed file from the beginning up to its part.
MOST_COMPRESSED_PARTS = 32
MOST_RECORD_BYTES = 1 << 26
Span = tuple[int, int, int]  # a part's first row, start and stop


class Records(Protocol):
    """A function that finds the records of a format.

    chunk: bytes that begin with a record.
    last: whether the file ends with them.

    Returns where each whole record ends, shape (n_records,), int64, and whether it is a row, shape
    (n_records,), bool.
    """

    def __call__(self, chunk: bytes, last: bool) -> tuple[np.ndarray, np.ndarray]: ...


def plan_lines(
    path: str, part_bytes: int, progress: Progress, records: Records, *, header: bool
) -> InputFile:
    """Divide a file into parts between records, with one pass through it.

    header: whether the first record is no row but has the columns' names.

    Raises ValueError if it cannot be read, is not whole, or has a record that is too long.
    """
    with Stored(path, progress) as stored:
        stream = uncompress(io.BufferedReader(stored, BUFFER), path)
        splitter = _Splitter(part_bytes, header)
        spans = splitter.split(read_blocks(stream, path), records, path)
        checksum = stored.finish()
    if suffixes(path)[1]:
        spans = _join(spans)
    return InputFile(path, stored.size, checksum, number_parts(path, spans), splitter.rows)


@dataclass
class _Splitter:
    """The parts that have been found so far.

    first_row: of the part that is not complete yet.
    start: of that part.
    """

    part_bytes: int
    header: bool
    rows: int = 0
    first_row: int = 0
    start: int = 0
    spans: list[Span] = field(default_factory=list)

    def split(self, blocks: Iterable[bytes], records: Records, path: str) -> list[Span]:
        rest, offset = b"", 0
        blocks = iter(blocks)
        first = next(blocks, b"")
        if first.startswith(BOM):
            offset = self.start = len(BOM)
        for block in chain([first[offset:]], blocks, [None]):
            chunk = rest + (block or b"")
            ends, is_row = records(chunk, block is None)
            rest = chunk[ends[-1] :] if len(ends) else chunk
            if len(rest) > MOST_RECORD_BYTES:
                raise ValueError(self._too_long(path, int(is_row.sum())))
            self._add(offset + ends, is_row)
            offset += len(chunk) - len(rest)
        self._complete(offset, self.rows)
        return self.spans

    def _add(self, ends: np.ndarray, is_row: np.ndarray) -> None:
        """Add records. Shape of both (n_records,)."""
        if self.header and is_row.any():
            first = int(is_row.argmax()) + 1
            self.header, self.start = False, int(ends[first - 1])
            ends, is_row = ends[first:], is_row[first:]
        counts = self.rows + np.cumsum(is_row)
        while (i := int(np.searchsorted(ends, self.start + self.part_bytes))) < len(ends):
            self._complete(int(ends[i]), int(counts[i]))
        self.rows = int(counts[-1]) if len(counts) else self.rows

    def _complete(self, stop: int, rows: int) -> None:
        if rows > self.first_row:
            self.spans.append((self.first_row, self.start, stop))
        self.first_row, self.start = rows, stop

    def _too_long(self, path: str, n_before: int) -> str:
        number = self.rows + n_before - self.header
        return (
            f"Row {number} of '{path}' has more than {MOST_RECORD_BYTES >> 20} MiB: is there a "
            "quote that nothing closes, or a file that is not one row a line?"
        )


def _join(spans: list[Span]) -> list[Span]:
    """Fewer, longer parts."""
    step = -(-len(spans) // MOST_COMPRESSED_PARTS)
    groups = [spans[i : i + step] for i in range(0, len(spans), step or 1)]
    return [(group[0][0], group[0][1], group[-1][2]) for group in groups]
