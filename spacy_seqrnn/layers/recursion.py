"""Sums over all tag sequences of a linear chain: the forward-backward recursion.

The recursion multiplies by exp(transitions), which costs a small matrix product instead of a
log-sum-exp over (documents × tags × tags), and scales what it has at each token to sum to 1. Where
scores are so far apart that this could lose a path, it goes by logarithms, and where even that
underflows although a path exists, the exact log-sum-exp takes over, so results hold for scores of
any size.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from thinc.util import get_array_module

from ..types import Floats1d, Floats2d
from .chain import SCORES, LinearChain, finite_max, last_rows, log_sum_exp
from .packed import Packing

# A product of exponentials below this has lost its precision or vanished.
SMALLEST_PRODUCT = 1e-290
# Scores that are no further apart than this are safe to multiply as exponentials.
LARGEST_SPREAD = 100.0


@dataclass(frozen=True)
class Recursion:
    """The result of the forward-backward recursion.

    forward: log of the summed weight of all beginnings that end in a tag, that tag's emission
        included. Shape (n_tokens, n_tags), packed.
    backward: the same for all endings after a tag, that tag's emission not included.
    log_partition: log Z of each document with tokens, longest first. Shape (n_sequences,).
    """

    forward: Floats2d
    backward: Floats2d
    log_partition: Floats1d


def forward_backward(chain: LinearChain) -> Recursion:
    """Sum over all tag sequences (Rabiner 1989)."""
    # A document that allows no sequence sums to 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = _scaled_recursion(chain)
    if scores is None:
        chain = chain.as_float64()
        scores = _forward(chain), _backward(chain)
    forward, backward = scores
    return Recursion(forward, backward, log_sum_exp(forward[last_rows(chain)] + chain.end, axis=1))


def log_partition(chain: LinearChain) -> Floats1d:
    """log Z of each document, in batch order; 0 for an empty one. Shape (n_docs,)."""
    return chain.packing.per_doc(forward_backward(chain).log_partition, empty=0.0)


def _scaled_recursion(chain: LinearChain) -> tuple[Floats2d, Floats2d] | None:
    """Forward and backward scores; None if they may not be had so (Rabiner 1989, section V.A)."""
    packing = chain.packing
    peaks = LinearChain(
        emissions=finite_max(chain.emissions, axis=1),
        transitions=finite_max(chain.transitions),
        start=finite_max(chain.start),
        end=finite_max(chain.end),
        packing=packing,
    ).as_float64()
    if not packing.n_tokens:
        return None
    weights = chain.plus(peaks, -1.0)
    safe = sum(_spread(getattr(weights, name)) for name in SCORES) <= LARGEST_SPREAD
    for name in SCORES:  # in place: of a very long document each copy is dear
        scores = getattr(weights, name)
        chain.xp.exp(scores, out=scores)
    forward, forward_sums = _scaled_forward(weights)
    backward, backward_sums = _scaled_backward(weights)
    safe &= (forward_sums.min() > SMALLEST_PRODUCT) & (backward_sums.min() > SMALLEST_PRODUCT)
    safe &= ~_has_lost_paths(weights, forward, backward)
    if not safe:  # asked once, as it is all that a GPU has to be waited for
        return None
    return (
        _unscaled(forward, _sum_so_far(packing, _forward_logs(peaks, forward_sums))),
        _unscaled(backward, _sum_from_here(packing, _backward_logs(peaks, backward_sums))),
    )


def _has_lost_paths(weights: LinearChain, forward: Floats2d, backward: Floats2d) -> Any:
    """Whether a state that can be come to has almost vanished, and all paths through it."""
    later = slice(weights.packing.n_sequences, None)
    earlier = weights.xp.asarray(weights.packing.previous[later])
    possible = weights.emissions[later] > 0
    steps_to = (weights.transitions > 0).astype("float32")
    forth = (forward > 0)[earlier].astype("float32") @ steps_to > 0
    back = ((backward[later] > 0) & possible).astype("float32") @ steps_to.T > 0
    lost_forth = forth & possible & (forward[later] < SMALLEST_PRODUCT)
    lost_back = back & (backward < SMALLEST_PRODUCT)[earlier]
    return lost_forth.any() | lost_back.any()


def _scaled_forward(weights: LinearChain) -> tuple[Floats2d, Floats1d]:
    """Forward probabilities that sum to 1 at each token, and what they were divided by for that.

    weights: exponentials of a chain's scores.
    """
    forward = weights.xp.empty_like(weights.emissions)
    divided_by = weights.xp.empty(len(forward))
    states = weights.start
    for t, rows in enumerate(weights.packing.steps()):
        if t:
            states = states[: rows.stop - rows.start] @ weights.transitions
        states = states * weights.emissions[rows]
        divided_by[rows] = sums = states.sum(axis=1)
        states /= sums[:, None]
        forward[rows] = states
    return forward, divided_by


def _scaled_backward(weights: LinearChain) -> tuple[Floats2d, Floats1d]:
    """The same from the other end. A token's own emission is not in it."""
    xp = weights.xp
    backward = xp.empty_like(weights.emissions)
    divided_by = xp.empty(len(backward))
    states = backward[:0]
    back = weights.transitions.T
    for rows in weights.packing.steps_back():
        n_ending = rows.stop - rows.start - len(states)
        states = states @ back
        if n_ending:
            states = xp.concatenate([states, xp.broadcast_to(weights.end, (n_ending, len(back)))])
        divided_by[rows] = sums = states.sum(axis=1)
        states /= sums[:, None]
        backward[rows] = states
        states = states * weights.emissions[rows]
    return backward, divided_by


