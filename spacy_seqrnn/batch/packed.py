"""Token features of a batch in the packed layout, and layers that work on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model, Ops, get_width
from thinc.types import Ragged
from thinc.util import get_array_module

from ..config_errors import ConfigError
from ..saved.shapes import Layer
from ..types import Floats2d
from .packing import Packing, make_packing, split_docs


@dataclass(frozen=True)
class DistinctRows:
    """What token features are copies of: `rows[index]`.

    rows: Shape (n_rows, width).
    index: the row of each token. Shape (n_tokens,).
    """

    rows: Floats2d
    index: np.ndarray


class Packed:
    """Token features of a batch in the packed layout."""

    def __init__(
        self,
        data: Floats2d | None,
        packing: Packing,
        distinct: DistinctRows | None = None,
    ) -> None:
        """data: Shape (n_tokens, width). None: only `distinct` is known yet.
        packing: the layout.
        distinct: what the features are copies of, if that is known; the index is packed too.
        """
        self._data = data
        self.packing = packing
        self.distinct = distinct

    @property
    def data(self) -> Floats2d:
        """The features of all tokens. Shape (n_tokens, width)."""
        if self._data is None and self.distinct is not None:
            xp = get_array_module(self.distinct.rows)
            self._data = self.distinct.rows[xp.asarray(self.distinct.index)]
        return self._data

    def take(self, rows: np.ndarray, lengths: np.ndarray) -> "Packed":
        """Some of the tokens, as a batch of their own.

        rows: their doc-major numbers, one window after the other. Shape (n_taken,).
        lengths: tokens of each window. Shape (n_windows,).
        """
        packing = make_packing(lengths)
        rows = self.packing.from_packed[rows][packing.to_packed]
        if self.distinct is None:
            return Packed(self.data[get_array_module(self.data).asarray(rows)], packing)
        used, index = np.unique(self.distinct.index[rows], return_inverse=True)
        xp = get_array_module(self.distinct.rows)
        return Packed(None, packing, DistinctRows(self.distinct.rows[xp.asarray(used)], index))


def take_rows(ops: Ops, X: Floats2d, rows: np.ndarray) -> Floats2d:
    """`X[rows]` with host indices for an array on any device."""
    return X[ops.xp.asarray(rows)]


class TokenRows(list[Floats2d]):
    """Token vectors as spaCy's layers exchange them, one array per document, and in one piece.

    The arrays are views of `rows`. A layer of this package that gets such a list does not put
    together again what the layer before it took apart; any other layer sees a list.

    rows: all of them, doc-major. Shape (n_tokens, width).
    packing: the layout.
    packed: the same rows in packed order, if they have been in it.
    distinct: what the rows are copies of, if that is known; the index is doc-major.
    """

    def __init__(
        self,
        rows: Floats2d,
        packing: Packing,
        packed: Floats2d | None = None,
        distinct: DistinctRows | None = None,
    ) -> None:
        super().__init__(split_docs(rows, packing.lengths))
        self.rows = rows
        self.packing = packing
        self.packed = packed
        self.distinct = distinct


def unpack(ops: Ops, X: Packed) -> TokenRows:
    """From the packed layout to one array per document."""
    return TokenRows(take_rows(ops, X.data, X.packing.from_packed), X.packing, X.data)


def pack(ops: Ops, Xs: list[Floats2d]) -> Packed:
    """From one array per document to the packed layout."""
    if not isinstance(Xs, TokenRows):
        packing = make_packing([len(X) for X in Xs])
        return Packed(take_rows(ops, join(ops, Xs), packing.to_packed), packing)
    to_packed = Xs.packing.to_packed
    data = take_rows(ops, Xs.rows, to_packed) if Xs.packed is None else Xs.packed
    if Xs.distinct is None:
        return Packed(data, Xs.packing)
    distinct = DistinctRows(Xs.distinct.rows, Xs.distinct.index[to_packed])
    return Packed(data, Xs.packing, distinct)


def predict_packed(model: Model, docs: list[Doc]) -> Packed:
    """The token vectors that a model predicts, packed.

    An embedding and an encoder of this package hand them on as they are, without one array for each
    document in between, which spaCy's layers would need.
    """
    if "predict_packed" in model.attrs:
        return model.attrs["predict_packed"](model, docs)
    embed, encoders = split_encoders(model)
    if not encoders or not any(map(len, docs)):
        return pack(model.ops, model.predict(docs))
    return encode(encoders, predict_packed(embed, docs), is_train=False)[0]


def split_encoders(tok2vec: Model) -> tuple[Model, list[Model]]:
    """What reads documents, and the encoders of this package that read the vectors it gives.

    A model that does not end in such encoders is whole, and the list empty.
    """
    is_chain = tok2vec.name == ">>".join(layer.name for layer in tok2vec.layers)
    if is_chain and all("reads_packed" in encoder.attrs for encoder in tok2vec.layers[1:]):
        return tok2vec.layers[0], tok2vec.layers[1:]
    return tok2vec, []


def encode(
    encoders: list[Model], X: Packed, is_train: bool
) -> tuple[Packed, Callable[[Packed], Packed]]:
    """Run encoders that `split_encoders` has found, one after the other."""
    backprops = []
    for encoder in encoders:
        X, backprop_encoder = encoder.layers[0](X, is_train)
        backprops.append(backprop_encoder)

    def backprop(dX: Packed) -> Packed:
        for backprop_encoder in reversed(backprops):
            dX = backprop_encoder(dX)
        return dX

    return X, backprop


def join(ops: Ops, Xs: list[Floats2d]) -> Floats2d:
    """All rows, doc-major."""
    if isinstance(Xs, TokenRows):
        return Xs.rows
    return ops.xp.concatenate(Xs, axis=0) if Xs else ops.alloc2f(0, 0)


SeqT = TypeVar("SeqT", list[Floats2d], Ragged)


def with_packed(layer: Model[Packed, Packed]) -> Model[SeqT, SeqT]:
    """Run a layer that works on the packed layout over spaCy's lists of token arrays or `Ragged`.

    layer: maps `Packed` of shape (n_tokens, nI) to `Packed` of shape (n_tokens, nO).
    Returns a model from one (n_tokens_in_doc, nI) array per document to one
    (n_tokens_in_doc, nO) array per document, or from `Ragged` to `Ragged` with the same meaning.
    """
    return Layer(
        f"with_packed({layer.name})",
        forward,
        init=init,
        layers=[layer],
        dims={"nI": layer.maybe_get_dim("nI"), "nO": layer.maybe_get_dim("nO")},
        attrs={"reads_packed": True},
    )


def forward(model: Model[SeqT, SeqT], Xseq: SeqT, is_train: bool) -> tuple[SeqT, Callable]:
    if not isinstance(Xseq, Ragged):
        return _forward_list(model, Xseq, is_train)
    rows = TokenRows(Xseq.dataXd, make_packing(model.ops.to_numpy(Xseq.lengths)))
    Ys, backprop_list = _forward_list(model, rows, is_train)

    def backprop(dY: Ragged) -> Ragged:
        dXs = backprop_list(TokenRows(dY.dataXd, rows.packing))
        return Ragged(join(model.ops, dXs), dY.lengths)

    return Ragged(join(model.ops, Ys), Xseq.lengths), backprop


def _forward_list(
    model: Model, Xs: list[Floats2d], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Floats2d]]]:
    ops = model.ops
    X = pack(ops, Xs)
    if X.packing.n_tokens == 0:
        empty = TokenRows(ops.alloc2f(0, model.get_dim("nO")), X.packing)
        return empty, lambda dYs: TokenRows(ops.alloc2f(*X.data.shape), X.packing)
    Y, backprop_layer = model.layers[0](X, is_train)

    def backprop(dYs: list[Floats2d]) -> list[Floats2d]:
        return unpack(ops, backprop_layer(pack(ops, dYs)))

    return unpack(ops, Y), backprop


def init(model: Model[SeqT, SeqT], X: SeqT | None = None, Y: SeqT | None = None) -> None:
    layer = model.layers[0]
    if hasattr(X, "ndim"):
        raise ConfigError(
            "@architectures",
            None,
            f"'{model.name}' encodes documents, but gets the tokens of all of them as one: name it "
            'as `encode` of `@architectures = "spacy.Tok2Vec.v2"`.',
        )
    if X:
        if isinstance(X, list) and isinstance(X[0], Doc):
            raise ConfigError(
                "@architectures",
                None,
                f"'{model.name}' encodes token vectors, but gets documents: name it as `encode` of "
                '`@architectures = "spacy.Tok2Vec.v2"`, behind an embedding.',
            )
        layer.set_dim("nI", get_width(X))
    layer.initialize()
    for name in ("nI", "nO"):
        model.set_dim(name, layer.get_dim(name))
