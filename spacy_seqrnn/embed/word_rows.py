"""Rows of learned numbers for words, each of which gets one of its own when training meets it.

In a hashed table words share rows by chance, those that were never seen too. Here they do not: a
word without a row has zeros. Rows stand in blocks, which are made when they are first needed, so
that the optimizer's work, which goes over all rows, grows with the words that there really are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from thinc.api import Model

from ..types import Floats2d, Ints1d

BLOCK_ROWS = 4096
KEYS_AND_ROWS = ("uint64", "int64")


def word_row_attrs(max_rows: int) -> dict[str, Any]:
    """The attributes that a layer with word rows has.

    max_rows: how many words may have a row; they are the first that training meets.
    """
    return {
        "max_rows": max_rows,
        # The keys of the words that have a row, ascending, and the row of each.
        "known_keys": np.zeros(0, dtype=KEYS_AND_ROWS[0]),
        "rows_of_keys": np.zeros(0, dtype=KEYS_AND_ROWS[1]),
    }


def add_word_rows(
    model: Model[Any, Any], keys: np.ndarray, Y: Floats2d, is_train: bool
) -> Callable[[Floats2d], None]:
    """Add the rows of the words with these keys to Y, shape (n_tokens, nO), in place.

    In training, words without a row get one of zeros, as long as there is room. Returns the
    function that takes the gradient of Y into the rows.
    """
    if is_train:
        _make_rows(model, keys)
    places = _find_rows(model, keys)
    for place in places:
        Y[place.tokens] += model.get_param(place.block)[place.rows]

    def backprop(dY: Floats2d) -> None:
        for place in places:
            gradient = model.ops.alloc2f(BLOCK_ROWS, dY.shape[1])
            model.ops.scatter_add(gradient, place.rows, dY[place.tokens])
            model.inc_grad(place.block, gradient)

    return backprop


@dataclass(frozen=True)
class Places:
    """Where the rows of some tokens stand.

    block: the parameter that has them.
    tokens: which tokens they are for. Shape (n,).
    rows: the row of each in the block. Shape (n,), int32.
    """

    block: str
    tokens: Ints1d
    rows: Ints1d


def _find_rows(model: Model[Any, Any], keys: np.ndarray) -> list[Places]:
    """The rows that there are for the words with these keys, one entry per block."""
    at, found = _find_keys(model.attrs["known_keys"], keys)
    tokens = np.flatnonzero(found)
    blocks, rows = np.divmod(model.attrs["rows_of_keys"][at[tokens]], BLOCK_ROWS)
    xp = model.ops.xp
    return [
        Places(
            _block_name(block),
            xp.asarray(tokens[blocks == block]),
            model.ops.asarray1i(rows[blocks == block].astype("int32")),
        )
        for block in np.unique(blocks).tolist()
    ]


def _find_keys(known: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where keys would stand among those known, which are ascending, and which of them do."""
    if not len(known):
        return np.zeros(len(keys), dtype="int64"), np.zeros(len(keys), dtype=bool)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return at, known[at] == keys


def _make_rows(model: Model[Any, Any], keys: np.ndarray) -> None:
    """Give words that have no row yet one of zeros, in the order in which they come."""
    known = model.attrs["known_keys"]
    room = model.attrs["max_rows"] - len(known)
    if room <= 0:
        return
    distinct, first = np.unique(keys, return_index=True)
    new = keys[np.sort(first[~_find_keys(known, distinct)[1]])][:room]
    if not len(new):
        return
    keys = np.concatenate([known, new])
    rows = np.concatenate([model.attrs["rows_of_keys"], np.arange(len(known), len(keys))])
    order = np.argsort(keys)
    model.attrs["known_keys"], model.attrs["rows_of_keys"] = keys[order], rows[order]
    for block in range(len(known) // BLOCK_ROWS, (len(keys) - 1) // BLOCK_ROWS + 1):
        if not model.has_param(_block_name(block)):
            model.set_param(_block_name(block), model.ops.alloc2f(BLOCK_ROWS, model.get_dim("nO")))


def block_shape(model: Model[Any, Any], param: str) -> tuple[int, ...]:
    """The shape of a block of rows."""
    return BLOCK_ROWS, model.get_dim("nO")


def check_word_rows(model: Model[Any, Any]) -> None:
    """Raise ValueError if a word has a row that is in no block."""
    keys, rows = model.attrs["known_keys"], model.attrs["rows_of_keys"]
    if keys.shape != rows.shape or keys.ndim != 1 or (keys.dtype, rows.dtype) != KEYS_AND_ROWS:
        raise ValueError(f"the layer '{model.name}' has {keys.shape} words, {rows.shape} rows")
    blocks = np.unique(rows // BLOCK_ROWS).tolist()
    missing = [block for block in blocks if not model.has_param(_block_name(block))]
    if missing:
        raise ValueError(f"the layer '{model.name}' has no parameter '{_block_name(missing[0])}'")


def _block_name(block: int) -> str:
    return f"rows_{block}"
