"""A linear-chain conditional random field (Lafferty et al. 2001) as a Thinc layer.

The layer maps emissions to a `LinearChain`. `losses.py` computes its loss, and the gradient that
the layer's `backprop` takes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from thinc.api import Model

from ..batch.packed import Packed
from ..saved.layers import as_wide, describe_layer, shapes
from ..saved.shapes import Layer
from .chain import LinearChain

# The learned scores of a chain
PARAMS = ("transitions", "start", "end")


@dataclass(frozen=True)
class TagConstraints:
    """The transitions and ends that a tag scheme allows, as booleans.

    transitions: from a tag (row) to the next (column). Shape (n_tags, n_tags).
    start, end: as first and as last tag of a document. Shape (n_tags,).
    """

    transitions: np.ndarray
    start: np.ndarray
    end: np.ndarray


ConstraintsForSize = Callable[[int], TagConstraints]


def CRF(constraints: ConstraintsForSize, *, nO: int | None = None) -> Model[Packed, LinearChain]:
    """Score tag sequences with learned transition, start and end scores.

    constraints: returns the scheme's constraints for a number of tags. Everything they forbid has
        the score -inf in loss and decoding alike, so nothing is learned for it.
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
) -> tuple[LinearChain, Callable[[LinearChain], Packed]]:
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
    """Score each token on its own: a chain whose transitions are all 0.

    In training nothing is forbidden, so the loss is the sum of the tokens' softmax cross entropies.
    In prediction the constraints apply, so that only valid sequences are decoded.
    """
    attrs = {"constraints": constraints}
    return Layer("token_softmax", forward_softmax, dims={"nO": nO}, attrs=attrs)


def forward_softmax(
    model: Model[Packed, LinearChain], X: Packed, is_train: bool
) -> tuple[LinearChain, Callable[[LinearChain], Packed]]:
    n_tags = X.data.shape[1]
    zeros = model.ops.alloc1f(n_tags)
    chain = LinearChain(X.data, model.ops.alloc2f(n_tags, n_tags), zeros, zeros, X.packing)

    def backprop(d_chain: LinearChain) -> Packed:
        return Packed(d_chain.emissions.astype("float32"), X.packing)

    return chain if is_train else constrain(model, chain), backprop


describe_layer(forward_softmax, width=as_wide)


def constrain(model: Model[Packed, LinearChain], chain: LinearChain) -> LinearChain:
    """Set the score of everything that the model's scheme forbids to -inf."""
    allowed = model.attrs["constraints"](chain.emissions.shape[1])
    xp = model.ops.xp
    return replace(
        chain,
        transitions=xp.where(xp.asarray(allowed.transitions), chain.transitions, -np.inf),
        start=xp.where(xp.asarray(allowed.start), chain.start, -np.inf),
        end=xp.where(xp.asarray(allowed.end), chain.end, -np.inf),
    )
