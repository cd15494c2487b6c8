"""The function that every engine calls: from a batch of texts to a batch of annotation."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from .columns import Column, columns_for, find_columns
from .pipelines import Slice, annotate, load_once
from .saved_pipeline import attributes_set_by, folder_of
from .texts import check_texts, decode, place_of, place_of_texts, read_texts

ERROR = "error"  # the column that says why a row has no annotation
Batch = TypeVar("Batch")


@dataclass(frozen=True, kw_only=True)
class Annotator:
    """A function from a batch of texts to a batch of annotation; see `annotator`.

    kept: the columns of the input that the output begins with.
    """

    model: str
    text_column: str
    kept: tuple[str, ...]
    columns: tuple[str, ...]
    batch_size: int | None
    gpu_id: int

    def __post_init__(self) -> None:
        """Raises ValueError if the output would have two columns of one name."""
        if len(set(self.kept)) < len(self.kept):
            raise ValueError(
                f"A column of the input is kept twice ({', '.join(self.kept)}): name it once."
            )
        both = set(self.kept) & {field.name for field in self._annotation()}
        if both:
            raise ValueError(
                f"Both the input and the annotation have a column '{min(both)}': rename the "
                "input's."
            )

    def __call__(self, data: Batch) -> Batch:
        """Annotate a batch, or each batch of an iterator as it comes.

        data: `pyarrow.RecordBatch`, `pyarrow.Table`, `pandas.DataFrame`, or an iterator of these.

        Returns the same type, with the rows in the same order.
        Raises ValueError if it has no column of texts, and TypeError if it is something else.
        """
        converted: Any
        if isinstance(data, pa.RecordBatch):
            converted = self._annotate(data)
        elif isinstance(data, pa.Table):
            converted = self._annotate_table(data)
        elif _is_frame(data):
            converted = self._annotate_frame(data)
        elif isinstance(data, Iterator):
            converted = map(self._annotate_next, data)
        else:
            raise TypeError(
                f"The annotator was given an object of type {type(data).__name__}, but needs "
                "batches of Arrow or data frames of pandas: Ray's `map_batches` gives them with "
                "batch_format='pyarrow'."
            )
        return converted  # type: ignore[no-any-return]

    def schema(self, read: pa.Schema) -> pa.Schema:
        """The schema of the output.

        read: the schema of the input.

        Raises ValueError if the input lacks a column.
        """
        place_of_texts(read, self.text_column)
        kept = [read.field(place_of(read.names, name)) for name in self.kept]
        return pa.schema([*kept, *self._annotation()])

    def _annotation(self) -> list[pa.Field]:
        fields = [pa.field(column.name, column.type) for column in self._columns()]
        return [*fields, pa.field(ERROR, pa.string())]

    def _columns(self) -> list[Column]:
        return find_columns(self.columns)

    def _annotate_table(self, table: pa.Table) -> pa.Table:
        schema = self.schema(table.schema)
        # A file is often read in many small batches, which take the pipeline longer than a few
        # large ones.
        read = table.select(list({*self.kept, self.text_column})).combine_chunks()
        return pa.Table.from_batches(map(self._annotate, read.to_batches()), schema)

    def _annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        schema = self.schema(batch.schema)
        kept = [batch.column(place_of(batch.schema.names, name)) for name in self.kept]
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
        """The documents of texts; see `pipelines.annotate`.

        Without texts, as when an engine asks for the types, the pipeline is not loaded.
        """
        if texts:
            yield from annotate(load_once(self.model, self.gpu_id), texts, self.batch_size)

    def _annotate_next(self, data: Any) -> Any:
        """Annotate what an iterator gives, which is Spark's if it gives data frames."""
        annotated = self(data)
        return self._as_objects(annotated) if _is_frame(annotated) else annotated

    def _annotate_frame(self, frame: Any) -> Any:
        """Columns that are kept stay as they are; those of annotation have types of Arrow."""
        import pandas as pd  # noqa: PLC0415  # it is there if there is a frame

        for name in (*self.kept, self.text_column):
            place_of(list(frame.columns), name)
        arrays = self.arrays(_texts_of_series(frame[self.text_column]))
        annotation = {
            field.name: pd.Series(pd.arrays.ArrowExtensionArray(array), index=frame.index)
            for field, array in zip(self._annotation(), arrays, strict=True)
        }
        return frame[list(self.kept)].assign(**annotation)

    def _as_objects(self, frame: Any) -> Any:
        """A frame with annotation as Python's objects: Spark cannot read nulls of Arrow."""
        import pandas as pd  # noqa: PLC0415  # it is there if there is a frame

        for field in self._annotation():
            values = pa.array(frame[field.name]).to_pylist()
            if pa.types.is_map(field.type):
                values = [None if value is None else dict(value) for value in values]
            frame[field.name] = pd.Series(values, frame.index, dtype=object)
        return frame


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
    folder = folder_of(model)
    names = columns_for(attributes_set_by(folder)) if columns is None else columns
    if not find_columns(names):
        raise ValueError(
            f"No component of '{model}' says that it sets a column of annotation: name the columns."
        )
    return Annotator(
        model=model,
        text_column=text_column,
        kept=(*([] if id_column is None else [id_column]), *keep),
        columns=tuple(names),
        batch_size=batch_size,
        gpu_id=gpu_id,
    )


def _is_frame(data: Any) -> bool:
    """Whether something is a data frame of pandas, which is not imported for that."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _texts_of_series(series: Any) -> list[Any]:
    """The values of a column of pandas; None for each of its kinds of null."""
    if series.dtype == object:  # anything may be in it
        pairs = zip(series, series.isna(), strict=True)
        return [
            None if null else decode(value) if isinstance(value, bytes) else value
            for value, null in pairs
        ]
    table = pa.Table.from_pandas(series.to_frame(), preserve_index=False)
    check_texts(series.name, table.schema.field(0).type)
    return [text for batch in table.to_batches() for text in read_texts(batch.column(0))]


def _concatenate(arrays: list[pa.Array], kind: pa.DataType) -> pa.Array:
    return pa.concat_arrays(arrays or [pa.array([], kind)])
