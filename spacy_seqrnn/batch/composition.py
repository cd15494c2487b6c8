"""Layers of this package among themselves.

At spaCy's border a layer reads documents, or one array of token vectors for each of them, and gives
such arrays. Between two layers of this package there is a `DocBatch` in place of documents, and a
`Packed` in place of arrays, so that nothing is taken apart and put together again.

What a layer runs for that is looked up by its forward function at the border, which Thinc's copies
of a model keep. A layer of someone else's, and one whose forward function has been wrapped, runs
over lists.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

from spacy.tokens import Doc
from thinc.api import Model
from thinc.layers.chain import forward as chain_forward

from ..types import Backprop, Floats2d, Forward
from . import packed
from .docs import DocBatch
from .packed import Packed, pack, pack_distinct, unpack

# Runs a layer, given (layer, X, is_train)
RunWithin: TypeAlias = Callable[[Model[Any, Any], Any, bool], tuple[Any, Backprop]]


def run(layer: Model[Any, Any], X: Any, is_train: bool) -> tuple[Any, Backprop]:
    """Run a layer on what the one before it gives.

    X: a `DocBatch` stands for a list of documents, a `Packed` for a list of token vectors; anything
        else for itself.

    Returns what the layer gives, a `Packed` if it is one of this package's, and its backward pass,
    which takes a gradient of the type of the output to one of the type of the input.
    """
    forward_within = FORWARD_WITHIN.get(layer._func)
    if forward_within is not None:
        return forward_within(layer, X, is_train)
    if isinstance(X, DocBatch):
        return layer(X.docs, is_train)
    if not isinstance(X, Packed):
        return layer(X, is_train)
    Y, backprop = layer(unpack(layer.ops, X), is_train)
    return Y, in_reverse([partial(pack, layer.ops), backprop])


def run_packed(
    tok2vec: Model[list[Doc], list[Floats2d]], batch: DocBatch, is_train: bool
) -> tuple[Packed, Callable[[Packed], Any]]:
    """The token vectors that any model gives for documents, packed, and its backward pass."""
    Y, backprop = run(tok2vec, batch, is_train)
    if isinstance(Y, Packed):
        return Y, backprop
    ops = tok2vec.ops
    return pack(ops, Y), in_reverse([backprop, partial(unpack, ops)])


def run_in_turn(layers: Iterable[Model[Any, Any]], X: Any, is_train: bool) -> tuple[Any, Backprop]:
    """Run layers, each on what the one before it gives; see `run`."""
    backprops = []
    for layer in layers:
        X, backprop_layer = run(layer, X, is_train)
        backprops.append(backprop_layer)
    return X, in_reverse(backprops)


def in_reverse(backprops: list[Backprop]) -> Backprop:
    """The backward pass of steps that have run in turn."""

    def backprop(gradient: Any) -> Any:
        for backprop_step in reversed(backprops):
            gradient = backprop_step(gradient)
        return gradient

    return backprop


def split_encoders(tok2vec: Model[Any, Any]) -> tuple[Model[Any, Any], list[Model[Any, Any]]]:
    """What reads documents, and the encoders of this package that read the vectors it gives.

    A model that does not end in such encoders is whole, and the list empty.
    """
    encoders = tok2vec.layers[1:] if tok2vec._func is chain_forward else []
    if not all(encoder._func is packed.forward for encoder in encoders):
        return tok2vec, []
    return (tok2vec.layers[0], encoders) if encoders else (tok2vec, [])


def _run_chain(model: Model[Any, Any], X: Any, is_train: bool) -> tuple[Any, Backprop]:
    return run_in_turn(model.layers, X, is_train)


def _run_encoder(model: Model[Any, Any], X: Any, is_train: bool) -> tuple[Any, Backprop]:
    """A layer that `with_packed` has made."""
    if isinstance(X, Packed):
        return packed.forward_packed(model, X, is_train)
    if not isinstance(X, list):
        return packed.forward(model, X, is_train)
    pack_list = pack if is_train else pack_distinct
    Y, backprop = packed.forward_packed(model, pack_list(model.ops, X), is_train)
    return Y, in_reverse([partial(unpack, model.ops), backprop])


# What a layer runs within a composition, by its forward function at spaCy's border. Modules with
# layers that read documents enter theirs.
FORWARD_WITHIN: dict[Forward, RunWithin] = {
    chain_forward: _run_chain,
    packed.forward: _run_encoder,
}
