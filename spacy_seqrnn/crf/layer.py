"""A linear-chain conditional random field (Lafferty et al. 2001) as a Thinc layer.

The layer turns emissions into a `LinearChain`; the functions in `chain.py` then answer what one
wants to know of it. `negative_log_likelihood` gives the loss and the gradient that the layer's
`backprop` takes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from thinc.api import Model

from ..batch.packed import Packed
from ..batch.packing import make_packing
from ..saved.layers import as_wide, describe_layer, shapes
from ..saved.shapes import Layer
from ..types import Bools2d, Floats1d, Floats2d
from .chain import SCORES, LinearChain
from .expectations import Segments, expected_counts, path_counts, segment_log_posteriors

# The learnt scores of a chain
PARAMS = ("transitions", "start", "end")
# A span that is wrong but almost certain would have an endless gradient.
MOST_CERTAIN = 1.0 - 1e-6


@dataclass(frozen=True)
class TagConstraints:
    """What a tag scheme allows, as booleans.

    transitions: from a tag (row) to the next (column). Shape (n_tags, n_tags).
    start, end: as first and as last tag of a document. Shape (n_tags,).
    """

    transitions: np.ndarray
    start: np.ndarray
    end: np.ndarray


ConstraintsForSize = Callable[[int], TagConstraints]


def CRF(constraints: ConstraintsForSize, *, nO: int | None = None) -> Model[Packed, LinearChain]:
    """Score tag sequences with learnt transition, start and end scores.

    constraints: gives the scheme's constraints for a number of tags. What they forbid has the score
        -inf in loss and decoding alike, so there is nothing to learn for it.
    nO: number of tags; may be set later.
    """
    return Layer(
        "crf",
        forward,
        init=init,
        params=dict.fromkeys(PARAMS),
        dims={"nO": nO},
        attrs={"constraints": constraints},
    )


def forward(
    model: Model[Packed, LinearChain], X: Packed, is_train: bool
) -> tuple[LinearChain, Callable]:
    scores = {name: model.get_param(name) for name in PARAMS}
    chain = constrain(model, LinearChain(emissions=X.data, packing=X.packing, **scores))

    def backprop(d_chain: LinearChain) -> Packed:
        for name in PARAMS:
            model.inc_grad(name, getattr(d_chain, name).astype("float32"))
        return Packed(d_chain.emissions.astype("float32"), X.packing)

    return chain, backprop


describe_layer(
    forward,
    param_shapes=shapes(transitions=("nO", "nO"), start=("nO",), end=("nO",)),
    width=as_wide,
)


def init(
    model: Model[Packed, LinearChain], X: Packed | None = None, Y: LinearChain | None = None
) -> None:
    n_tags = model.get_dim("nO")
    model.set_param("transitions", model.ops.alloc2f(n_tags, n_tags))
    model.set_param("start", model.ops.alloc1f(n_tags))
    model.set_param("end", model.ops.alloc1f(n_tags))


def TokenSoftmax(
    constraints: ConstraintsForSize, *, nO: int | None = None
) -> Model[Packed, LinearChain]:
    """Score each token by itself: a chain whose transitions are all 0.

    In training nothing is forbidden, which makes the loss the sum of the tokens' softmax cross
    entropies. In prediction the constraints hold, so that decoding gives valid sequences only.
    """
    attrs = {"constraints": constraints}
    return Layer("token_softmax", forward_softmax, dims={"nO": nO}, attrs=attrs)


def forward_softmax(
    model: Model[Packed, LinearChain], X: Packed, is_train: bool
) -> tuple[LinearChain, Callable]:
    n_tags = X.data.shape[1]
    zeros = model.ops.alloc1f(n_tags)
    chain = LinearChain(X.data, model.ops.alloc2f(n_tags, n_tags), zeros, zeros, X.packing)

    def backprop(d_chain: LinearChain) -> Packed:
        return Packed(d_chain.emissions.astype("float32"), X.packing)

    return chain if is_train else constrain(model, chain), backprop


describe_layer(forward_softmax, width=as_wide)


def constrain(model: Model[Packed, LinearChain], chain: LinearChain) -> LinearChain:
    """Give what the model's scheme forbids the score -inf."""
    allowed = model.attrs["constraints"](chain.emissions.shape[1])
    xp = model.ops.xp
    return replace(
        chain,
        transitions=xp.where(xp.asarray(allowed.transitions), chain.transitions, -np.inf),
        start=xp.where(xp.asarray(allowed.start), chain.start, -np.inf),
        end=xp.where(xp.asarray(allowed.end), chain.end, -np.inf),
    )


def negative_log_likelihood(chain: LinearChain, gold: np.ndarray) -> tuple[Floats1d, LinearChain]:
    """log Z − log Z(gold): the negative log probability of all sequences that the gold allows.

    gold: which tags each token may have, booleans in packed order, shape (n_tokens, n_tags), on the
        host. One tag per token is full annotation, all tags are missing annotation (Tsuboi et al.
        2008).

    Returns the loss of each document in batch order, shape (n_docs,), and the gradient of the
    summed loss for every score.
    Raises ValueError if the gold allows no sequence that the chain allows.
    """
    log_z, counts = expected_counts(chain)
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
    # One copy of its document for each segment, so that all are answered in one batch.
    copies, rows = _copy_docs(chain, segments.docs)
    own = replace(segments, docs=np.arange(len(segments.docs)))
    posteriors = xp.exp(segment_log_posteriors(copies, own)).clip(max=MOST_CERTAIN)
    odds = posteriors / (1.0 - posteriors)
    _, free = expected_counts(copies, odds)
    _, given = expected_counts(copies.restrict(_only(copies, own)), odds)
    change = given.plus(free, -1.0)
    emissions = xp.zeros(chain.emissions.shape)
    xp.add.at(emissions, rows, change.emissions)
    return float(-xp.log1p(-posteriors).sum()), replace(
        change, emissions=emissions, packing=chain.packing
    )


def _copy_docs(chain: LinearChain, docs: np.ndarray) -> tuple[LinearChain, Floats2d]:
    """A batch of copies of some documents, and the packed row that each of its rows comes from."""
    starts = np.cumsum(chain.packing.lengths) - chain.packing.lengths
    packing = make_packing(chain.packing.lengths[docs])
    within = np.arange(packing.n_tokens) - np.repeat(
        np.cumsum(packing.lengths) - packing.lengths, packing.lengths
    )
    doc_major = np.repeat(starts[docs], packing.lengths) + within
    rows = chain.xp.asarray(chain.packing.from_packed[doc_major][packing.to_packed])
    return replace(chain, emissions=chain.emissions[rows], packing=packing), rows


def _only(chain: LinearChain, segments: Segments) -> Bools2d:
    """Which tags remain if every segment is as given. Booleans, shape (n_tokens, n_tags)."""
    xp = chain.xp
    rows = xp.asarray(segments.packed_rows(chain.packing))
    allowed = xp.ones(chain.emissions.shape, dtype=bool)
    allowed[rows] = False
    allowed[rows, xp.asarray(segments.tags)] = True
    return allowed


def squared_difference(chain: LinearChain, earlier: LinearChain) -> tuple[float, LinearChain]:
    """Half the summed squared difference from the scores that an earlier model gave.

    earlier: scores for the same tokens; may have fewer tags, the others are then not compared.
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
