"""Inference in linear chains: partition function, marginals, Viterbi, k best, span posteriors.

A linear chain scores a tag sequence y of a document with n tokens as

    score(y) = start[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_{t-1}, y_t] + end[y_n]

and gives it the probability exp(score(y)) / Z (Lafferty et al. 2001). The empty sequence of a
document without tokens has score 0. All functions here work on a whole batch in the packed layout,
one step of the recursion for all documents at a time, in float64 and log space. What is forbidden
has the score -inf.

The recursions multiply by exp(transitions), which costs a small matrix product instead of a
log-sum-exp over (documents × tags × tags). Where that underflows although a path exists, the exact
log-sum-exp takes over, so results hold for scores of any size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from thinc.util import get_array_module

from ..types import Bools2d, Floats1d, Floats2d, Ints1d
from .packed import Packing

# A product of exponentials below this has lost its precision or vanished.
SMALLEST_PRODUCT = 1e-290
# exp() of more than this could overflow in the next product.
LARGEST_EXPONENT = 600.0
# Tokens whose (n_tags × n_tags) expectations are held at once, where the fast way does not do.
EXACT_ROWS = 1024
# What a chain consists of
SCORES = ("emissions", "transitions", "start", "end")


@dataclass(frozen=True)
class LinearChain:
    """Scores of all tag sequences of a batch. The same class holds gradients of such scores.

    emissions: Shape (n_tokens, n_tags), rows in packed order.
    transitions: Score of going from a tag (row) to the next (column). Shape (n_tags, n_tags).
    start, end: Score of the first and of the last tag. Shape (n_tags,).
    packing: the layout of the rows.
    members: if this is the mean of several models' chains in training, these, as each is trained by
        itself; else empty.
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
        return replace(self, emissions=self.xp.where(allowed, self.emissions, -np.inf))

    def as_float64(self) -> "LinearChain":
        return self._map(lambda name: getattr(self, name).astype("float64", copy=False))

    def plus(self, other: "LinearChain", factor: float = 1.0) -> "LinearChain":
        """Add a multiple of another gradient of the same batch."""
        return self._map(lambda name: getattr(self, name) + factor * getattr(other, name))

    def scale(self, factor: float) -> "LinearChain":
        """Multiply a gradient."""
        return self._map(lambda name: factor * getattr(self, name))

    def _map(self, scores_of: Callable[[str], Any]) -> "LinearChain":
        """A chain of the same batch with other scores, given for each name in `SCORES`."""
        return replace(self, **{name: scores_of(name) for name in SCORES})


def mean_chain(chains: list[LinearChain], keep_members: bool) -> LinearChain:
    """The mean of the scores of several models for the same batch.

    Its distribution of tag sequences is their geometric mean (a logarithmic opinion pool; Smith et
    al. 2005).
    """
    mean = {name: sum(getattr(c, name) for c in chains) / len(chains) for name in SCORES}
    members = tuple(chains) if keep_members else ()
    return LinearChain(**mean, packing=chains[0].packing, members=members)


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
    chain = chain.as_float64()
    forward = _forward(chain)
    return Recursion(forward, _backward(chain), _log_partition(chain, forward))


def log_partition(chain: LinearChain) -> Floats1d:
    """log Z of each document, in batch order; 0 for an empty one. Shape (n_docs,)."""
    chain = chain.as_float64()
    return chain.packing.per_doc(_log_partition(chain, _forward(chain)), empty=0.0)


def _log_partition(chain: LinearChain, forward: Floats2d) -> Floats1d:
    return _log_sum_exp(forward[_last_rows(chain)] + chain.end, axis=1)


def marginals(chain: LinearChain) -> Floats2d:
    """The probability of each tag at each token. Shape (n_tokens, n_tags), packed."""
    return _marginals(chain, forward_backward(chain))


def expected_counts(
    chain: LinearChain, weights: Floats1d | None = None
) -> tuple[Floats1d, LinearChain]:
    """log Z of each document, and its gradient for every score, summed over the batch.

    weights: what each document counts in that sum, in batch order, shape (n_docs,). None: 1.

    Returns log Z in batch order, shape (n_docs,), and a chain of the expected number of times that
    each emission, transition, start and end is used: the gradient of sum(weights * log Z).
    """
    chain = chain.as_float64()
    recursion = forward_backward(chain)
    row_weights = _row_weights(chain, weights)
    tags = _marginals(chain, recursion) * row_weights
    counts = LinearChain(
        emissions=tags,
        transitions=_expected_transitions(chain, recursion, row_weights),
        start=tags[: chain.packing.n_sequences].sum(axis=0),
        end=tags[_last_rows(chain)].sum(axis=0),
        packing=chain.packing,
    )
    return chain.packing.per_doc(recursion.log_partition, empty=0.0), counts


