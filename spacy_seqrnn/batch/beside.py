"""Features of tokens that go around an encoder, beside its states.

What an encoder that has read much more text gives for a token, as that of a language model, gains
nothing from being read once more, and makes an encoder that must learn from few texts larger.
"""

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model, Ops

from ..saved.layers import describe_layer, side_by_side
from ..saved.shapes import Layer
from ..types import Backprop, Floats2d
from .composition import FORWARD_WITHIN, run_on_docs, run_packed, split_encoders
from .docs import DocBatch
from .packed import Packed

Tok2Vec = Model[list[Doc], list[Floats2d]]


def with_features(tok2vec: Tok2Vec, features: Tok2Vec) -> Tok2Vec:
    """Concatenate the vectors of a `tok2vec` and features of the same tokens."""
    return Layer("with_features", forward, init=init, layers=[tok2vec, features], dims={"nO": None})


def forward(model: Tok2Vec, docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Backprop]:
    return run_on_docs(forward_packed, model, docs, is_train)


def forward_packed(
    model: Tok2Vec, batch: DocBatch, is_train: bool
) -> tuple[Packed, Callable[[Packed], list[Doc]]]:
    tok2vec, features = model.layers
    Y, backprop_tok2vec = run_packed(tok2vec, batch, is_train)
    F, backprop_features = run_packed(features, batch, is_train)
    joined, split = append(model.ops, Y, F)

    def backprop(gradient: Packed) -> list[Doc]:
        dY, dF = split(gradient)
        backprop_features(dF)
        d_docs: list[Doc] = backprop_tok2vec(dY)
        return d_docs

    return joined, backprop


describe_layer(forward, width=side_by_side)
FORWARD_WITHIN[forward] = forward_packed


def init(model: Tok2Vec, X: list[Doc] | None = None, Y: list[Floats2d] | None = None) -> None:
    for layer in model.layers:
        layer.initialize(X=X)
    if all(layer.has_dim("nO") for layer in model.layers):
        model.set_dim("nO", sum(layer.get_dim("nO") for layer in model.layers))


def split_features(tok2vec: Model[Any, Any]) -> tuple[Model[Any, Any], Model[Any, Any] | None]:
    """The part of a `tok2vec` that may end in encoders, and the features beside it, if any."""
    if tok2vec._func is forward:
        return tok2vec.layers[0], tok2vec.layers[1]
    return tok2vec, None


def encoders_of(tok2vec: Model[Any, Any]) -> list[Model[Any, Any]]:
    """The encoders of this package that a `tok2vec` ends in, with or without features beside."""
    return split_encoders(split_features(tok2vec)[0])[1]


def append(
    ops: Ops, Y: Packed, F: Packed
) -> tuple[Packed, Callable[[Packed], tuple[Packed, Packed]]]:
    """Vectors and features of the same tokens side by side.

    Y: Shape (n_tokens, width). F: Shape (n_tokens, n_features).

    Returns them in the shape (n_tokens, width + n_features), and what gives the gradients of both.
    """
    width = Y.width

    def split(gradient: Packed) -> tuple[Packed, Packed]:
        dY, dF = gradient.data[:, :width], gradient.data[:, width:]
        return Packed(ops.as_contig(dY), Y.packing), Packed(ops.as_contig(dF), Y.packing)

    return Packed(ops.xp.hstack([Y.data, F.data]), Y.packing), split
