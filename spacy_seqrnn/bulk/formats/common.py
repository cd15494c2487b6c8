"""What all formats of inputs share: their parts, and the rows that are read from a part."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import pyarrow as pa

PART_BYTES = 4_000_000
BATCH_ROWS, BATCH_BYTES = 2048, 8_000_000
Item = TypeVar("Item")
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Part:
    """Consecutive rows of an input, which become one file of the output.

    file: path or URL of the input.
    number: its number among the parts of the input, from 0.
    first_row: the number of its first row among all rows of the input, from 0.
    start: where it begins: a row of Parquet, a document of a folder or a `.spacy` file, or a byte
        of lines, uncompressed.
    stop: where it ends, likewise; exclusive.
    """

    file: str
    number: int
    first_row: int
    start: int
    stop: int


@dataclass(frozen=True)
class InputFile:
    """An input and its parts.

    size: number of bytes as they are stored.
    sha256: checksum of these bytes.
    parts: none if it has no rows.
    """

    path: str
    size: int
    sha256: str
    parts: list[Part]
    rows: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What to read from the inputs.

    text_column: the column, or field, of texts; without effect where rows are documents.
    id_column: a column that identifies a row; it is kept.
    keep: further columns that the output has.
    part_bytes: about how many bytes a part should have, uncompressed.
    types: the Arrow types of the kept columns; None until `find_types` has looked into the inputs.
    implied: whether the IDs are names of documents that nobody has asked for. An output that has no
        columns goes without them.
    """

    text_column: str = "text"
    id_column: str | None = None
    keep: tuple[str, ...] = ()
    part_bytes: int = PART_BYTES
    types: tuple[pa.DataType, ...] | None = None
    implied: bool = False

    @property
    def kept(self) -> tuple[str, ...]:
        """All columns of the input that the output has."""
        return (*([self.id_column] if self.id_column is not None else []), *self.keep)

    @property
    def schema(self) -> pa.Schema:
        """The schema of the kept columns. Raises ValueError if their types are not known yet."""
        if self.types is None:
            raise ValueError(
                "The types of the kept columns are not known: call `find_types` first."
            )
        return pa.schema(list(zip(self.kept, self.types, strict=True)))


class Reject(NamedTuple):
    """A row that cannot be annotated.

    row: its number in the input.
    id: its value in the column of IDs, where that is known.
    """

    row: int
    reason: str
    id: Any = None


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of a part.

    numbers: of the rows in the input; without those of the rejects.
    texts: a text, or `Tokens`, for each number. Anything else is an error for
        `pipelines.problem` to describe.
    kept: the columns to keep, with a row for each number.
    rejects: the rows that could not be read.
    """

    numbers: list[int]
    texts: list[Any]
    kept: pa.RecordBatch
    rejects: list[Reject]


class Format(Protocol):
    """A format of inputs."""

    def types(self, path: str, reading: Reading) -> dict[str, pa.DataType] | None:
        """The types of the kept columns that an input has.

        Returns None if it has no rows, and says nothing of its columns.
        Raises ValueError if it lacks a column that every row of the format has.
        """

    def plan(self, path: str, reading: Reading, progress: Progress) -> InputFile:
        """Divide an input into parts; see `parts.plan`."""

    def read(self, part: Part, reading: Reading) -> Iterator[Rows]:
        """The rows of a part; see `parts.read`."""


def number_parts(path: str, spans: Sequence[tuple[int, int, int]]) -> list[Part]:
    """The parts of an input.

    spans: the first row, the start and the stop of each part.
    """
    return [Part(path, number, *span) for number, span in enumerate(spans)]


def take(items: Iterator[Item], size: Callable[[Item], int]) -> list[Item]:
    """The next items for one batch; none if there are no more.

    size: the number of bytes, or about that, of an item.
    """
    batch: list[Item] = []
    n_bytes = 0
    for item in items:
        batch.append(item)
        n_bytes += size(item)
        if len(batch) == BATCH_ROWS or n_bytes >= BATCH_BYTES:
            break
    return batch