def path_counts(chain: LinearChain, tags: Ints1d) -> tuple[Floats1d, LinearChain]:
    """The score of one tag sequence for each document, and how often it uses what.

    It is `expected_counts` where no other sequence is possible.

    tags: the tag of each token, packed. Shape (n_tokens,).
    """
    chain = chain.as_float64()
    xp, packing = chain.xp, chain.packing
    n_tags, last = len(chain.start), _last_rows(chain)
    first, rows = slice(0, packing.n_sequences), xp.arange(packing.n_tokens)
    before = tags[xp.asarray(packing.previous[packing.n_sequences :])]
    after = tags[packing.n_sequences :]
    scores = chain.emissions[rows, tags]
    scores[first] += chain.start[tags[first]]
    scores[packing.n_sequences :] += chain.transitions[before, after]
    scores[last] += chain.end[tags[last]]
    of_docs = xp.bincount(xp.asarray(packing.rank_of_row), scores, packing.n_sequences)
    emissions = xp.zeros(chain.emissions.shape)
    emissions[rows, tags] = 1.0
    pairs = xp.bincount(before * n_tags + after, minlength=n_tags**2)
    counts = LinearChain(
        emissions=emissions,
        transitions=pairs.reshape(n_tags, n_tags).astype("float64"),
        start=emissions[first].sum(axis=0),
        end=emissions[last].sum(axis=0),
        packing=packing,
    )
    return packing.per_doc(of_docs, empty=0.0), counts


def _row_weights(chain: LinearChain, weights: Floats1d | None) -> Floats2d:
    """Each packed row's document weight. Shape (n_tokens, 1)."""
    if weights is None:
        return chain.xp.ones((chain.packing.n_tokens, 1))
    doc_major = chain.xp.asarray(np.repeat(np.arange(len(weights)), chain.packing.lengths))
    return weights[doc_major[chain.xp.asarray(chain.packing.to_packed)]][:, None]


def viterbi(chain: LinearChain) -> Ints1d:
    """The most probable tag sequence of each document (Viterbi 1967).

    Returns one tag per token in packed order, shape (n_tokens,).
    """
    chain = chain.as_float64()
    xp = chain.xp
    previous_tag = xp.zeros(chain.emissions.shape, dtype="int64")
    finals = xp.zeros(chain.packing.n_sequences, dtype="int64")
    into = xp.ascontiguousarray(chain.transitions.T)
    scores = chain.start[None]
    for t, rows in _steps(chain.packing):
        n = rows.stop - rows.start
        if t:
            finals[n : len(scores)] = (scores[n:] + chain.end).argmax(axis=1)
            candidates = scores[:n, None, :] + into
            previous_tag[rows] = candidates.argmax(axis=2)
            scores = candidates.max(axis=2)
        scores = scores + chain.emissions[rows]
    finals[: len(scores)] = (scores + chain.end).argmax(axis=1)
    return _follow(chain.packing, previous_tag, finals)


def _follow(packing: Packing, previous_tag: Any, finals: Ints1d) -> Ints1d:
    """Walk back from the final tags. previous_tag: best predecessor of each tag, packed."""
    xp = get_array_module(finals)
    tags = xp.empty(packing.n_tokens, dtype="int64")
    current = finals[:0]
    for _, rows in reversed(list(_steps(packing))):
        n = rows.stop - rows.start
        current = xp.concatenate([current, finals[len(current) : n]])
        tags[rows] = current
        current = xp.take_along_axis(previous_tag[rows], current[:, None], axis=1)[:, 0]
    return tags


def k_best(chain: LinearChain, k: int) -> list[list[tuple[float, np.ndarray]]]:
    """The k most probable tag sequences of each document, best first.

    Returns for each document, in batch order, up to k pairs of log probability and tags (shape
    (n_tokens_in_doc,)); fewer where fewer sequences are possible. Meant for looking into a model,
    not for the speed of a pipeline.
    """
    chain = chain.as_float64()
    partition = log_partition(chain)
    emissions = chain.emissions[chain.xp.asarray(chain.packing.from_packed)]
    results = []
    end = 0
    for i, length in enumerate(chain.packing.lengths.tolist()):
        end += length
        paths = _k_best_of_one(chain, emissions[end - length : end], k)
        results.append([(float(score - partition[i]), tags) for score, tags in paths])
    return results


