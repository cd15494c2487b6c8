"""The losses that a chain is trained with, and their gradients for every score."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..batch.packing import make_packing
from ..types import Bools2d, Floats1d, Floats2d
from .chain import SCORES, LinearChain
from .expectations import Segments, expected_counts, path_counts, segment_log_posteriors

# Without a bound, a wrong span that is almost certain would have an infinite gradient.
MOST_CERTAIN = 1.0 - 1e-6


def negative_log_likelihood(chain: LinearChain, gold: np.ndarray) -> tuple[Floats1d, LinearChain]:
    """log Z − log Z(gold): the negative log probability of all sequences that the gold allows.

    gold: the tags that each token may have, booleans in packed order, shape (n_tokens, n_tags), on
        the host. One tag per token is full annotation, all tags are missing annotation (Tsuboi et
        al. 2008).

    Returns the loss of each document in batch order, shape (n_docs,), and the gradient of the
    summed loss for every score.
    Raises ValueError if the gold allows no sequence that the chain allows.
    """
    log_z, counts = expected_counts(chain)  # log_z: (n_docs,)
    if (gold.sum(axis=1) == 1).all():
        log_gold, gold_counts = path_counts(chain, chain.xp.asarray(gold.argmax(axis=1)))
    else:
        log_gold, gold_counts = expected_counts(chain.restrict(chain.xp.asarray(gold)))
    impossible = chain.xp.flatnonzero(log_gold == -np.inf)
    if len(impossible):
        raise ValueError(
            f"The annotation of document {int(impossible[0])} of the batch allows no tag sequence."
        )
    return log_z - log_gold, counts.plus(gold_counts, -1.0)


def wrong_segments_loss(chain: LinearChain, segments: Segments) -> tuple[float, LinearChain]:
    """−log(1 − P(segment)), summed over segments that are known to be wrong.

    A sequence is penalised only if it has exactly the segment's tags on exactly its tokens. The
    gradient is P / (1 − P) times the difference of the expected counts with the segment given and
    without.

    Returns the summed loss and its gradient for every score.
    """
    xp = chain.xp
    # One copy of the document for each segment, so that all are computed in one batch.
    copies, rows = _copy_docs(chain, segments.docs)
    own = replace(segments, docs=np.arange(len(segments.docs)))
    posteriors = xp.exp(segment_log_posteriors(copies, own)).clip(max=MOST_CERTAIN)  # (n_segments,)
    odds = posteriors / (1.0 - posteriors)
    _, free = expected_counts(copies, odds)
    _, given = expected_counts(copies.restrict(_only(copies, own)), odds)
    change = given.plus(free, -1.0)
    emissions = xp.zeros(chain.emissions.shape)  # (n_tokens, n_tags)
    xp.add.at(emissions, rows, change.emissions)
    return float(-xp.log1p(-posteriors).sum()), replace(
        change, emissions=emissions, packing=chain.packing
    )


def _copy_docs(chain: LinearChain, docs: np.ndarray) -> tuple[LinearChain, Floats2d]:
    """A batch of copies of some documents, and the packed row that each of its rows copies."""
    starts = np.cumsum(chain.packing.lengths) - chain.packing.lengths
    packing = make_packing(chain.packing.lengths[docs])
    within = np.arange(packing.n_tokens) - np.repeat(
        np.cumsum(packing.lengths) - packing.lengths, packing.lengths
    )
    doc_major = np.repeat(starts[docs], packing.lengths) + within  # (n_copied_tokens,)
    rows = chain.xp.asarray(chain.packing.from_packed[doc_major][packing.to_packed])
    return replace(chain, emissions=chain.emissions[rows], packing=packing), rows


def _only(chain: LinearChain, segments: Segments) -> Bools2d:
    """The tags that remain if every segment is fixed. Booleans, shape (n_tokens, n_tags)."""
    xp = chain.xp
    rows = xp.asarray(segments.packed_rows(chain.packing))  # (n_fixed_tokens,)
    allowed = xp.ones(chain.emissions.shape, dtype=bool)
    allowed[rows] = False
    allowed[rows, xp.asarray(segments.tags)] = True
    return allowed


def squared_difference(chain: LinearChain, earlier: LinearChain) -> tuple[float, LinearChain]:
    """Half the summed squared difference from the scores of an earlier model.

    earlier: scores for the same tokens; it may have fewer tags, and then the others are ignored.
    Returns the loss and its gradient for every score.
    """
    xp = chain.xp
    differences = {
        name: _difference_of_common(xp, getattr(chain, name), getattr(earlier, name))
        for name in SCORES
    }
    loss = sum(float((difference**2).sum()) for difference in differences.values()) / 2
    return loss, replace(chain, **differences)


def _difference_of_common(xp: Any, new: Floats2d, old: Floats2d) -> Floats2d:
    """new − old where both have a score and neither is forbidden, else 0."""
    result = xp.zeros(new.shape)
    common = tuple(slice(0, size) for size in old.shape)
    finite = xp.isfinite(new[common]) & xp.isfinite(old)
    result[common] = xp.where(finite, new[common], 0.0) - xp.where(finite, old, 0.0)
    return result
