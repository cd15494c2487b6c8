"""The pipeline's word vectors as an embedding layer, frozen or with a learned correction."""

from collections.abc import Callable
from dataclasses import dataclass
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

# Corrections stand in blocks of this many words. A block is made when training first needs it, so
# that the optimizer's work, which goes over all rows, grows with the words that there really are.
BLOCK_ROWS = 4096


def word_vectors(*, correction_rows: int) -> WordVectors:
    """Look words up in the vocab's vectors; a word without a vector has zeros.

    correction_rows: how many words may have a learned correction, which is added to their vector,
        itself unchanged (Qi et al. 2020). It starts at zero. Words get theirs in the order in which
        training meets them; those that come too late, or only after training, have none.

    Raises ValueError (E896) on initialisation and use if there are no vectors.
    """
    return Model(
        "word_vectors",
        forward,
        init=init,
        dims={"nO": None},
        attrs={
            "correction_rows": correction_rows,
            # The keys of the words that have a correction, ascending, and the row of each.
            "corrected_keys": np.zeros(0, dtype="uint64"),
            "corrected_rows": np.zeros(0, dtype="int64"),
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
    if is_train:
        add_words(model, keys)
    places = find_corrections(model, keys)
    for place in places:
        Y[place.tokens] += model.get_param(place.block)[place.rows]

    def backprop(dYs: list[Floats2d]) -> list[Doc]:
        dY = model.ops.xp.concatenate(dYs, axis=0)
        for place in places:
            gradient = model.ops.alloc2f(BLOCK_ROWS, dY.shape[1])
            model.ops.scatter_add(gradient, place.rows, dY[place.tokens])
            model.inc_grad(place.block, gradient)
        return []

    return split_docs(Y, lengths), backprop


@dataclass(frozen=True)
class Corrections:
    """Where the corrections of some tokens stand.

    block: the parameter that has them.
    tokens: which tokens they are for. Shape (n,).
    rows: the row of each in the block. Shape (n,), int32.
    """

    block: str
    tokens: Ints1d
    rows: Ints1d


def find_corrections(model: WordVectors, keys: np.ndarray) -> list[Corrections]:
    """The corrections that there are for the words with these keys, one entry per block."""
    known = model.attrs["corrected_keys"]
    if not len(known):
        return []
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    tokens = np.flatnonzero(known[at] == keys)
    blocks, rows = np.divmod(model.attrs["corrected_rows"][at[tokens]], BLOCK_ROWS)
    xp = model.ops.xp
    return [
        Corrections(
            block_name(block),
            xp.asarray(tokens[blocks == block]),
            model.ops.asarray1i(rows[blocks == block].astype("int32")),
        )
        for block in np.unique(blocks).tolist()
    ]


def add_words(model: WordVectors, keys: np.ndarray) -> None:
    """Give words that have no correction yet one of zero, as long as there is room."""
    known = model.attrs["corrected_keys"]
    room = model.attrs["correction_rows"] - len(known)
    if room <= 0:
        return
    distinct, first = np.unique(keys, return_index=True)
    new = keys[np.sort(first[~np.isin(distinct, known)])][:room]
    if not len(new):
        return
    keys = np.concatenate([known, new])
    rows = np.concatenate([model.attrs["corrected_rows"], np.arange(len(known), len(keys))])
    order = np.argsort(keys)
    model.attrs["corrected_keys"], model.attrs["corrected_rows"] = keys[order], rows[order]
    for block in range(len(known) // BLOCK_ROWS, (len(keys) - 1) // BLOCK_ROWS + 1):
        if not model.has_param(block_name(block)):
            model.set_param(block_name(block), model.ops.alloc2f(BLOCK_ROWS, model.get_dim("nO")))


def block_name(block: int) -> str:
    """The parameter of a block of corrections."""
    return f"corrections_{block}"


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
