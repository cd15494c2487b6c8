"""The states of a language model as features of tokens.

Peters et al. 2017; of characters Akbik et al. 2018.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.tokens import Doc
from thinc.api import Model, Ops

from ..batch.composition import FORWARD_WITHIN, in_reverse, run_on_docs, run_packed
from ..batch.docs import DocBatch
from ..batch.no_backprop import no_backprop
from ..batch.packed import Packed, take_rows
from ..batch.packing import make_packing
from ..config_errors import ConfigError
from ..heads.common import init_tok2vec
from ..rnn.dropout import locked_dropout
from ..saved.layers import describe_layer, output_width
from ..saved.shapes import Layer
from ..types import Backprop, Floats2d
from .find import find_language_model
from .shared import origin_of
from .units import CHARACTERS, in_units

Embedder = Model[list[Doc], list[Floats2d]]


def lm_features(
    tok2vec: Embedder, *, unit: str, source: str | None, frozen: bool, dropout: float
) -> Embedder:
    """Token features from the encoder of a language model; see `LMEmbed`."""
    return Layer(
        "lm_features",
        forward,
        init=init,
        layers=[tok2vec],
        dims={"nO": None},
        attrs={"unit": unit, "source": source, "frozen": frozen, "dropout": dropout},
    )


def forward(model: Embedder, docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Backprop]:
    return run_on_docs(forward_packed, model, docs, is_train)


def forward_packed(
    model: Embedder, batch: DocBatch, is_train: bool
) -> tuple[Packed, Callable[[Packed], list[Doc]]]:
    frozen, rate = model.attrs["frozen"], model.attrs["dropout"]
    if is_train and not frozen:
        Y, backprop_states = _states(model, batch, is_train)
    else:  # an ensemble shares them
        Y, _ = batch.once((forward, id(model)), partial(_states, model, batch, is_train=False))
        backprop_states = (lambda dY: []) if is_train else no_backprop
    if not (is_train and rate):
        return Y, backprop_states
    dropped, backprop_dropout = locked_dropout(model.ops, Y, rate)
    return dropped, in_reverse([backprop_states, backprop_dropout])


def width_of(model: Embedder, width: int | None) -> int | None:
    """The width of the states."""
    return output_width(model.layers[0], None)


describe_layer(forward, width=width_of, fixed_attrs=["unit"])
FORWARD_WITHIN[forward] = forward_packed


def _states(model: Embedder, batch: DocBatch, is_train: bool) -> tuple[Packed, Backprop]:
    """The states of the language model at each token."""
    if model.attrs["unit"] != CHARACTERS:
        return run_packed(model.layers[0], batch, is_train)
    read = DocBatch(in_units(batch.docs, CHARACTERS))
    Y, backprop_read = run_packed(model.layers[0], read, is_train)
    at_tokens, backprop_pick = _at_tokens(model.ops, Y, batch)
    return at_tokens, in_reverse([backprop_read, backprop_pick])


def share_frozen(models: list[Model[Any, Any]]) -> None:
    """Let models have one copy of each frozen language model, which then runs once for all."""
    first: dict[Any, Model[Any, Any]] = {}
    for model in models:
        for node in list(model.walk()):
            if node._func is forward and node.attrs["frozen"] and node.attrs["source"]:
                shared = first.setdefault(_described(node), node)
                if shared is not node:
                    model.replace_node(node, shared)


def _described(features: Embedder) -> Any:
    """What features of the same source have in common, if they are the same."""
    layers = list(features.layers[0].walk())
    sizes = [[(dim, layer.maybe_get_dim(dim)) for dim in layer.dim_names] for layer in layers]
    return repr((sorted(features.attrs.items()), [layer.name for layer in layers], sizes))


def _at_tokens(ops: Ops, X: Packed, batch: DocBatch) -> tuple[Packed, Callable[[Packed], Packed]]:
    """The states of characters at each token: at its last one, and back at its first one.

    X: of both directions, of each character. Shape (n_characters, width).
    """
    packing = make_packing(batch.lengths)
    begins, ends = [], []
    first = 0
    for doc, n_characters in zip(batch.docs, X.packing.lengths.tolist(), strict=True):
        starts = np.asarray([token.idx for token in doc], dtype="int64") + first
        lengths = np.asarray([len(token) for token in doc], dtype="int64")
        begins.append(starts)
        ends.append(starts + lengths - 1)
        first += n_characters
    half = X.width // 2
    # Characters of tokens, of the batch as it is packed; shape (n_tokens,) each
    rows = [
        X.packing.from_packed[np.concatenate(at)][packing.to_packed] if at else np.zeros(0, int)
        for at in (ends, begins)
    ]
    data = X.data
    parts = [take_rows(ops, data, at)[:, i * half : (i + 1) * half] for i, at in enumerate(rows)]

    def backprop(dY: Packed) -> Packed:
        dX = ops.alloc2f(X.packing.n_tokens, X.width)
        for i, at in enumerate(rows):
            columns = slice(i * half, (i + 1) * half)
            dX[ops.xp.asarray(at), columns] = dY.data[:, columns]  # tokens share no character
        return Packed(dX, X.packing)

    return Packed(ops.xp.hstack(parts), packing), backprop


def init(model: Embedder, X: list[Doc] | None = None, Y: list[Floats2d] | None = None) -> None:
    tok2vec, unit = model.layers[0], model.attrs["unit"]
    width = init_tok2vec(tok2vec, None if X is None else in_units(X, unit))
    model.set_dim("nO", width)
    if model.attrs["source"] is not None:
        _copy_weights(tok2vec, model.attrs["source"], unit)


def _copy_weights(tok2vec: Embedder, source: str, unit: str) -> None:
    """Copy the weights of a saved language model.

    Raises ConfigError if there is none, or it differs from the config.
    """
    if not (source.strip() and Path(source).exists()) and not spacy.util.is_package(source):
        raise ConfigError(
            "source",
            source,
            f"`source = {source!r}` is not a pipeline: name the folder or package of one with a "
            "language model.",
        )
    nlp = spacy.load(source)
    component = find_language_model(nlp)
    if component.unit != unit:
        raise ConfigError(
            "unit",
            unit,
            f"`unit = {unit!r}`, but the language model of '{source}' reads {component.unit}: set "
            "it to that.",
        )
    try:
        tok2vec.from_bytes(origin_of(component.model.get_ref("tok2vec"), nlp).to_bytes())
    except ValueError as error:
        raise ConfigError(
            "tok2vec",
            None,
            f"`tok2vec` differs from that of the language model in '{source}': copy the block from "
            f"its config ({error}).",
        ) from error
