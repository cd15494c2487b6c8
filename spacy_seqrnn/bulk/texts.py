"""Columns of texts in Arrow batches and files."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa


def read_texts(column: pa.Array) -> list[Any]:
    """The texts of a column; bytes where one is not UTF-8, and None where it is null."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        texts: list[Any] = column.cast(pa.large_string()).to_pylist()
    except (pa.ArrowInvalid, UnicodeDecodeError):  # Arrow does not always verify what it reads
        texts = [decode(each) for each in column.cast(pa.large_binary()).to_pylist()]
    return texts


def decode(data: bytes | None) -> str | bytes | None:
    """UTF-8 as text; what is not UTF-8 stays as it is."""
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return data


def place_of_texts(read: pa.Schema, name: str) -> int:
    """The index of the column of texts. Raises ValueError if it has something else."""
    place = place_of(read.names, name)
    check_texts(name, read.field(place).type)
    return place


def check_texts(name: str, kind: pa.DataType) -> None:
    """Raise ValueError if a column of this type has no texts."""
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    if values not in (
        *(pa.string(), pa.large_string(), pa.string_view()),
        *(pa.binary(), pa.large_binary(), pa.binary_view(), pa.null()),
    ):
        raise ValueError(
            f"The column '{name}' has values of type {kind}, not texts: name the column of texts."
        )


def place_of(names: Sequence[str], name: str) -> int:
    """The index of a column. Raises ValueError if it is missing, or there twice."""
    places = [place for place, other in enumerate(names) if other == name]
    if len(places) != 1:
        problem = "has no column" if not places else "has more than one column"
        raise ValueError(
            f"The input {problem} '{name}': name one of {', '.join(map(str, names)) or 'none'}."
        )
    return places[0]