def _k_best_of_one(chain: LinearChain, emissions: Floats2d, k: int) -> list[tuple[Any, Any]]:
    """The k best (score, tags) of one document. emissions: shape (n_tokens_in_doc, n_tags)."""
    xp = chain.xp
    if not len(emissions):
        return [(0.0, np.zeros(0, dtype="int64"))]
    n_tags = emissions.shape[1]
    scores = (chain.start + emissions[0])[:, None]  # (tag, rank of the path that ends in it)
    backpointers = []
    for emission in emissions[1:]:
        # (tag, previous tag and its rank in one index)
        candidates = (scores[None] + chain.transitions.T[:, :, None]).reshape(n_tags, -1)
        best = xp.argsort(-candidates, axis=1, kind="stable")[:, :k]
        backpointers.append((best, scores.shape[1]))
        scores = xp.take_along_axis(candidates, best, axis=1) + emission[:, None]
    totals = (scores + chain.end[:, None]).ravel()
    ranked = xp.argsort(-totals, kind="stable")[:k]
    feasible = [(totals[i], int(i)) for i in ranked if totals[i] > -np.inf]
    return [(score, _k_best_path(i, scores.shape[1], backpointers)) for score, i in feasible]


def _k_best_path(final: int, n_ranks: int, backpointers: list[tuple[Any, int]]) -> np.ndarray:
    tag, rank = divmod(final, n_ranks)
    tags = [tag]
    for best, previous_ranks in reversed(backpointers):
        tag, rank = divmod(int(best[tag, rank]), previous_ranks)
        tags.append(tag)
    return np.asarray(tags[::-1], dtype="int64")


@dataclass(frozen=True)
class Segments:
    """Tags fixed on stretches of tokens, e.g. one entity each.

    docs: document of each segment, in batch order. Shape (n_segments,).
    starts: its first token within the document. Shape (n_segments,).
    lengths: its tokens, at least 1. Shape (n_segments,).
    tags: the tags of all segments, one after the other. Shape (sum of lengths,).
    """

    docs: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    tags: np.ndarray

    @property
    def firsts(self) -> np.ndarray:
        """Index of each segment's first tag in `tags`. Shape (n_segments,)."""
        return np.cumsum(self.lengths) - self.lengths

    def packed_rows(self, packing: Packing) -> np.ndarray:
        """The packed row of each tag in `tags`."""
        doc_starts = np.cumsum(packing.lengths) - packing.lengths
        within = np.arange(len(self.tags)) - np.repeat(self.firsts, self.lengths)
        begin = (doc_starts[self.docs] + self.starts).astype("int64")
        return packing.from_packed[np.repeat(begin, self.lengths) + within]


def segment_log_posteriors(chain: LinearChain, segments: Segments) -> Floats1d:
    """log P(the tag sequence runs over the segment's tokens exactly as given). (n_segments,)

    Exact: all sequences that agree with the segment are summed (Culotta and McCallum 2004).
    """
    chain = chain.as_float64()
    xp = chain.xp
    if not len(segments.docs):
        return xp.zeros(0)
    recursion = forward_backward(chain)
    rows = xp.asarray(segments.packed_rows(chain.packing))
    tags = xp.asarray(segments.tags)
    firsts = xp.asarray(segments.firsts)
    lasts = firsts + xp.asarray(segments.lengths) - 1
    scores = chain.emissions[rows, tags]
    scores[1:] += chain.transitions[tags[:-1], tags[1:]]
    scores[firsts] = recursion.forward[rows[firsts], tags[firsts]]
    scores[lasts] += recursion.backward[rows[lasts], tags[lasts]]
    sums = xp.add.reduceat(scores, firsts)
    return sums - recursion.log_partition[xp.asarray(chain.packing.ranks[segments.docs])]


def _steps(packing: Packing) -> Iterator[tuple[int, slice]]:
    """Time steps and their packed rows."""
    start = 0
    for t, size in enumerate(packing.size_at_t.tolist()):
        yield t, slice(start, start + size)
        start += size


