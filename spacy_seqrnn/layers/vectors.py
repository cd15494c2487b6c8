"""The pipeline's word vectors as an embedding layer, frozen or with a learned correction."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from spacy.attrs import ORTH
from spacy.errors import Errors
from spacy.tokens import Doc
from spacy.vectors import Mode
from thinc.api import Model

from ..types import Floats2d, Ints1d
from .packed import split_docs

WordVectors: TypeAlias = Model[list[Doc], list[Floats2d]]


def word_vectors(*, correction_rows: int) -> WordVectors:
    """Look words up in the vocab's vectors; a word without a vector has zeros.

    correction_rows: if above 0, what is learnt is added to the vectors, which stay as they are
        themselves (Qi et al. 2020). It starts at zero and stands in a table of this many rows, in
        which a word has the row of its hash, so that words may share one by chance.

    Raises ValueError (E896) on initialisation and use if there are no vectors.
    """
    return Model(
        "word_vectors",
        forward,
        init=init,
        params={"correction": None} if correction_rows else {},
        dims={"nO": None},
        attrs={
            "correction_rows": correction_rows,
            # spaCy forgets on saving under which attribute its vectors are looked up, so the layer
            # remembers it from its initialisation.
            "vectors_attr": None,
        },
    )


def forward(model: WordVectors, docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Callable]:
    vocab = docs[0].vocab
    attr = model.attrs["vectors_attr"] or vectors_attr(vocab)
    keys = np.concatenate([doc.to_array(attr) for doc in docs])
    lengths = [len(doc) for doc in docs]
    Y = look_up(model, vocab.vectors, keys)
    if not model.param_names:
        return split_docs(Y, lengths), lambda dYs: []
    rows = model.ops.asarray1i((keys % model.attrs["correction_rows"]).astype("int32"))
    Y += model.get_param("correction")[rows]

    def backprop(dYs: list[Floats2d]) -> list[Doc]:
        gradient = model.ops.alloc2f(*model.get_param("correction").shape)
        model.ops.scatter_add(gradient, rows, model.ops.xp.concatenate(dYs, axis=0))
        model.inc_grad("correction", gradient)
        return []

    return split_docs(Y, lengths), backprop


def look_up(model: WordVectors, vectors: Any, keys: Ints1d) -> Floats2d:
    """The vectors of some keys, an array of its own. Shape (n_keys, width)."""
    if not vectors.shape[1]:
        raise ValueError(Errors.E896)
    if getattr(vectors, "mode", None) != Mode.default:
        return model.ops.asarray2f(vectors.get_batch(keys)).copy()
    rows = vectors.find(keys=keys)
    found = model.ops.asarray2f(vectors.data[rows])
    found[rows < 0] = 0.0
    return found


def vectors_attr(vocab: Any) -> int:
    """The attribute under which the vocab's vectors are looked up."""
    return getattr(vocab.vectors, "attr", ORTH)


def init(model: WordVectors, X: list[Doc] | None = None, Y: Any = None) -> None:
    if X:
        vectors = X[0].vocab.vectors
        if not vectors.shape[1]:
            raise ValueError(Errors.E896)
        model.set_dim("nO", vectors.shape[1])
        model.attrs["vectors_attr"] = vectors_attr(X[0].vocab)
    if model.param_names:
        shape = (model.attrs["correction_rows"], model.get_dim("nO"))
        model.set_param("correction", model.ops.alloc2f(*shape))
