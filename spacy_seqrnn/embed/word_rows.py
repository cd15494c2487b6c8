"""Learned rows for words, each of which gets its own row when training first meets it.

In a hashed table, words share rows by chance, and unseen words get some row too. Here, a word
without a row has zeros. Rows are kept in blocks that are allocated when needed, so that the cost of
the optimizer, which visits all rows, grows with the words that actually occur.
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
    """The attributes of a layer with word rows.

    max_rows: the most words that get a row; the first ones in the training data do.
    """
    return {
        "max_rows": max_rows,
        # The keys of the words that have a row, ascending, and the row of each.
        "known_keys": np.zeros(0, dtype=KEYS_AND_ROWS[0]),
        "rows_of_keys": np.zeros(0, dtype=KEYS_AND_ROWS[1]),
    }


def add_word_rows(
    model: Model[Any, Any], keys: np.ndarray, Y: Floats2d, is_train: bool, *, scale: float = 1.0
) -> Callable[[Floats2d], None]:
    """Add the rows of the words with these keys, times `scale`, to Y in place.

    Y: shape (n_tokens, nO).

    In training, words without a row get one of zeros, as long as there is room. Returns the
    backward pass, which adds the gradient of Y, times `scale`, to the gradients of the rows.
    """
    if is_train:
        _make_rows(model, keys)
    places = _find_rows(model, keys)
    for place in places:
        Y[place.tokens] += scale * model.get_param(place.block)[place.rows]

    def backprop(dY: Floats2d) -> None:
        for place in places:
            gradient = model.ops.alloc2f(BLOCK_ROWS, dY.shape[1])
            model.ops.scatter_add(gradient, place.rows, scale * dY[place.tokens])
            model.inc_grad(place.block, gradient)

    return backprop


@dataclass(frozen=True)
class Places:
    """Where the rows of some tokens are.

    block: the parameter that contains them.
    tokens: the tokens that they belong to. Shape (n,).
    rows: the row of each token in the block. Shape (n,), int32.
    """

    block: str
    tokens: Ints1d
    rows: Ints1d


def _find_rows(model: Model[Any, Any], keys: np.ndarray) -> list[Places]:
    """The existing rows of the words with these keys, one entry per block."""
    at, found = find_keys(model.attrs["known_keys"], keys)
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


def find_keys(known: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where keys belong among the known ones, which are ascending, and which keys are known."""
    if not len(known):
        return np.zeros(len(keys), dtype="int64"), np.zeros(len(keys), dtype=bool)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return at, known[at] == keys


def _make_rows(model: Model[Any, Any], keys: np.ndarray) -> None:
    """Give words without a row a row of zeros, in order of occurrence."""
    known = model.attrs["known_keys"]
    room = model.attrs["max_rows"] - len(known)
    if room <= 0:
        return
    distinct, first = np.unique(keys, return_index=True)
    new = keys[np.sort(first[~find_keys(known, distinct)[1]])][:room]
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
    """Raise ValueError if a word has a row that is not in any block."""
    keys, rows = model.attrs["known_keys"], model.attrs["rows_of_keys"]
    if keys.shape != rows.shape or keys.ndim != 1 or (keys.dtype, rows.dtype) != KEYS_AND_ROWS:
        raise ValueError(f"the layer '{model.name}' has {keys.shape} words, {rows.shape} rows")
    blocks = np.unique(rows // BLOCK_ROWS).tolist()
    missing = [block for block in blocks if not model.has_param(_block_name(block))]
    if missing:
        raise ValueError(f"the layer '{model.name}' has no parameter '{_block_name(missing[0])}'")


def _block_name(block: int) -> str:
    return f"rows_{block}"
