"""Linear chains: scores of tag sequences, for all documents of a batch at once.

A linear chain scores a tag sequence y of a document with n tokens as

    score(y) = start[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_{t-1}, y_t] + end[y_n]

and gives it the probability exp(score(y)) / Z (Lafferty et al. 2001). The empty sequence of a
document without tokens has score 0. Everything forbidden has the score -inf.

All computations on chains work in the packed layout, one time step of all documents after the
other, in float64: `recursion.py` sums over all sequences, `expectations.py` computes the
probabilities of their parts, `decoding.py` finds the best, `losses.py` compares them with an
annotation.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from thinc.util import get_array_module

from ..batch.packing import Packing
from ..types import Bools2d, Floats1d, Floats2d, Ints1d

# The scores of a chain
SCORES = ("emissions", "transitions", "start", "end")


@dataclass(frozen=True)
class LinearChain:
    """Scores of all tag sequences of a batch. The same class holds gradients of such scores.

    emissions: shape (n_tokens, n_tags), rows in packed order.
    transitions: score from a tag (row) to the next (column). Shape (n_tags, n_tags).
    start, end: score of the first and of the last tag. Shape (n_tags,).
    packing: the layout of the rows.
    """

    emissions: Floats2d
    transitions: Floats2d
    start: Floats1d
    end: Floats1d
    packing: Packing

    @property
    def xp(self) -> Any:
        """The array library of the scores, NumPy or CuPy."""
        return get_array_module(self.emissions)

    @property
    def last_rows(self) -> Ints1d:
        """The packed row of each document's last token, longest document first."""
        return self.xp.asarray(self.packing.last_rows)

    def restrict(self, allowed: Bools2d) -> "LinearChain":
        """The chain of the sequences that only use allowed tags.

        allowed: booleans in packed order, shape (n_tokens, n_tags), or (n_tags,) for all tokens.
        """
        return replace(self, emissions=self.xp.where(allowed, self.emissions, -np.inf))

    def as_float64(self) -> "LinearChain":
        """The same scores in double precision."""
        return self._map(lambda name: self.xp.asarray(getattr(self, name), dtype="float64"))

    def plus(self, other: "LinearChain", factor: float = 1.0) -> "LinearChain":
        """Add a multiple of another gradient of the same batch."""
        return self._map(lambda name: getattr(self, name) + factor * getattr(other, name))

    def scale(self, factor: float) -> "LinearChain":
        """Multiply all scores, or a gradient, by a factor."""
        return self._map(lambda name: factor * getattr(self, name))

    def _map(self, scores_of: Callable[[str], Any]) -> "LinearChain":
        """A chain of the same batch with new scores, computed for each name in `SCORES`."""
        return replace(self, **{name: scores_of(name) for name in SCORES})


@dataclass(frozen=True)
class PooledChain:
    """The chains of several models for the same batch, each of which is trained on its own.

    It is not a `LinearChain`, so that no code can use or change the mean and skip the members. The
    same class holds the members' gradients.

    members: one or more.
    """

    members: tuple[LinearChain, ...]

    @cached_property
    def mean(self) -> LinearChain:
        """The mean of the members' scores, which prediction uses.

        Its distribution over tag sequences is the geometric mean of theirs (a logarithmic opinion
        pool; Smith et al. 2005).
        """
        sums = {name: sum(getattr(chain, name) for chain in self.members) for name in SCORES}
        means = {name: total / len(self.members) for name, total in sums.items()}
        return LinearChain(**means, packing=self.members[0].packing)

    def scale(self, factor: float) -> "PooledChain":
        """Multiply the scores, or the gradient, of each member."""
        return PooledChain(tuple(member.scale(factor) for member in self.members))


# The output of a model of tag sequences
Chain: TypeAlias = LinearChain | PooledChain


def pooled(chain: Chain) -> LinearChain:
    """The chain to predict from: for an ensemble, the mean of its members."""
    return chain.mean if isinstance(chain, PooledChain) else chain


def members_of(chain: Chain) -> tuple[LinearChain, ...]:
    """The chains to train, each on its own: for an ensemble, those of all members."""
    return chain.members if isinstance(chain, PooledChain) else (chain,)
