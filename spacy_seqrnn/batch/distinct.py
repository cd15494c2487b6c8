"""Rows that occur more than once, so that what depends on a row alone is computed once per row."""

from dataclasses import dataclass

import numpy as np

from ..types import Floats2d

# One odd multiplier for each number that identifies a row, evenly spread over the row
MOST_HASHED = 64
MULTIPLIERS = np.random.RandomState(2).randint(1, 2**62, MOST_HASHED).astype("uint64") * 2 + 1
ROWS_AT_ONCE = 256  # as many as fit into a core's cache


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """Distinct rows, of which token features are copies: `rows[index]`.

    rows: shape (n_rows, width).
    index: the row of each token. Shape (n_tokens,), on the host.
    """

    rows: Floats2d
    index: np.ndarray


def find_distinct(X: Floats2d) -> DistinctRows | None:
    """The distinct rows of an array, in no particular order.

    Rows are distinguished by a hash, and then compared in full.

    Returns None for an array on a GPU, and if most rows occur once, so that nothing is gained.
    """
    if not isinstance(X, np.ndarray) or X.dtype != "float32" or not X.size or X.shape[1] % 2:
        return None
    pairs = np.ascontiguousarray(X).view("uint64")  # (n_tokens, width / 2)
    hashed = pairs[:, :: -(-pairs.shape[1] // MOST_HASHED)]
    # Products lose the upper bits of a factor, such as a sign, so that they also go into the lower.
    hashed = hashed + (hashed >> np.uint64(31))
    keys = np.einsum("ij,j->i", hashed, MULTIPLIERS[: hashed.shape[1]])  # (n_tokens,)
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    if 2 * len(first) > len(X):
        return None
    rows = pairs[first]  # (n_rows, width / 2)
    for start in range(0, len(X), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        if (rows.take(index[part], axis=0) != pairs[part]).any():
            return None
    return DistinctRows(rows.view("float32"), index)
