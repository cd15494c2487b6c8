"""Probabilities of the parts of a linear chain's tag sequences: marginals, counts, segments."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from thinc.util import get_array_module

from ..batch.packing import Packing
from ..types import Floats1d, Floats2d, Ints1d
from .chain import LinearChain
from .logspace import finite_max, log_sum_exp
from .recursion import Recursion, forward_backward
from .transitions import HELD_PAIRS, SumProduct

# Above this, exp() could overflow in the next product.
LARGEST_EXPONENT = 600.0


def marginals(chain: LinearChain) -> Floats2d:
    """The probability of each tag at each token. Shape (n_tokens, n_tags), packed."""
    return _marginals(forward_backward(chain))[0]


@np.errstate(divide="ignore", invalid="ignore")  # NaN where no sequence is allowed
def _marginals(recursion: Recursion) -> tuple[Floats2d, Floats2d]:
    """The marginals, and the log of the divisor at each token, shape (n_tokens, 1).

    The divisor is log Z minus what the recursion has subtracted. It differs between tokens even
    where nothing is subtracted: over a long document with large scores, log Z drifts by more than
    probabilities tolerate.
    """
    scores = recursion.forward + recursion.backward  # (n_tokens, n_tags)
    peaks = finite_max(scores, axis=1)
    xp = get_array_module(scores)
    scores -= peaks
    probabilities = xp.exp(scores, out=scores)  # in place: with many tags a copy takes much memory
    sums = probabilities.sum(axis=1, keepdims=True)  # (n_tokens, 1)
    probabilities /= sums
    return probabilities, xp.log(sums) + peaks


def expected_counts(
    chain: LinearChain, weights: Floats1d | None = None
) -> tuple[Floats1d, LinearChain]:
    """log Z of each document, and its gradient for every score, summed over the batch.

    weights: the weight of each document in that sum, in batch order, shape (n_docs,). None: 1.

    Returns log Z in batch order, shape (n_docs,), and a chain of the expected counts of each
    emission, transition, start and end: the gradient of sum(weights * log Z).
    """
    recursion = forward_backward(chain)
    row_weights = _row_weights(chain, weights)
    tags, log_sums = _marginals(recursion)  # (n_tokens, n_tags), (n_tokens, 1)
    tags *= row_weights
    counts = LinearChain(
        emissions=tags,
        transitions=_expected_transitions(recursion, log_sums, row_weights),
        start=tags[: chain.packing.n_sequences].sum(axis=0),
        end=tags[chain.last_rows].sum(axis=0),
        packing=chain.packing,
    )
    return chain.packing.per_doc(recursion.log_partition, empty=0.0), counts


def _expected_transitions(
    recursion: Recursion, log_sums: Floats2d, row_weights: Floats2d
) -> Floats2d:
    """The expected, weighted count of each transition. Shape (n_tags, n_tags).

    log_sums: of each token, see `_marginals`.
    """
    chain = recursion.chain
    xp = chain.xp
    packing = chain.packing
    rows = xp.arange(packing.n_sequences, packing.n_tokens)  # all but first tokens: (n_later,)
    before = recursion.forward[xp.asarray(packing.previous[packing.n_sequences :])]
    after = chain.emissions[rows] + recursion.backward[rows]  # (n_later, n_tags), as `before`
    with np.errstate(invalid="ignore"):  # NaN for a document that allows no sequence
        after -= log_sums[rows] + recursion.taken_off[rows][:, None]
    peaks = finite_max(before, axis=1)
    peak = finite_max(chain.transitions)
    largest = after.max(axis=1, keepdims=True) + peaks
    if not len(rows) or float(largest.max()) + peak < LARGEST_EXPONENT:
        # P(i, j at t) = exp(before_i + transition_ij + after_j): one product for all tokens.
        before -= peaks
        xp.exp(before, out=before)
        after += peaks + peak
        xp.exp(after, out=after)
        after *= row_weights[rows]
        weights = xp.exp(chain.transitions.astype("float64") - peak)
        return SumProduct(weights).outer(before, after)
    totals = xp.zeros(chain.transitions.shape)
    held = max(HELD_PAIRS // totals.size, 1)
    for i in range(0, len(rows), held):
        chunk = slice(i, i + held)
        with np.errstate(invalid="ignore"):
            pairs = before[chunk][:, :, None] + chain.transitions + after[chunk][:, None, :]
        totals += (xp.exp(pairs) * row_weights[rows][chunk][:, None]).sum(axis=0)
    return totals


def _row_weights(chain: LinearChain, weights: Floats1d | None) -> Floats2d:
    """Each packed row's document weight. Shape (n_tokens, 1)."""
    if weights is None:
        return chain.xp.ones((chain.packing.n_tokens, 1))
    doc_major = chain.xp.asarray(np.repeat(np.arange(len(weights)), chain.packing.lengths))
    return weights[doc_major[chain.xp.asarray(chain.packing.to_packed)]][:, None]


