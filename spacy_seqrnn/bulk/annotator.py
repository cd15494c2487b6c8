"""The function that every engine calls: from a batch of texts to a batch of annotation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from .columns import Column, columns_of, find_columns
from .pipelines import Slice, annotate, load_once
from .texts import place_of, place_of_texts, read_texts

ERROR = "error"  # the column that says why a row has no annotation
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Annotator:
    """A function from a batch of texts to a batch of annotation; see `annotator`."""

    model: str
    text_column: str
    kept: tuple[str, ...]
    columns: tuple[str, ...]
    batch_size: int | None
    gpu_id: int

    def __call__(self, data: Batch) -> Batch:
        """Annotate a batch, or each batch of an iterator as it comes.

        data: `pyarrow.RecordBatch`, `pyarrow.Table`, `pandas.DataFrame`, or an iterator of these.

        Returns the same type, with the rows in the same order.
        Raises ValueError if it has no column of texts.
        """
        converted: Any
        if isinstance(data, pa.RecordBatch):
            converted = self._annotate(data)
        elif isinstance(data, pa.Table):
            batches = [self._annotate(batch) for batch in data.to_batches()]
            converted = pa.Table.from_batches(batches, self.schema(data.schema))
        elif hasattr(data, "columns"):
            converted = self._annotate_frame(data)
        elif isinstance(data, Iterable):
            converted = map(self, data)
        else:
            raise TypeError(
                f"The annotator was given an object of type {type(data).__name__}, but needs "
                "batches of Arrow or data frames of pandas."
            )
        return converted  # type: ignore[no-any-return]

    def schema(self, read: pa.Schema) -> pa.Schema:
        """The schema of the output.

        read: the schema of the input.

        Raises ValueError if the input lacks a column, or if an output would have one name twice.
        """
        place_of_texts(read, self.text_column)
        kept = [read.field(place_of(read, name)) for name in self.kept]
        fields = [*kept, *(pa.field(c.name, c.type) for c in self._columns())]
        names = [*(field.name for field in fields), ERROR]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(
                f"Both the input and the annotation have a column '{twice[0]}': rename the input's."
            )
        return pa.schema([*fields, pa.field(ERROR, pa.string())])

    def _columns(self) -> list[Column]:
        return find_columns(self.columns)

    def _annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        schema = self.schema(batch.schema)
        kept = [batch.column(place_of(batch.schema, name)) for name in self.kept]
        texts = read_texts(batch.column(place_of_texts(batch.schema, self.text_column)))
        return pa.RecordBatch.from_arrays([*kept, *self.arrays(texts)], schema=schema)

    def arrays(self, texts: Sequence[Any]) -> list[pa.Array]:
        """The annotation of texts: the arrays of all columns, and of the errors."""
        columns, errors = self._columns(), dict[int, str]()
        rows: list[int] = []
        slices: list[list[pa.Array]] = []
        for each in self.slices(texts):
            slices.append([column.read(each.docs) for column in columns])
            rows += each.rows
            errors |= each.errors
        places = dict(zip(rows, range(len(rows)), strict=True))
        order = pa.array([places.get(row) for row in range(len(texts))], pa.int64())
        arrays = [
            _concatenate([arrays[i] for arrays in slices], column.type).take(order)
            for i, column in enumerate(columns)
        ]
        return [*arrays, pa.array([errors.get(row) for row in range(len(texts))], pa.string())]

    def slices(self, texts: Sequence[Any]) -> Iterator[Slice]:
        """The documents of texts; see `pipelines.annotate`."""
        return annotate(load_once(self.model, self.gpu_id), texts, self.batch_size)

    def _annotate_frame(self, frame: Any) -> Any:
        import pandas as pd  # noqa: PLC0415  # it is there if there is a frame

        batch = pa.RecordBatch.from_pandas(frame, preserve_index=False)
        annotated = self._annotate(batch).to_pandas(types_mapper=pd.ArrowDtype)
        annotated.index = frame.index
        return annotated


def annotator(
    model: str,
    *,
    text_column: str = "text",
    id_column: str | None = None,
    keep: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    batch_size: int | None = None,
    gpu_id: int = -1,
) -> Annotator:
    """A picklable function from a batch of texts to a batch of annotation, for any engine.

    Each process that calls it loads the pipeline once. A row whose text cannot be annotated has
    null in all columns of annotation, and the reason in the column `error`.

    model: folder or package of a pipeline, which every worker must find under this name.
    text_column: the input's column of texts.
    id_column: a column of the input that the output begins with.
    keep: further columns of the input that the output has.
    columns: the columns of annotation; see `find_columns`. None takes those that the pipeline's
        components say they set.
    batch_size: number of documents that the pipeline computes at a time; None for its own.
    gpu_id: number of the GPU to predict on, of those that the worker sees; -1 for the CPU.

    Raises ValueError if the pipeline, or a column of annotation, does not exist, or if a column is
    kept twice.
    """
    kept = (*([id_column] if id_column is not None else []), *keep)
    if len(set(kept)) < len(kept):
        raise ValueError(f"A column of the input is kept twice ({', '.join(kept)}): name it once.")
    nlp = load_once(model, gpu_id).nlp
    names = columns_of(nlp) if columns is None else columns
    if not find_columns(names):
        raise ValueError(
            f"No component of '{model}' says that it sets a column of annotation: name the columns."
        )
    return Annotator(model, text_column, kept, tuple(names), batch_size, gpu_id)


def _concatenate(arrays: list[pa.Array], kind: pa.DataType) -> pa.Array:
    return pa.concat_arrays(arrays or [pa.array([], kind)])
