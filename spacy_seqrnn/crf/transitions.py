"""From the scores of one time step to those of the next, even with hundreds of tags.

A tag scheme forbids most transitions. In BILUO, the tags that continue an entity (I, L) follow two
tags each, and the others (O, B, U) follow any tag after which no entity is open. A matrix of
transitions therefore is one dense block and a few entries in each other column, and a step needs a
quarter of the work. With few tags the whole matrix is used, since that is faster than combining
the parts.
"""

from dataclasses import dataclass

import numpy as np
from thinc.util import get_array_module

from ..types import Bools2d, Floats2d
from .logspace import finite_max, log_sum_exp

# With fewer tags, the product with the whole matrix is faster than that with its parts.
SPLIT_TAGS = 300
# With fewer pairs of tags, over all documents of a time step, pruning costs more than it saves.
PRUNED_PAIRS = 1 << 16
# A column with at least this share of a matrix's rows belongs to the block.
DENSE_SHARE = 0.1
# A product of exponentials below this has lost its precision or vanished.
SMALLEST_PRODUCT = 1e-290
# How many scores of pairs of tags are in memory at once
HELD_PAIRS = 1 << 19
LOWEST = np.finfo("float64").min


@dataclass(frozen=True)
class Transitions:
    """A matrix of transitions in parts.

    rows, columns: of the block. Shapes (n_rows,), (n_columns,).
    block: shape (n_rows, n_columns).
    others: the columns outside the block. Shape (n_others,).
    sources, weights: the rows in which each of these columns has an entry, and the entries, padded
        with entries that have no effect. Shape (n_sources, n_others).
    """

    rows: np.ndarray
    columns: np.ndarray
    block: Floats2d
    others: np.ndarray
    sources: np.ndarray
    weights: Floats2d


def split(matrix: Floats2d, empty: float) -> Transitions:
    """Split a matrix of transitions into its parts, on a CPU.

    matrix: from a tag (row) to the next (column). Shape (n_tags, n_tags).
    empty: the entry of a forbidden transition.
    """
    possible = matrix != empty  # (n_tags, n_tags)
    counts = np.add.reduce(possible, axis=0, dtype="int32")  # entries per column, (n_tags,)
    dense = counts > DENSE_SHARE * len(matrix)
    columns, others = np.flatnonzero(dense), np.flatnonzero(~dense)
    rows = np.flatnonzero(possible[:, columns].any(axis=1))
    place, source = np.divmod(np.flatnonzero(possible.T[others]), len(matrix))  # (n_entries,) each
    rank = np.arange(len(place)) - np.searchsorted(place, place)  # rank within its column
    sources = np.zeros((int(counts[others].max(initial=0)), len(others)), dtype="int64")
    weights = np.full(sources.shape, empty)
    sources[rank, place] = source
    weights[rank, place] = matrix[source, others[place]]
    return Transitions(rows, columns, matrix[np.ix_(rows, columns)], others, sources, weights)


class SumProduct:
    """Products with a matrix of weights, row by row."""

    def __init__(self, weights: Floats2d) -> None:
        """weights: of the transitions, 0 where forbidden. Shape (n_tags, n_tags)."""
        self.xp = get_array_module(weights)
        # A split depends on data, for which the CPU would have to wait for a GPU.
        whole = self.xp is not np or len(weights) < SPLIT_TAGS
        self.weights = self.xp.ascontiguousarray(weights) if whole else weights
        self.parts = None if whole else split(weights, 0.0)

    def into(self, states: Floats2d, out: Floats2d) -> None:
        """out = states @ weights. Both of shape (n, n_tags)."""
        parts = self.parts
        if parts is None:
            self.xp.matmul(states, self.weights, out=out)
            return
        out[:, parts.columns] = states.take(parts.rows, axis=1) @ parts.block
        sums = np.zeros((len(states), len(parts.others)))  # (n, n_others)
        for source, weights in zip(parts.sources, parts.weights, strict=True):
            sums += states.take(source, axis=1) * weights
        out[:, parts.others] = sums

    def outer(self, before: Floats2d, after: Floats2d) -> Floats2d:
        """(before.T @ after) * weights. before, after: (n, n_tags). Shape (n_tags, n_tags)."""
        parts = self.parts
        if parts is None:
            return before.T @ after * self.weights
        result = np.zeros(self.weights.shape)
        # (n_rows, n_columns)
        own = before.take(parts.rows, axis=1).T @ after.take(parts.columns, axis=1)
        result[np.ix_(parts.rows, parts.columns)] = own * parts.block
        after = after.take(parts.others, axis=1)
        for source, weights in zip(parts.sources, parts.weights, strict=True):
            sums = np.einsum("nt,nt->t", before.take(source, axis=1), after)  # (n_others,)
            # Added, because padding may name a source that has an entry.
            result[source, parts.others] += sums * weights
        return result