def _last_rows(chain: LinearChain) -> Any:
    """The packed row of each document's last token, longest document first."""
    lengths = np.sort(chain.packing.lengths)[::-1][: chain.packing.n_sequences]
    return chain.xp.asarray(chain.packing.starts[lengths - 1] + np.arange(len(lengths)))


def _forward(chain: LinearChain) -> Floats2d:
    forward = chain.xp.empty_like(chain.emissions)
    weights = TransitionWeights(chain.transitions)
    scores = chain.xp.empty((0, chain.emissions.shape[1]))
    for t, rows in _steps(chain.packing):
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
    for _, rows in reversed(list(_steps(chain.packing))):
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
        self.peak = _finite_max(transitions)
        self.weights = self.xp.exp(transitions - self.peak)
        self.allowed = (transitions > -np.inf).astype("float64")

    def log_product(self, scores: Floats2d) -> Floats2d:
        """log(exp(scores) @ exp(transitions)), row by row. scores: (n, n_tags)."""
        peaks = _finite_max(scores, axis=1)
        products = self.xp.exp(scores - peaks) @ self.weights
        with np.errstate(divide="ignore"):
            result = self.xp.log(products) + peaks + self.peak
        lost = products < SMALLEST_PRODUCT
        if lost.any():
            reachable = (scores > -np.inf).astype("float64") @ self.allowed > 0
            rows = (lost & reachable).any(axis=1)
            if rows.any():
                result[rows] = _log_sum_exp(scores[rows][:, :, None] + self.log_weights, axis=1)
        return result


def _expected_transitions(
    chain: LinearChain, recursion: Recursion, row_weights: Floats2d
) -> Floats2d:
    """The expected number of uses of each transition, weighted. Shape (n_tags, n_tags)."""
    xp = chain.xp
    sizes = chain.packing.size_at_t
    rows = xp.arange(chain.packing.n_sequences, chain.packing.n_tokens)
    previous = rows - xp.asarray(np.repeat(sizes[:-1], sizes[1:]))
    ranks = xp.asarray(chain.packing.rank_of_row)[rows]
    before = recursion.forward[previous]
    after = chain.emissions[rows] + recursion.backward[rows]
    with np.errstate(invalid="ignore"):  # a document that allows no sequence has NaN, not counts
        after -= recursion.log_partition[ranks][:, None]
    peaks = _finite_max(before, axis=1)
    peak = _finite_max(chain.transitions)
    if not len(rows) or float((after + peaks).max()) + peak < LARGEST_EXPONENT:
        # P(i, j at t) = exp(before_i + transition_ij + after_j): for all tokens, one product.
        sums = xp.exp(before - peaks).T @ (xp.exp(after + peaks + peak) * row_weights[rows])
        return sums * xp.exp(chain.transitions - peak)
    totals = xp.zeros_like(chain.transitions)
    for i in range(0, len(rows), EXACT_ROWS):
        chunk = slice(i, i + EXACT_ROWS)
        with np.errstate(invalid="ignore"):
            pairs = before[chunk][:, :, None] + chain.transitions + after[chunk][:, None, :]
        totals += (xp.exp(pairs) * row_weights[rows][chunk][:, None]).sum(axis=0)
    return totals


def _marginals(chain: LinearChain, recursion: Recursion) -> Floats2d:
    xp = chain.xp
    ranks = xp.asarray(chain.packing.rank_of_row)
    scores = recursion.forward + recursion.backward
    with np.errstate(invalid="ignore"):  # a document that allows no sequence has NaN, no marginals
        return xp.exp(scores - recursion.log_partition[ranks][:, None])


def _finite_max(scores: Any, axis: int | None = None) -> Any:
    """The maximum, kept as an axis, or 0 where all are -inf."""
    xp = get_array_module(scores)
    if not scores.size:
        return xp.zeros((scores.shape[0], 1)) if axis == 1 else 0.0
    peak = scores.max(axis=axis, keepdims=axis is not None)
    return xp.where(xp.isfinite(peak), peak, 0.0)


def _log_sum_exp(scores: Any, axis: int) -> Any:
    """log of the summed exponentials; -inf where all are -inf."""
    xp = get_array_module(scores)
    peak = scores.max(axis=axis, keepdims=True)
    peak = xp.where(xp.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        return xp.log(xp.exp(scores - peak).sum(axis=axis)) + peak.squeeze(axis)
