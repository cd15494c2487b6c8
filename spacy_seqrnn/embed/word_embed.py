"""Word vectors that are learned with everything else, for the words of the training data."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from ..batch.docs import check_docs
from ..batch.packing import split_docs
from ..rnn.dropout import dropout_mask
from ..saved.layers import describe_layer
from ..saved.shapes import Layer
from ..types import Floats2d
from .word_rows import add_word_rows, block_shape, check_word_rows, word_row_attrs

WordEmbedding: TypeAlias = Model[list[Doc], list[Floats2d]]


def word_embed(*, width: int, attr: str, rows: int, dropout: float) -> WordEmbedding:
    """Learned word vectors; a word that does not occur in training has zeros.

    width: output width.
    attr: the attribute that identifies a word, e.g. "LOWER".
    rows: the most words that get a vector; the first ones in the training data do.
    dropout: rate at which words are treated as unknown in training, so that the rest of the network
        learns to handle unknown words.
    """
    return Layer(
        "word_embed",
        forward,
        init=init,
        dims={"nO": width},
        attrs={"columns": [attr], "word_dropout": dropout, **word_row_attrs(rows)},
    )


def forward(
    model: WordEmbedding, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    keys = np.concatenate([doc.to_array(model.attrs["columns"][0]) for doc in docs])
    Y = model.ops.alloc2f(len(keys), model.get_dim("nO"))
    backprop_rows = add_word_rows(model, keys, Y, is_train)
    rate = model.attrs["word_dropout"]
    known = dropout_mask(model.ops, (len(keys), 1), rate) > 0 if is_train and rate else None
    if known is not None:
        Y *= known

    def backprop(dYs: list[Floats2d]) -> list[Doc]:
        dY = model.ops.xp.concatenate(dYs, axis=0)
        backprop_rows(dY if known is None else dY * known)
        return []

    return split_docs(Y, [len(doc) for doc in docs]), backprop


describe_layer(forward, param_shapes=block_shape, fixed_attrs=["columns"], check=check_word_rows)


def init(model: WordEmbedding, X: list[Doc] | None = None, Y: Any = None) -> None:
    check_docs(model.name, X)