class LogSumProduct:
    """The same product of exponentials in logarithms, for scores that differ widely."""

    def __init__(self, scores: Floats2d) -> None:
        """scores: of the transitions, -inf where forbidden. Shape (n_tags, n_tags)."""
        self.xp = get_array_module(scores)
        self.scores = scores
        self.peak = finite_max(scores)
        self.weights = self.xp.exp(scores - self.peak)
        self.allowed = (scores > -np.inf).astype("float64")

    def of(self, states: Floats2d) -> Floats2d:
        """log(exp(states) @ exp(scores)), row by row. states: (n, n_tags). Shape (n, n_tags)."""
        peaks = finite_max(states, axis=1)
        products = self.xp.exp(states - peaks) @ self.weights  # (n, n_tags)
        with np.errstate(divide="ignore"):
            result = self.xp.log(products) + peaks + self.peak
        lost = products < SMALLEST_PRODUCT
        if lost.any():
            reachable = (states > -np.inf).astype("float64") @ self.allowed > 0
            rows = self.xp.flatnonzero((lost & reachable).any(axis=1))
            held = max(HELD_PAIRS // self.scores.size, 1)
            for i in range(0, len(rows), held):
                part = rows[i : i + held]
                result[part] = log_sum_exp(states[part][:, :, None] + self.scores, axis=1)
        return result


class MaxProduct:
    """The best path from the tags of one step to each tag of the next."""

    def __init__(self, scores: Floats2d, n_docs: int, mean_docs: float) -> None:
        """scores: of the transitions, -inf where forbidden. Shape (n_tags, n_tags).
        n_docs, mean_docs: how many documents are read at once, at most and on average.
        """
        self.xp = get_array_module(scores)
        self.parts: Transitions | None = None
        if self.xp is not np or mean_docs * scores.size < PRUNED_PAIRS:
            # The previous tag is the first axis, so that the maximum runs over contiguous rows.
            self.into_tags = scores[:, None, :]  # (n_tags, 1, n_tags)
            self.pairs = self.xp.empty((len(scores), n_docs, len(scores)))
        else:
            self.parts = split(scores, -np.inf)
            self.lowest = self.parts.block.min(axis=1, initial=np.inf)  # (n_rows,)
            self.highest = self.parts.block.max(axis=1, initial=-np.inf)

    def into(self, before: Floats2d, out: Floats2d) -> None:
        """Add the scores of the best paths to `out`. Both of shape (n, n_tags)."""
        parts = self.parts
        if parts is None:
            own = self.pairs[:, : len(out)]  # (n_tags, n, n_tags)
            self.xp.add(before.T[:, :, None], self.into_tags, out=own)
            out += own.max(axis=0)
            return
        best = np.full((len(out), len(parts.others)), -np.inf)  # (n, n_others)
        for source, weights in zip(parts.sources, parts.weights, strict=True):
            np.maximum(best, before.take(source, axis=1) + weights, out=best)
        out[:, parts.others] += best
        if len(parts.columns):
            out[:, parts.columns] += self._through(parts.block, before.take(parts.rows, axis=1))

    def _through(self, block: Floats2d, before: Floats2d) -> Floats2d:
        """The best paths through the block. before: (n, n_rows). Returns (n, n_columns)."""
        docs, tags = np.divmod(np.flatnonzero(self._within_reach(before)), before.shape[1])
        if len(docs) * block.shape[1] > HELD_PAIRS and len(before) > 1:
            half = len(before) // 2
            parts = (before[:half], before[half:])
            return np.concatenate([self._through(block, part) for part in parts])
        ways = block[tags]  # (n_within_reach, n_columns)
        ways += before[docs, tags][:, None]
        if len(docs) == len(before):
            return ways
        return np.maximum.reduceat(ways, np.searchsorted(docs, np.arange(len(before))))

    def _within_reach(self, before: Floats2d) -> Bools2d:
        """The tags, at least one per document, that the best paths may come from.

        A tag that is worse than the best one by more than the transitions can make up for is not on
        the best path to any tag (as in Esposito and Radicioni 2009). This is exact in spite of
        rounding, which never swaps the order of two sums.
        """
        docs, leader = np.arange(len(before)), before.argmax(axis=1)
        bound = before[docs, leader] + self.lowest[leader]  # (n,)
        bound = np.maximum(bound, LOWEST)  # forbidden tags are not within reach
        within = before + self.highest >= bound[:, None]  # (n, n_rows)
        within[docs, leader] = True  # even if everything is forbidden, or a score is NaN
        return within
