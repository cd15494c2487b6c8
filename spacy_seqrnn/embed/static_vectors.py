"""The pipeline's word vectors as an embedding layer, frozen or with a learned correction."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from spacy.attrs import ORTH
from spacy.errors import Errors
from spacy.tokens import Doc
from spacy.vectors import Mode
from thinc.api import Model
from thinc.types import Ragged

from ..batch.composition import FORWARD_WITHIN
from ..batch.docs import DocBatch, check_docs
from ..batch.packing import split_docs
from ..saved.layers import describe_layer
from ..saved.shapes import Layer
from ..types import Floats2d, Ints1d
from .known_vectors import check_known, check_vectors, know_vectors, vectors_attrs
from .word_rows import add_word_rows, block_shape, check_word_rows, word_row_attrs

WordVectors: TypeAlias = Model[list[Doc], list[Floats2d]]


def word_vectors(*, correction_rows: int, correction_scale: float = 1.0) -> WordVectors:
    """Look words up in the vocab's vectors; a word without a vector has zeros.

    correction_rows: the most words that get a learned correction, which is added to their vector;
        the vector itself does not change (Qi et al. 2020). Corrections start at zero. The first
        words in the training data get one; later words, and words met after training, have none.
    correction_scale: what the learned numbers are multiplied by, in (0, 1].

    Raises ValueError on initialisation and use if there are no vectors, or if their width differs
    from that of the vectors in training; see `known_vectors`.
    """
    return Layer(
        "word_vectors",
        forward,
        init=init,
        dims={"nO": None},
        attrs={
            **word_row_attrs(correction_rows),
            "correction_scale": correction_scale,
            **vectors_attrs(),
            # spaCy does not save the attribute that its vectors are looked up by, so the layer
            # remembers it from its initialisation.
            "vectors_attr": None,
        },
    )


def forward(
    model: WordVectors, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    Y, backprop_words = forward_words(model, DocBatch(docs), is_train)
    lengths: Ints1d = Y.lengths

    def backprop(dYs: list[Floats2d]) -> list[Doc]:
        dY = model.ops.xp.concatenate(dYs, axis=0)
        return backprop_words(Ragged(dY, lengths))

    return split_docs(Y.dataXd, lengths), backprop


def forward_words(
    model: WordVectors, batch: DocBatch, is_train: bool
) -> tuple[Ragged, Callable[[Ragged], list[Doc]]]:
    """The vectors of all words. Vectors that several models ask for are looked up only once."""
    vocab = batch.docs[0].vocab
    check_vectors(model, batch, is_train=is_train)
    attr = model.attrs["vectors_attr"] or vectors_attr(vocab)

    def find() -> tuple[Ints1d, Floats2d]:
        keys = np.concatenate([doc.to_array(attr) for doc in batch.docs])
        return keys, look_up(model, vocab.vectors, keys)

    keys, found = batch.once(("word vectors", attr), find)
    Y = found.copy()  # a copy, as corrections are added to it
    scale = model.attrs["correction_scale"]
    backprop_rows = add_word_rows(model, keys, Y, is_train, scale=scale)

    def backprop(dY: Ragged) -> list[Doc]:
        backprop_rows(dY.dataXd)
        return []

    return Ragged(Y, model.ops.asarray1i(batch.lengths)), backprop


FORWARD_WITHIN[forward] = forward_words


def check(model: WordVectors) -> None:
    """Raise ValueError if saved corrections, or the digest of their vectors, are not valid."""
    check_word_rows(model)
    check_known(model)


describe_layer(forward, param_shapes=block_shape, check=check)


def look_up(model: WordVectors, vectors: Any, keys: Ints1d) -> Floats2d:
    """The vectors of the given keys. Shape (n_keys, width)."""
    if not vectors.shape[1]:
        raise ValueError(Errors.E896)
    if getattr(vectors, "mode", None) != Mode.default:
        return model.ops.asarray2f(vectors.get_batch(keys))
    rows = vectors.find(keys=keys)
    found = model.ops.asarray2f(vectors.data[rows])
    found[rows < 0] = 0.0
    return found


def vectors_attr(vocab: Any) -> int:
    """The attribute that the vocab's vectors are looked up by."""
    attr: int = getattr(vocab.vectors, "attr", ORTH)
    return attr


def init(model: WordVectors, X: list[Doc] | None = None, Y: Any = None) -> None:
    check_docs(model.name, X)
    if X:
        know_vectors(model, X)
        model.set_dim("nO", X[0].vocab.vectors.shape[1])
        model.attrs["vectors_attr"] = vectors_attr(X[0].vocab)