def _forward_logs(peaks: LinearChain, divided_by: Floats1d) -> Floats1d:
    """What each token adds to the logarithm of what its document's scores were divided by."""
    logs = peaks.xp.log(divided_by) + peaks.emissions[:, 0] + peaks.transitions
    logs[: peaks.packing.n_sequences] += peaks.start - peaks.transitions
    return logs


def _backward_logs(peaks: LinearChain, divided_by: Floats1d) -> Floats1d:
    """The same from the other end, where a token is scored by those after it."""
    packing = peaks.packing
    logs = peaks.xp.log(divided_by) + peaks.transitions
    later = slice(packing.n_sequences, None)
    logs[peaks.xp.asarray(packing.previous[later])] += peaks.emissions[later, 0]
    logs[last_rows(peaks)] += peaks.end - peaks.transitions
    return logs


def _unscaled(probabilities: Floats2d, logs: Floats1d) -> Floats2d:
    """Back to logarithms, in place."""
    get_array_module(logs).log(probabilities, out=probabilities)
    probabilities += logs[:, None]
    return probabilities


def _spread(scores: Any) -> Any:
    """How far the lowest finite score is below 0."""
    xp = get_array_module(scores)
    if xp is np and np.isfinite(lowest := scores.min()):
        return -lowest
    return -xp.where(scores > -np.inf, scores, 0.0).min()


def _sum_so_far(packing: Packing, values: Floats1d) -> Floats1d:
    """For each packed row the sum of the values of its document's tokens up to it."""
    xp = get_array_module(values)
    sums = xp.cumsum(values[xp.asarray(packing.from_packed)])
    doc_starts = np.cumsum(packing.lengths) - packing.lengths
    before = xp.concatenate([xp.zeros(1), sums])[xp.asarray(np.repeat(doc_starts, packing.lengths))]
    return (sums - before)[xp.asarray(packing.to_packed)]


def _sum_from_here(packing: Packing, values: Floats1d) -> Floats1d:
    """For each packed row the sum of the values of its document's tokens from it on."""
    turned = get_array_module(values).asarray(packing.turned)
    return _sum_so_far(packing, values[turned])[turned]


def _forward(chain: LinearChain) -> Floats2d:
    forward = chain.xp.empty_like(chain.emissions)
    weights = TransitionWeights(chain.transitions)
    scores = chain.xp.empty((0, chain.emissions.shape[1]))
    for t, rows in enumerate(chain.packing.steps()):
        n = rows.stop - rows.start
        arriving = weights.log_product(scores[:n]) if t else chain.start
        scores = arriving + chain.emissions[rows]
        forward[rows] = scores
    return forward


def _backward(chain: LinearChain) -> Floats2d:
    xp = chain.xp
    backward = xp.empty_like(chain.emissions)
    weights = TransitionWeights(chain.transitions.T)
    scores = xp.empty((0, chain.emissions.shape[1]))
    for rows in chain.packing.steps_back():
        n_ending = rows.stop - rows.start - len(scores)
        ending = xp.broadcast_to(chain.end, (n_ending, len(chain.end)))
        backward[rows] = xp.concatenate([weights.log_product(scores), ending])
        scores = backward[rows] + chain.emissions[rows]
    return backward


class TransitionWeights:
    """exp(transitions), ready to carry scores from one time step to the next."""

    def __init__(self, transitions: Floats2d) -> None:
        self.xp = get_array_module(transitions)
        self.log_weights = transitions
        self.peak = finite_max(transitions)
        self.weights = self.xp.exp(transitions - self.peak)
        self.allowed = (transitions > -np.inf).astype("float64")

    def log_product(self, scores: Floats2d) -> Floats2d:
        """log(exp(scores) @ exp(transitions)), row by row. scores: (n, n_tags)."""
        peaks = finite_max(scores, axis=1)
        products = self.xp.exp(scores - peaks) @ self.weights
        with np.errstate(divide="ignore"):
            result = self.xp.log(products) + peaks + self.peak
        lost = products < SMALLEST_PRODUCT
        if lost.any():
            reachable = (scores > -np.inf).astype("float64") @ self.allowed > 0
            rows = (lost & reachable).any(axis=1)
            if rows.any():
                result[rows] = log_sum_exp(scores[rows][:, :, None] + self.log_weights, axis=1)
        return result