def path_counts(chain: LinearChain, tags: Ints1d) -> tuple[Floats1d, LinearChain]:
    """The score of one tag sequence per document, and how often it uses each score.

    Equal to `expected_counts` if no other sequence is possible.

    tags: the tag of each token, packed. Shape (n_tokens,).
    """
    xp, packing = chain.xp, chain.packing
    n_tags, last = len(chain.start), chain.last_rows
    first, rows = slice(0, packing.n_sequences), xp.arange(packing.n_tokens)
    before = tags[xp.asarray(packing.previous[packing.n_sequences :])]  # (n_later,)
    after = tags[packing.n_sequences :]
    # (n_tokens,)
    scores = chain.emissions[rows, tags].astype("float64")
    scores[first] += chain.start[tags[first]]
    scores[packing.n_sequences :] += chain.transitions[before, after]
    scores[last] += chain.end[tags[last]]
    of_docs = xp.bincount(xp.asarray(packing.rank_of_row), scores, packing.n_sequences)
    emissions = xp.zeros(chain.emissions.shape)
    emissions[rows, tags] = 1.0
    pairs = xp.bincount(before * n_tags + after, minlength=n_tags**2)  # (n_tags**2,)
    counts = LinearChain(
        emissions=emissions,
        transitions=pairs.reshape(n_tags, n_tags).astype("float64"),
        start=emissions[first].sum(axis=0),
        end=emissions[last].sum(axis=0),
        packing=packing,
    )
    return packing.per_doc(of_docs, empty=0.0), counts


@dataclass(frozen=True)
class Segments:
    """Tags fixed on ranges of tokens, e.g. one entity each.

    docs: document of each segment, in batch order. Shape (n_segments,).
    starts: its first token within the document. Shape (n_segments,).
    lengths: its tokens, at least 1. Shape (n_segments,).
    tags: the tags of all segments, one after the other. Shape (sum of lengths,).
    """

    docs: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    tags: np.ndarray

    @cached_property
    def firsts(self) -> np.ndarray:
        """Index of each segment's first tag in `tags`. Shape (n_segments,)."""
        firsts: np.ndarray = np.cumsum(self.lengths) - self.lengths
        return firsts

    def packed_rows(self, packing: Packing) -> np.ndarray:
        """The packed row of each tag in `tags`."""
        doc_starts = np.cumsum(packing.lengths) - packing.lengths
        within = np.arange(len(self.tags)) - np.repeat(self.firsts, self.lengths)
        begin = (doc_starts[self.docs] + self.starts).astype("int64")  # (n_segments,)
        rows: np.ndarray = packing.from_packed[np.repeat(begin, self.lengths) + within]
        return rows


def segment_log_posteriors(chain: LinearChain, segments: Segments) -> Floats1d:
    """log P(the tags on the segment's tokens are exactly the given ones). (n_segments,)

    Exact: sums over all sequences that agree with the segment (Culotta and McCallum 2004).
    """
    xp = chain.xp
    if not len(segments.docs):
        return xp.zeros(0)
    recursion = forward_backward(chain)
    rows = xp.asarray(segments.packed_rows(chain.packing))
    tags = xp.asarray(segments.tags)
    firsts = xp.asarray(segments.firsts)
    lasts = firsts + xp.asarray(segments.lengths) - 1
    scores = chain.emissions[rows, tags] - recursion.taken_off[rows]  # (n_fixed_tokens,)
    scores[1:] += chain.transitions[tags[:-1], tags[1:]]
    scores[firsts] = recursion.forward[rows[firsts], tags[firsts]]
    scores[lasts] += recursion.backward[rows[lasts], tags[lasts]]
    sums = xp.add.reduceat(scores, firsts)  # (n_segments,)
    at_last = recursion.forward[rows[lasts]] + recursion.backward[rows[lasts]]
    return sums - log_sum_exp(at_last, axis=1)  # see `_marginals`
