"""Sums over all tag sequences of a linear chain: the forward-backward recursion.

The recursion multiplies by exp(transitions), which costs a small matrix product instead of a
log-sum-exp over (documents × tags × tags), and normalises the states of each token to sum to 1.
Where scores differ so much that this could lose a path, it works with logarithms, and where even
that underflows although a path exists, it uses the exact log-sum-exp, so results hold for scores of
any size.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from thinc.util import get_array_module

from ..types import Floats1d, Floats2d
from .chain import SCORES, LinearChain
from .logspace import finite_max, log_sum_exp
from .transitions import SMALLEST_PRODUCT, LogSumProduct, SumProduct

# Scores that differ by no more than this can safely be multiplied as exponentials.
LARGEST_SPREAD = 100.0
# A state of at least this size cannot underflow in one more step of that spread.
SMALLEST_STATE = 1e-240
CHECKED_STATES = 1 << 20  # checked at a time, to bound the memory for long documents


@dataclass(frozen=True)
class Recursion:
    """The result of the forward-backward recursion.

    chain: the chain that was summed over.
    forward: log of the summed weight of all prefixes that end in a tag, including that tag's
        emission, minus what was subtracted at this and all earlier tokens. Shape (n_tokens,
        n_tags), packed.
    backward: log of the summed weight of all suffixes after a tag, without that tag's emission,
        minus a constant of each token.
    taken_off: what was subtracted at each token; see `forward`. Shape (n_tokens,), packed.
    """

    chain: LinearChain
    forward: Floats2d
    backward: Floats2d
    taken_off: Floats1d

    @property
    def log_partition(self) -> Floats1d:
        """log Z of each document with tokens, longest first. Shape (n_sequences,)."""
        xp, packing = self.chain.xp, self.chain.packing
        at_last = self.forward[self.chain.last_rows] + self.chain.end  # (n_sequences, n_tags)
        docs = xp.asarray(packing.rank_of_row)
        return log_sum_exp(at_last, axis=1) + xp.bincount(docs, self.taken_off, packing.n_sequences)


def forward_backward(chain: LinearChain) -> Recursion:
    """Sum over all tag sequences (Rabiner 1989)."""
    # For a document that allows no sequence, the sum is 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = _scaled_recursion(chain)
    if scaled is not None:
        return scaled
    chain = chain.as_float64()
    return Recursion(chain, _forward(chain), _backward(chain), chain.xp.zeros(len(chain.emissions)))


def log_partition(chain: LinearChain) -> Floats1d:
    """log Z of each document, in batch order; 0 for an empty one. Shape (n_docs,)."""
    return chain.packing.per_doc(forward_backward(chain).log_partition, empty=0.0)


def _scaled_recursion(chain: LinearChain) -> Recursion | None:
    """The recursion in probabilities; None if a path could be lost (Rabiner 1989, section V.A)."""
    xp, packing = chain.xp, chain.packing
    if not packing.n_tokens:
        return None
    peaks = LinearChain(
        emissions=finite_max(chain.emissions, axis=1),  # (n_tokens, 1)
        transitions=finite_max(chain.transitions),  # scalars, also below
        start=finite_max(chain.start),
        end=finite_max(chain.end),
        packing=packing,
    ).as_float64()
    weights = chain.plus(peaks, -1.0)
    safe = sum(_spread(getattr(weights, name)) for name in SCORES) <= LARGEST_SPREAD
    for name in SCORES:  # in place: a copy of a very long document takes much memory
        scores = getattr(weights, name)
        xp.exp(scores, out=scores)
    forward, divided_by = _scaled_forward(weights)
    backward = _scaled_backward(weights)
    safe &= divided_by.min() > SMALLEST_PRODUCT
    safe &= (_smallest(forward) > SMALLEST_STATE) & (_smallest(backward) > SMALLEST_STATE)
    if not safe:  # checked once, as it is the only value that the CPU waits for
        return None
    taken_off = xp.log(divided_by) + peaks.emissions[:, 0] + peaks.transitions  # (n_tokens,)
    taken_off[: packing.n_sequences] += peaks.start - peaks.transitions
    return Recursion(chain, xp.log(forward, out=forward), xp.log(backward, out=backward), taken_off)


def _smallest(states: Floats2d) -> Any:
    """The smallest possible state; 0 if one has vanished already.

    As long as none is too small, states of 0 are impossible ones.
    """
    xp = get_array_module(states)
    held = max(CHECKED_STATES // states.shape[1], 1)
    parts = (states[i : i + held] for i in range(0, len(states), held))
    return reduce(xp.minimum, (xp.where(part == 0, 1.0, part).min() for part in parts))


def _scaled_forward(weights: LinearChain) -> tuple[Floats2d, Floats1d]:
    """Forward probabilities that sum to 1 at each token, and the divisors that normalised them.

    weights: exponentials of a chain's scores.
    """
    xp = weights.xp
    forward = xp.empty_like(weights.emissions)
    divided_by = xp.empty((len(forward), 1))  # (n_tokens, 1)
    states, ones = forward[:0], xp.ones((forward.shape[1], 1))
    product = SumProduct(weights.transitions)
    for t, rows in enumerate(weights.packing.steps()):
        before, states = states, forward[rows]  # (n_docs_at_t, n_tags)
        if t:
            product.into(before[: len(states)], states)
        else:
            states[:] = weights.start
        states *= weights.emissions[rows]
        states /= xp.matmul(states, ones, out=divided_by[rows])
    return forward, divided_by[:, 0]


def _scaled_backward(weights: LinearChain) -> Floats2d:
    """The same from the other end. It does not include a token's own emission."""
    xp = weights.xp
    backward = xp.empty_like(weights.emissions)
    after, ones = backward[:0], xp.ones((backward.shape[1], 1))
    product = SumProduct(weights.transitions.T)
    for rows in weights.packing.steps_back():
        states = backward[rows]  # (n_docs_at_t, n_tags)
        if len(states) > len(after):
            states[len(after) :] = weights.end
        product.into(after, states[: len(after)])
        states /= states @ ones
        after = states * weights.emissions[rows]
    return backward


def _spread(scores: Any) -> Any:
    """How far the lowest finite score is below 0."""
    xp = get_array_module(scores)
    if xp is np and np.isfinite(lowest := scores.min()):
        return -lowest
    return -xp.where(scores > -np.inf, scores, 0.0).min()


def _forward(chain: LinearChain) -> Floats2d:
    forward = chain.xp.empty_like(chain.emissions)
    product = LogSumProduct(chain.transitions)
    scores = chain.xp.empty((0, chain.emissions.shape[1]))
    for t, rows in enumerate(chain.packing.steps()):
        n = rows.stop - rows.start
        # (n_docs_at_t, n_tags) or (n_tags,)
        arriving = product.of(scores[:n]) if t else chain.start
        scores = arriving + chain.emissions[rows]
        forward[rows] = scores
    return forward


def _backward(chain: LinearChain) -> Floats2d:
    xp = chain.xp
    backward = xp.empty_like(chain.emissions)
    product = LogSumProduct(chain.transitions.T)
    scores = xp.empty((0, chain.emissions.shape[1]))
    for rows in chain.packing.steps_back():
        n_ending = rows.stop - rows.start - len(scores)
        ending = xp.broadcast_to(chain.end, (n_ending, len(chain.end)))  # (n_ending, n_tags)
        backward[rows] = xp.concatenate([product.of(scores), ending])
        scores = backward[rows] + chain.emissions[rows]  # (n_docs_at_t, n_tags)
    return backward
