"""Linear chains: scores of tag sequences, all documents of a batch at a time.

A linear chain scores a tag sequence y of a document with n tokens as

    score(y) = start[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_{t-1}, y_t] + end[y_n]

and gives it the probability exp(score(y)) / Z (Lafferty et al. 2001). The empty sequence of a
document without tokens has score 0. What is forbidden has the score -inf.

All computations on chains work in the packed layout, one time step of all documents after the
other, in float64: `recursion.py` sums over all sequences, `expectations.py` asks how probable parts
of them are, `decoding.py` finds the best.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from thinc.util import get_array_module

from ..batch.packing import Packing
from ..types import Bools2d, Floats1d, Floats2d

# What a chain consists of
SCORES = ("emissions", "transitions", "start", "end")


@dataclass(frozen=True)
class LinearChain:
    """Scores of all tag sequences of a batch. The same class holds gradients of such scores.

    emissions: Shape (n_tokens, n_tags), rows in packed order.
    transitions: Score of going from a tag (row) to the next (column). Shape (n_tags, n_tags).
    start, end: Score of the first and of the last tag. Shape (n_tags,).
    packing: the layout of the rows.
    members: if this is the mean of several models' chains, these, as each is trained by itself;
        else empty.
    """

    emissions: Floats2d
    transitions: Floats2d
    start: Floats1d
    end: Floats1d
    packing: Packing
    members: tuple["LinearChain", ...] = ()

    @property
    def xp(self) -> Any:
        return get_array_module(self.emissions)

    def restrict(self, allowed: Bools2d) -> "LinearChain":
        """The chain of the sequences that use allowed tags only.

        allowed: booleans in packed order, shape (n_tokens, n_tags), or (n_tags,) for all tokens.
        """
        emissions = self.xp.where(allowed, self.emissions, -np.inf)
        return replace(self, emissions=emissions, members=())

    def as_float64(self) -> "LinearChain":
        return self._map(lambda name: self.xp.asarray(getattr(self, name), dtype="float64"))

    def plus(self, other: "LinearChain", factor: float = 1.0) -> "LinearChain":
        """Add a multiple of another gradient of the same batch."""
        return self._map(lambda name: getattr(self, name) + factor * getattr(other, name))

    def scale(self, factor: float) -> "LinearChain":
        """Multiply a gradient."""
        return self._map(lambda name: factor * getattr(self, name))

    def _map(self, scores_of: Callable[[str], Any]) -> "LinearChain":
        """A chain of the same batch with other scores, given for each name in `SCORES`."""
        return replace(self, **{name: scores_of(name) for name in SCORES}, members=())


def mean_chain(chains: list[LinearChain]) -> LinearChain:
    """The mean of the scores of several models for the same batch.

    Its distribution of tag sequences is their geometric mean (a logarithmic opinion pool; Smith et
    al. 2005).
    """
    mean = {name: sum(getattr(c, name) for c in chains) / len(chains) for name in SCORES}
    return LinearChain(**mean, packing=chains[0].packing, members=tuple(chains))


def last_rows(chain: LinearChain) -> Any:
    """The packed row of each document's last token, longest document first."""
    lengths = chain.packing.lengths_by_rank
    return chain.xp.asarray(chain.packing.starts[lengths - 1] + np.arange(len(lengths)))


def finite_max(scores: Any, axis: int | None = None) -> Any:
    """The maximum, kept as an axis, or 0 where all are -inf."""
    xp = get_array_module(scores)
    if not scores.size:
        return xp.zeros((scores.shape[0], 1)) if axis == 1 else 0.0
    peak = scores.max(axis=axis, keepdims=axis is not None)
    return xp.where(xp.isfinite(peak), peak, 0.0)


def log_sum_exp(scores: Any, axis: int) -> Any:
    """log of the summed exponentials; -inf where all are -inf."""
    xp = get_array_module(scores)
    peak = scores.max(axis=axis, keepdims=True)
    peak = xp.where(xp.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        return xp.log(xp.exp(scores - peak).sum(axis=axis)) + peak.squeeze(axis)
