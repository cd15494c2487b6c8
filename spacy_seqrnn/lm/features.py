"""The states of a language model as features of tokens.

Peters et al. 2017; of characters Akbik et al. 2018.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import spacy
from spacy.tokens import Doc
from thinc.api import Model, Ops

from ..batch.composition import FORWARD_WITHIN, in_reverse, run_packed
from ..batch.docs import DocBatch
from ..batch.no_backprop import no_backprop
from ..batch.packed import Packed, pack, take_rows, unpack
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
    Y, backprop = forward_packed(model, DocBatch(docs), is_train)
    return unpack(model.ops, Y), in_reverse([backprop, partial(pack, model.ops)])


def forward_packed(
    model: Embedder, batch: DocBatch, is_train: bool
) -> tuple[Packed, Callable[[Packed], list[Doc]]]:
    frozen, rate = model.attrs["frozen"], model.attrs["dropout"]
    learns = is_train and not frozen
    characters = model.attrs["unit"] == CHARACTERS
    read = DocBatch(in_units(batch.docs, CHARACTERS)) if characters else batch
    Y, backprop_read = run_packed(model.layers[0], read, learns)
    backprops: list[Backprop] = [backprop_read]
    if characters:
        Y, backprop_pick = _at_tokens(model.ops, Y, batch)
        backprops.append(backprop_pick)
    if is_train and rate:
        Y, backprop_dropout = locked_dropout(model.ops, Y, rate)
        backprops.append(backprop_dropout)
    if is_train and frozen:
        return Y, lambda dY: []
    return Y, in_reverse(backprops) if learns else no_backprop


def width_of(model: Embedder, width: int | None) -> int | None:
    """The width of the states."""
    return output_width(model.layers[0], None)


describe_layer(forward, width=width_of, fixed_attrs=["unit"])
FORWARD_WITHIN[forward] = forward_packed


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
