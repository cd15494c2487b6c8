"""Files of annotation, written completely or not at all."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from spacy.tokens import Doc, DocBin

from .columns import Column

GROUP_BYTES = 1 << 25  # of a group of rows in Parquet


class Output(Protocol):
    """A file that documents are written to."""

    def write(self, kept: Sequence[pa.Array], docs: Sequence[Doc]) -> None:
        """Write documents, which are not needed afterwards.

        kept: the values of each kept column, one for each document.
        """

    def close(self) -> None:
        """Write what is left; the file stays open."""


@contextmanager
def open_output(
    name: str, file: IO[bytes], kept: pa.Schema, columns: Sequence[Column]
) -> Iterator[Output]:
    """A file of annotation, which is closed at the end.

    name: one of `OUTPUTS`.
    kept: the schema of the kept columns.
    columns: those of the annotation.

    Raises ValueError for an unknown format, and for columns that it cannot store.
    """
    if name not in OUTPUTS:
        raise ValueError(f"'{name}' is not a format of outputs: choose {', '.join(OUTPUTS)}.")
    output = OUTPUTS[name](file, kept, columns)
    try:
        yield output
    except BaseException:
        # Nobody needs the file, and a writer that is not closed complains when it is deleted.
        with suppress(Exception):
            output.close()
        raise
    output.close()


class ParquetOutput:
    """Parquet, in groups of rows of bounded size."""

    def __init__(self, file: IO[bytes], kept: pa.Schema, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._schema = schema_of(kept, columns)
        self._batches: list[pa.RecordBatch] = []
        try:
            self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        except pa.ArrowNotImplementedError as error:
            raise ValueError(
                f"Parquet cannot store the kept columns: {error}. Do not keep that column."
            ) from error

    def write(self, kept: Sequence[pa.Array], docs: Sequence[Doc]) -> None:
        """Write documents; see `Output`."""
        self._batches.append(_batch(self._schema, kept, self._columns, docs))
        if sum(batch.nbytes for batch in self._batches) >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Write what is left; see `Output`."""
        if self._batches:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._batches, self._schema))
        self._batches = []


class JsonLinesOutput:
    """JSON lines. Dates and times are strings, and numbers that JSON does not have are null."""

    def __init__(self, file: IO[bytes], kept: pa.Schema, columns: Sequence[Column]) -> None:
        self._file = file
        self._columns = columns
        self._schema = schema_of(kept, columns)
        for field in self._schema:
            if not _has_json(field.type) and not pa.types.is_temporal(field.type):
                raise ValueError(
                    f"JSON cannot store the column '{field.name}', whose type is {field.type}: do "
                    "not keep it, or write Parquet."
                )

    def write(self, kept: Sequence[pa.Array], docs: Sequence[Doc]) -> None:
        """Write documents; see `Output`."""
        batch = _batch(self._schema, kept, self._columns, docs)
        names = batch.schema.names
        arrays = pa.RecordBatch.from_arrays(list(map(_without_times, batch.columns)), names)
        for row in arrays.to_pylist(maps_as_pydicts="strict"):
            self._file.write(f"{_as_json(row)}\n".encode())

    def close(self) -> None:
        """Nothing is left; see `Output`."""


class DocBinOutput:
    """spaCy's own format, with all annotation and no columns."""

    def __init__(self, file: IO[bytes], kept: pa.Schema, columns: Sequence[Column]) -> None:
        if kept.names:
            raise ValueError(
                f"A .spacy file has no columns to keep '{kept.names[0]}' in: keep nothing, or "
                "write Parquet or JSON lines."
            )
        self._file = file
        self._docs = DocBin(store_user_data=True)

    def write(self, kept: Sequence[pa.Array], docs: Sequence[Doc]) -> None:
        """Write documents; see `Output`."""
        for doc in docs:
            self._docs.add(doc)

    def close(self) -> None:
        """Write the file; see `Output`."""
        self._file.write(self._docs.to_bytes())


OUTPUTS: dict[str, Callable[[IO[bytes], pa.Schema, Sequence[Column]], Output]] = {
    "parquet": ParquetOutput,
    "jsonl": JsonLinesOutput,
    "spacy": DocBinOutput,
}


def schema_of(kept: pa.Schema, columns: Sequence[Column]) -> pa.Schema:
    """The schema of an output. Raises ValueError if two columns have the same name."""
    fields = [*kept, *(pa.field(column.name, column.type) for column in columns)]
    names = [field.name for field in fields]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(
            f"The output would have two columns '{twice}': keep it once, and rename it in the "
            "input if it is a column of the annotation."
        )
    return pa.schema(fields)


def _batch(
    schema: pa.Schema, kept: Sequence[pa.Array], columns: Sequence[Column], docs: Sequence[Doc]
) -> pa.RecordBatch:
    arrays = [*kept, *(column.read(docs) for column in columns)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _has_json(kind: pa.DataType) -> bool:
    """Whether all values of a type have a counterpart in JSON, if only as strings."""
    if pa.types.is_dictionary(kind):
        return _has_json(kind.value_type)
    if pa.types.is_map(kind) and kind.key_type != pa.string():
        return False
    if pa.types.is_nested(kind):
        return all(_has_json(kind.field(i).type) for i in range(kind.num_fields))
    simple = pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating
    texts = pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view
    return any(check(kind) for check in (*simple, *texts, pa.types.is_decimal))


def _without_times(array: pa.Array) -> pa.Array:
    """Dates and times as strings; Python's objects would not have their nanoseconds."""
    return array.cast(pa.string()) if pa.types.is_temporal(array.type) else array


def _as_json(row: dict[str, Any]) -> str:
    # `str` is for decimal numbers, which would lose digits.
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_finite(row), ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
