"""From the scores of one time step to those of the next, also where there are hundreds of tags.

A tag scheme forbids most transitions. Of the tags of BILUO, those that go on with an entity (I, L)
follow two tags each, and those that do not (O, B, U) follow any tag after which no entity is open.
So a matrix of transitions is one dense block and a few entries for each other column, and a step
needs a quarter of the work. With few tags the whole matrix is the block, since that is quicker than
to put the parts together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from thinc.util import get_array_module

from ..types import Floats2d

# Of fewer tags the whole matrix is read.
SPLIT_TAGS = 100
# A column with this share of a matrix's rows belongs to the block.
DENSE_SHARE = 0.1
# Scores by pairs of tags that are held at once
HELD_PAIRS = 1 << 19


@dataclass(frozen=True)
class Transitions:
    """A matrix of transitions in its parts.

    rows, columns: of the block. Shapes (n_rows,), (n_columns,).
    block: Shape (n_rows, n_columns).
    others: the columns that are not of the block. Shape (n_others,).
    sources, weights: the rows in which each of these has an entry, and the entries; where one has
        fewer than another, what has no effect. Shape (n_sources, n_others).
    """

    rows: Any
    columns: Any
    block: Floats2d
    others: np.ndarray
    sources: np.ndarray
    weights: Floats2d


def split(matrix: Floats2d, empty: float) -> Transitions:
    """Take a matrix of transitions apart.

    matrix: from a tag (row) to the next (column). Shape (n_tags, n_tags).
    empty: the entry of a transition that is forbidden.
    """
    everything = slice(None)
    none = np.zeros(0, dtype="int64")
    # What depends on data would have to be waited for on a GPU.
    if get_array_module(matrix) is not np or len(matrix) < SPLIT_TAGS:
        return Transitions(everything, everything, matrix, none, none[None], matrix[:0])
    possible = matrix != empty
    counts = possible.sum(axis=0)
    dense = counts > DENSE_SHARE * len(matrix)
    columns, others = np.flatnonzero(dense), np.flatnonzero(~dense)
    rows = np.flatnonzero(possible[:, columns].any(axis=1))
    most = int(counts[others].max(initial=0))
    # Of each column the rows with an entry come first.
    sources = np.argsort(~possible[:, others], axis=0, kind="stable")[:most]
    weights = np.take_along_axis(matrix[:, others], sources, axis=0)
    block = np.ascontiguousarray(matrix[np.ix_(rows, columns)])
    return Transitions(rows, columns, block, others, sources, weights)


class SumProduct:
    """Products with a matrix of weights, row by row."""

    def __init__(self, weights: Floats2d) -> None:
        """weights: of the transitions, 0 where forbidden. Shape (n_tags, n_tags)."""
        self.parts = split(weights, 0.0)

    def into(self, states: Floats2d, out: Floats2d) -> None:
        """out = states @ weights. Both of shape (n, n_tags)."""
        parts = self.parts
        if isinstance(parts.rows, slice):
            get_array_module(states).matmul(states, parts.block, out=out)
            return
        out[:, parts.columns] = states[:, parts.rows] @ parts.block
        sums = np.zeros((len(states), len(parts.others)))
        for source, weights in zip(parts.sources, parts.weights, strict=True):
            sums += states[:, source] * weights
        out[:, parts.others] = sums


class MaxProduct:
    """The best way from the tags of one step to each tag of the next."""

    def __init__(self, scores: Floats2d, n_docs: int) -> None:
        """scores: of the transitions, -inf where forbidden. Shape (n_tags, n_tags).
        n_docs: the most that are read at once.
        """
        xp = get_array_module(scores)
        self.parts = split(scores, -np.inf)
        block = self.parts.block
        self.whole = isinstance(self.parts.rows, slice)
        if self.whole:
            # The previous tag goes first, so that the maximum runs over whole rows of memory.
            self.pairs = xp.empty((len(block), n_docs, len(block)))
        else:
            self.lowest = block.min(axis=1, initial=np.inf)
            self.highest = block.max(axis=1, initial=-np.inf)

    def into(self, before: Floats2d, out: Floats2d) -> None:
        """Add to `out` the scores of the best ways. Both of shape (n, n_tags)."""
        parts = self.parts
        if self.whole:
            own = self.pairs[:, : len(out)]
            get_array_module(out).add(before.T[:, :, None], parts.block[:, None, :], out=own)
            out += own.max(axis=0)
            return
        best = np.full((len(out), len(parts.others)), -np.inf)
        for source, weights in zip(parts.sources, parts.weights, strict=True):
            np.maximum(best, before[:, source] + weights, out=best)
        out[:, parts.others] += best
        if len(parts.columns):
            out[:, parts.columns] += self._through_block(before[:, parts.rows])

    def _through_block(self, before: Floats2d) -> Floats2d:
        """The best ways through the block. before: (n, n_rows). Returns (n, n_columns).

        Exact, though of most documents few tags are looked at: one that is worse, by more than
        transitions can make up for, than the best one followed by its worst transition cannot be on
        the best way to any tag (as in Esposito and Radicioni 2009).
        """
        block = self.parts.block
        n_docs = len(before)
        leader = before.argmax(axis=1)
        bound = before[np.arange(n_docs), leader] + self.lowest[leader]
        docs, tags = np.nonzero(before + self.highest >= bound[:, None])
        if len(docs) == n_docs:  # of each only the leader
            return block[tags] + before[docs, tags][:, None]
        result = np.empty((n_docs, block.shape[1]))
        firsts = np.searchsorted(docs, np.arange(n_docs + 1))
        held = max(HELD_PAIRS // block.shape[1], 1)
        start = 0
        while start < n_docs:
            # As many documents as there is room for, at least one
            end = max(int(np.searchsorted(firsts, firsts[start] + held, "right")) - 1, start + 1)
            pairs = slice(firsts[start], firsts[end])
            ways = block[tags[pairs]]
            ways += before[docs[pairs], tags[pairs]][:, None]
            np.maximum.reduceat(
                ways, firsts[start:end] - firsts[start], axis=0, out=result[start:end]
            )
            start = end
        return result
