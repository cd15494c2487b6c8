"""How layers of this package pass data to each other.

Towards spaCy, a layer reads documents, or one array of token vectors per document, and returns such
arrays. Between two layers of this package, a `DocBatch` replaces documents, and a `Packed` replaces
arrays, so that nothing is unpacked and packed again.

The function that a layer runs in that case is looked up by its public forward function, which
Thinc's copies of a model keep. Other packages' layers, and layers whose forward function has been
wrapped, run on lists.
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
    """Run a layer on the output of the previous one.

    X: a `DocBatch` represents a list of documents, a `Packed` a list of token vectors; anything
    else is
        passed as it is.

    Returns the layer's output, which is a `Packed` if the layer is one of this package's, and its
    backward pass, which maps a gradient of the type of the output to one of the type of the input.
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
    """A model's token vectors for documents, packed, and its backward pass."""
    Y, backprop = run(tok2vec, batch, is_train)
    if isinstance(Y, Packed):
        return Y, backprop
    ops = tok2vec.ops
    return pack(ops, Y), in_reverse([backprop, partial(unpack, ops)])


def run_on_docs(
    run_within: RunWithin, layer: Model[Any, Any], docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Backprop]:
    """The forward function of a layer that reads documents, in terms of what it runs within."""
    Y, backprop = run_within(layer, DocBatch(docs), is_train)
    return unpack(layer.ops, Y), in_reverse([backprop, partial(pack, layer.ops)])


def run_in_turn(layers: Iterable[Model[Any, Any]], X: Any, is_train: bool) -> tuple[Any, Backprop]:
    """Run layers, each on the output of the previous one; see `run`."""
    backprops = []
    for layer in layers:
        X, backprop_layer = run(layer, X, is_train)
        backprops.append(backprop_layer)
    return X, in_reverse(backprops)


def in_reverse(backprops: list[Backprop]) -> Backprop:
    """The backward pass of steps that ran one after the other."""

    def backprop(gradient: Any) -> Any:
        for backprop_step in reversed(backprops):
            gradient = backprop_step(gradient)
        return gradient

    return backprop


def split_encoders(tok2vec: Model[Any, Any]) -> tuple[Model[Any, Any], list[Model[Any, Any]]]:
    """The part that reads documents, and the encoders of this package that follow it.

    If a model does not end in such encoders, the first part is the whole model and the list is
    empty.
    """
    encoders = tok2vec.layers[1:] if tok2vec._func is chain_forward else []
    if not all(encoder._func is packed.forward for encoder in encoders):
        return tok2vec, []
    return (tok2vec.layers[0], encoders) if encoders else (tok2vec, [])


def _run_chain(model: Model[Any, Any], X: Any, is_train: bool) -> tuple[Any, Backprop]:
    return run_in_turn(model.layers, X, is_train)


def _run_encoder(model: Model[Any, Any], X: Any, is_train: bool) -> tuple[Any, Backprop]:
    """Run a layer made by `with_packed`."""
    if isinstance(X, Packed):
        return packed.forward_packed(model, X, is_train)
    if not isinstance(X, list):
        return packed.forward(model, X, is_train)
    pack_list = pack if is_train else pack_distinct
    Y, backprop = packed.forward_packed(model, pack_list(model.ops, X), is_train)
    return Y, in_reverse([partial(unpack, model.ops), backprop])


# What a layer runs between layers of this package, by its public forward function. Modules with
# layers that read documents register theirs.
FORWARD_WITHIN: dict[Forward, RunWithin] = {
    chain_forward: _run_chain,
    packed.forward: _run_encoder,
}
