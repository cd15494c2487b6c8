"""The types of kept columns: inferred from values, the same in all inputs, and checked."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa

from ..pipelines import is_unicode

_SCALARS: dict[pa.DataType, type] = {
    pa.bool_(): bool,
    pa.int64(): int,
    pa.float64(): float,
    pa.string(): str,
}
_MOST_EXACT = 2**53  # of the integers that a double represents


def infer_type(name: str, path: str, values: Sequence[Any]) -> pa.DataType:
    """The type of a column's first values. Values that no type of Arrow represents are ignored.

    Raises ValueError if their types disagree.
    """
    types: dict[pa.DataType, str] = {}
    for value in values:
        try:
            types[pa.array([value]).type] = path
        except (pa.ArrowException, OverflowError, UnicodeEncodeError):
            continue  # the row becomes a reject
    return agree(name, types.items(), inferred=True)


def agree(
    name: str, found: Iterable[tuple[pa.DataType, str]], *, inferred: bool = False
) -> pa.DataType:
    """The one type of a column.

    found: types, each with a file that has it.
    inferred: whether the types are those of some of the values, which others may widen.

    Raises ValueError if the types disagree.
    """
    kind, source = pa.null(), ""
    for other, path in found:
        wider = _widen(kind, other) if inferred else _same(kind, other)
        if wider is None:
            raise ValueError(
                f"The column '{name}' has values of type {kind} in '{source}', and of type {other} "
                f"in '{path}': give it one type, or do not keep it."
            )
        kind, source = wider, path if wider != kind else source
    return kind


def _same(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    if other in (one, pa.null()):
        return one
    return other if one == pa.null() else None


def _widen(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type of the values of both types; None if there is none."""
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    if pa.types.is_list(one) and pa.types.is_list(other):
        inner = _widen(one.value_type, other.value_type)
        return None if inner is None else pa.list_(inner)
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return reduce(_add_field, other, one)
    return _same(one, other)


def _add_field(struct: pa.StructType | None, field: pa.Field) -> pa.StructType | None:
    if struct is None:
        return None
    kinds = {each.name: each.type for each in struct}
    wider = _widen(kinds.get(field.name, pa.null()), field.type)
    return None if wider is None else pa.struct({**kinds, field.name: wider})


def misfit(name: str, value: Any, kind: pa.DataType) -> str:
    """Why a value from JSON is none of a type; "" if it is one."""
    if value is None or _fits(value, kind):
        return ""
    shown = repr(value)
    shown = shown if len(shown) <= 50 else f"{shown[:50]}…"
    return (
        f"the column '{name}' has the value {shown} of type {type(value).__name__}, which does "
        f"not fit its type {kind}"
    )


def _fits(value: Any, kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return isinstance(value, list) and _all_fit([(each, kind.value_type) for each in value])
    if pa.types.is_struct(kind):
        names: Mapping[str, pa.DataType] = {field.name: field.type for field in kind}
        return (
            isinstance(value, dict)
            and value.keys() <= names.keys()
            and _all_fit([(each, names[key]) for key, each in value.items()])
        )
    return _fits_scalar(value, kind)


def _all_fit(pairs: list[tuple[Any, pa.DataType]]) -> bool:
    return all(value is None or _fits(value, kind) for value, kind in pairs)


def _fits_scalar(value: Any, kind: pa.DataType) -> bool:
    if kind == pa.float64() and type(value) is int:
        return abs(value) <= _MOST_EXACT
    if type(value) is not _SCALARS.get(kind):
        return False
    if isinstance(value, str):
        return is_unicode(value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63
