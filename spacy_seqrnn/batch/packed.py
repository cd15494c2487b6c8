"""Token features of a batch in the packed layout, and layers that work on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model, Ops, get_width
from thinc.types import Ragged
from thinc.util import get_array_module

from ..config_errors import ConfigError
from ..saved.layers import describe_layer, in_turn
from ..saved.shapes import Layer
from ..types import Floats2d, Ints1d
from .distinct import DistinctRows, find_distinct
from .packing import Packing, make_packing, split_docs

FEWEST_DOCS = 32  # with fewer documents, repeated rows are not looked for


@dataclass(frozen=True, eq=False)
class Packed:
    """Token features of a batch in the packed layout.

    features: of each token, shape (n_tokens, width), or the distinct rows that they copy, with a
        packed index. They are stored nowhere else.
    packing: the layout.
    """

    features: Floats2d | DistinctRows
    packing: Packing

    @property
    def distinct(self) -> DistinctRows | None:
        """The distinct rows that the features copy, if known."""
        return self.features if isinstance(self.features, DistinctRows) else None

    @property
    def data(self) -> Floats2d:
        """The features of all tokens, expanded from distinct rows. Shape (n_tokens, width)."""
        return self.features if self.distinct is None else self.rows(slice(None))

    @property
    def width(self) -> int:
        """The number of features per token."""
        X = self.features
        width: int = (X.rows if isinstance(X, DistinctRows) else X).shape[1]
        return width

    def rows(self, numbers: np.ndarray | slice) -> Floats2d:
        """The features of some tokens. Shape (n_taken, width).

        numbers: their packed rows.
        """
        X = self.features
        if isinstance(X, DistinctRows):
            X, numbers = X.rows, X.index[numbers]
        return _take(X, numbers)

    def doc_major(self) -> Floats2d:
        """The features of all tokens, document by document. Shape (n_tokens, width)."""
        return self.rows(self.packing.from_packed)

    def take(self, numbers: np.ndarray, lengths: np.ndarray) -> "Packed":
        """Some of the tokens, as a batch of their own.

        numbers: their document-major rows, one window after the other. Shape (n_taken,).
        lengths: tokens of each window. Shape (n_windows,).
        """
        packing = make_packing(lengths)
        numbers = self.packing.from_packed[numbers][packing.to_packed]  # packed rows, (n_taken,)
        if self.distinct is None:
            return Packed(self.rows(numbers), packing)
        used, index = np.unique(self.distinct.index[numbers], return_inverse=True)
        return Packed(DistinctRows(_take(self.distinct.rows, used), index), packing)


def _take(X: Floats2d, rows: Any) -> Floats2d:
    return X[get_array_module(X).asarray(rows)]


def take_rows(ops: Ops, X: Floats2d, rows: np.ndarray) -> Floats2d:
    """`X[rows]` with indices on the host, for an array on any device."""
    return X[ops.xp.asarray(rows)]


SeqT = TypeVar("SeqT", list[Floats2d], Ragged)


def pack(ops: Ops, X: list[Floats2d] | Ragged) -> Packed:
    """Convert one array per document, or one for all of them, to the packed layout."""
    rows, packing = _laid_out(ops, X)
    return Packed(take_rows(ops, rows, packing.to_packed), packing)


def pack_distinct(ops: Ops, X: list[Floats2d] | Ragged) -> Packed:
    """The same for a layer that predicts faster if it knows which rows are equal."""
    rows, packing = _laid_out(ops, X)
    worth_it = isinstance(X, list) and packing.n_sequences >= FEWEST_DOCS
    distinct = find_distinct(rows) if worth_it else None
    if distinct is None:
        return Packed(take_rows(ops, rows, packing.to_packed), packing)
    return Packed(DistinctRows(distinct.rows, distinct.index[packing.to_packed]), packing)


def _laid_out(ops: Ops, X: list[Floats2d] | Ragged) -> tuple[Floats2d, Packing]:
    if isinstance(X, Ragged):
        return X.dataXd, make_packing(ops.to_numpy(X.lengths))
    return join(ops, X), make_packing([len(one) for one in X])


def unpack(ops: Ops, X: Packed) -> list[Floats2d]:
    """Convert the packed layout to one array per document; these are views of one array."""
    return split_docs(X.doc_major(), X.packing.lengths)


def unpack_ragged(ops: Ops, X: Packed) -> Ragged:
    """Convert the packed layout to one array for all documents."""
    lengths: Ints1d = X.packing.lengths
    return Ragged(X.doc_major(), ops.asarray1i(lengths))


def join(ops: Ops, Xs: list[Floats2d]) -> Floats2d:
    """All rows, document-major."""
    return ops.xp.concatenate(Xs, axis=0) if Xs else ops.alloc2f(0, 0)


def with_packed(layer: Model[Packed, Packed]) -> Model[SeqT, SeqT]:
    """Run a layer that works on the packed layout over spaCy's lists of token arrays or `Ragged`.

    layer: maps `Packed` of shape (n_tokens, nI) to `Packed` of shape (n_tokens, nO).
    Returns a model that maps one (n_tokens_in_doc, nI) array per document to one
    (n_tokens_in_doc, nO) array per document, or `Ragged` to `Ragged` in the same way. Between
    layers of this package it maps `Packed` to `Packed`.
    """
    return Layer(
        f"with_packed({layer.name})",
        forward,
        init=init,
        layers=[layer],
        dims={"nI": layer.maybe_get_dim("nI"), "nO": layer.maybe_get_dim("nO")},
    )


def forward(
    model: Model[SeqT, SeqT], Xseq: SeqT, is_train: bool
) -> tuple[SeqT, Callable[[SeqT], SeqT]]:
    ops = model.ops
    restore = unpack_ragged if isinstance(Xseq, Ragged) else unpack
    X = pack(ops, Xseq) if is_train else pack_distinct(ops, Xseq)
    Y, backprop_packed = forward_packed(model, X, is_train)

    def backprop(dYseq: SeqT) -> SeqT:
        return restore(ops, backprop_packed(pack(ops, dYseq)))

    return restore(ops, Y), backprop


def forward_packed(
    model: Model[SeqT, SeqT], X: Packed, is_train: bool
) -> tuple[Packed, Callable[[Packed], Packed]]:
    """The same for input that already is in the packed layout."""
    if X.packing.n_tokens:
        return model.layers[0](X, is_train)
    empty = Packed(model.ops.alloc2f(0, model.get_dim("nO")), X.packing)
    return empty, lambda dY: Packed(model.ops.alloc2f(0, X.width), X.packing)


describe_layer(forward, width=in_turn)


def init(model: Model[SeqT, SeqT], X: SeqT | None = None, Y: SeqT | None = None) -> None:
    layer = model.layers[0]
    if hasattr(X, "ndim"):
        raise ConfigError(
            "@architectures",
            None,
            f"'{model.name}' encodes documents, but got the tokens of all of them as one: name it "
            'as `encode` of `@architectures = "spacy.Tok2Vec.v2"`.',
        )
    if X:
        if isinstance(X, list) and isinstance(X[0], Doc):
            raise ConfigError(
                "@architectures",
                None,
                f"'{model.name}' encodes token vectors, but got documents: name it as `encode` of "
                '`@architectures = "spacy.Tok2Vec.v2"`, after an embedding.',
            )
        layer.set_dim("nI", get_width(X))
    layer.initialize()
    for name in ("nI", "nO"):
        model.set_dim(name, layer.get_dim(name))
