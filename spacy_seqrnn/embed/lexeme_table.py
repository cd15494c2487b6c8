"""A bounded table of word vectors that were computed before."""

from collections.abc import Callable
from itertools import repeat
from threading import Lock
from typing import Any

import numpy as np
from thinc.util import get_array_module

from ..types import Floats2d, Ints1d


class LexemeTable:
    """Vectors of distinct words, kept between batches while their sources stay the same.

    The table never holds more than `capacity` rows: it is emptied before a batch that does not fit.
    Threads may share it. Copies and pickles of it are empty, because a copied model has its own
    parameters, and it is never saved.
    """

    def __init__(self, capacity: int) -> None:
        """capacity: the largest number of rows to keep; 0 keeps none."""
        self.capacity = capacity
        self._lock = Lock()
        self.clear()

    def __len__(self) -> int:
        return len(self._slots)

    def __reduce__(self) -> tuple[type, tuple[int]]:
        return LexemeTable, (self.capacity,)

    def clear(self) -> None:
        """Drop all rows."""
        with self._lock:
            self._empty(sources=[])

    def _empty(self, sources: list[Any]) -> None:
        self._sources = sources
        self._slots: dict[int, int] = {}
        self._rows: Floats2d | None = None

    def rows(
        self,
        keys: Ints1d,
        sources: list[Any],
        compute: Callable[[np.ndarray], Floats2d],
    ) -> Floats2d:
        """The vectors of some words: from the table, or newly computed and added to it.

        keys: one distinct integer per word. Shape (n_words,).
        sources: the objects that the vectors are computed from. The table is emptied unless they
            are the same objects as in the last call.
        compute: returns the rows for some indices of `keys`, shape (n_missing, width). It runs
            outside the lock, so that threads do not wait for each other's words.

        Returns a new array, shape (n_words, width).
        """
        with self._lock:
            if not _same_objects(sources, self._sources):
                self._empty(sources)
            slots_then = self._slots
            slots = self._find(keys)
            known = self._rows[slots[slots >= 0]] if self._rows is not None else None
        missing = np.flatnonzero(slots < 0)
        if not len(missing) and known is not None:
            return known
        fresh = compute(missing)
        with self._lock:
            if self._slots is slots_then:  # else another thread has emptied the table
                self._insert(keys[missing], fresh)
        if known is None or not len(known):
            return fresh
        result = get_array_module(fresh).empty((len(keys), fresh.shape[1]), dtype=fresh.dtype)
        result[slots >= 0] = known
        result[missing] = fresh
        return result

    def _find(self, keys: Ints1d) -> np.ndarray:
        """The row of each key, -1 if there is none. A C loop over the distinct words."""
        found = map(self._slots.get, keys.tolist(), repeat(-1))
        return np.fromiter(found, dtype="int64", count=len(keys))

    def _insert(self, keys: Ints1d, fresh: Floats2d) -> None:
        new = self._find(keys) < 0  # another thread may have added some
        keys, fresh = keys[new], fresh[new]
        if len(self._slots) + len(keys) > self.capacity:
            self._empty(self._sources)
        if len(keys) > self.capacity or not len(keys):
            return
        used = len(self._slots)
        rows = self._reserve(used + len(keys), fresh)
        rows[used : used + len(keys)] = fresh
        self._slots.update(zip(keys.tolist(), range(used, used + len(keys)), strict=True))

    def _reserve(self, size: int, like: Floats2d) -> Floats2d:
        """Make room for `size` rows by doubling, which costs amortised constant time per row."""
        if self._rows is not None and len(self._rows) >= size:
            return self._rows
        xp = get_array_module(like)
        rows = xp.empty((min(max(1024, 2 * size), self.capacity), like.shape[1]), like.dtype)
        if self._rows is not None:
            rows[: len(self._slots)] = self._rows[: len(self._slots)]
        self._rows = rows
        return rows


def _same_objects(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
