"""Batches and documents of any size in pieces that fit into memory.

An embedding always reads whole documents: it may look at anything that a document has. A recurrent
encoder reads one that is too long in windows of its token vectors. Each begins and ends in tokens
that are read for context alone and thrown away, so that the encoder has forgotten that it did not
begin at the beginning: its states at the tokens that are kept are those of the whole document but
for an error that shrinks with every token of context.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model, Ops

from ..types import Backprop, Floats2d
from .composition import in_reverse, run_in_turn, run_packed, split_encoders
from .docs import DocBatch
from .packed import Packed


@dataclass(frozen=True)
class Limits:
    """How much is read at once, in tokens.

    piece: of a piece. More need more memory and are no faster.
    window: of a window that are kept; documents that are no longer than it and its context are read
        as a whole.
    context: for context on either side of them.
    """

    piece: int
    window: int
    context: int

    @property
    def longest(self) -> int:
        """Tokens of the longest document that is read as a whole."""
        return self.window + 2 * self.context


PREDICTION = Limits(piece=50_000, window=5_000, context=1_000)
# Training keeps about 25 kB of a token for the backward pass. Windows are read beside each other,
# which is faster than one long one, and gradients hardly reach as far.
TRAINING = Limits(piece=10_000, window=1_000, context=200)


@dataclass(frozen=True)
class Piece:
    """Documents and windows of documents that are read at once.

    All arrays have one number for each of them, shape (n_windows,).

    docs: the document that it is of.
    firsts: its first token, among all tokens of the batch.
    lengths: its tokens.
    begins, ends: from which of them to before which they are kept.
    """

    docs: np.ndarray
    firsts: np.ndarray
    lengths: np.ndarray
    begins: np.ndarray
    ends: np.ndarray

    def docs_of(self, docs: list[Doc]) -> list[Doc]:
        """Its documents, among those of the batch."""
        return [docs[i] for i in self.docs.tolist()]

    @cached_property
    def rows(self) -> np.ndarray:
        """The number of each token that is read, among all of the batch. Shape (n_read,)."""
        rows: np.ndarray = np.repeat(self.firsts, self.lengths) + self._within
        return rows

    @cached_property
    def kept(self) -> np.ndarray:
        """Whether each token that is read counts. Booleans, shape (n_read,)."""
        begins, ends = (np.repeat(values, self.lengths) for values in (self.begins, self.ends))
        return (self._within >= begins) & (self._within < ends)

    @cached_property
    def _within(self) -> np.ndarray:
        """The number of each token within its window. Shape (n_read,)."""
        starts = np.cumsum(self.lengths) - self.lengths
        within: np.ndarray = np.arange(self.lengths.sum()) - np.repeat(starts, self.lengths)
        return within


# A piece, what a model gives for it, and the backward pass
InPiece: TypeAlias = tuple[Piece, Any, Backprop]


def prediction_pieces(lengths: list[int], *, cut: bool) -> list[Piece]:
    """What a batch is read in: all its tokens, in order, each kept in one piece.

    lengths: tokens of each document.
    cut: whether to read long documents in windows; else each is in one piece as a whole.
    """
    return _pieces(np.asarray(lengths, dtype="int64"), PREDICTION, cut)


def training_pieces(tok2vecs: list[Model[Any, Any]], docs: list[Doc]) -> list[Piece]:
    """What models with these token vectors are trained on in turn, as a rule all of it at once.

    What listens to a shared tok2vec gets the batch whole, as the tok2vec has read it. Documents
    are cut only where the encoders of all are of this package.
    """
    lengths = np.asarray([len(doc) for doc in docs], dtype="int64")
    if any(map(listens, tok2vecs)):
        return [_whole(lengths)]
    return _pieces(lengths, TRAINING, cut=all(split_encoders(each)[1] for each in tok2vecs))


def are_cut(parts: list[Piece], n_docs: int) -> bool:
    """Whether any of so many documents is read in windows."""
    return sum(len(piece.docs) for piece in parts) > n_docs


def run_in_pieces(
    model: Model[Any, Any],
    tok2vecs: list[Model[Any, Any]],
    docs: list[Doc],
    is_train: bool,
    run_windows: Callable[[Model[Any, Any], DocBatch, list[Piece], bool], Iterator[InPiece]],
) -> Iterator[InPiece]:
    """Run a model on a batch of any size, in pieces that are small enough for training.

    tok2vecs: those of the model.
    run_windows: what runs the model, given (model, batch, pieces, is_train), if documents are cut.

    Yields each piece of the batch, what the model gives for it, and its backward pass. The
    gradients add up. That of what has been embedded once for all pieces is passed back when the
    last of them is done, so the iterator has to be used to its end.
    """
    parts = training_pieces(tok2vecs, docs)
    if are_cut(parts, len(docs)):
        yield from run_windows(model, DocBatch(docs), parts, is_train)
        return
    for piece in parts:
        yield piece, *model(piece.docs_of(docs), is_train)


def _pieces(lengths: np.ndarray, limits: Limits, cut: bool) -> list[Piece]:
    windows = _windows(lengths, limits) if cut else _whole(lengths)
    if windows.lengths.sum() <= limits.piece:
        return [windows]
    # A piece takes what comes next as long as there is room for it.
    bounds, room = [0], limits.piece
    for number, length in enumerate(windows.lengths.tolist()):
        if length > room and number > bounds[-1]:
            bounds.append(number)
            room = limits.piece
        room -= length
    ends = [*bounds[1:], len(windows.lengths)]
    return [_part(windows, slice(*bound)) for bound in zip(bounds, ends, strict=True)]


def _whole(lengths: np.ndarray) -> Piece:
    firsts = np.cumsum(lengths) - lengths
    return Piece(np.arange(len(lengths)), firsts, lengths, np.zeros_like(lengths), lengths)


def _windows(lengths: np.ndarray, limits: Limits) -> Piece:
    """All windows of all documents; a document that is short enough is one."""
    long = lengths > limits.longest
    if not long.any():
        return _whole(lengths)
    n_windows = np.where(long, -(-lengths // limits.window), 1)
    docs = np.repeat(np.arange(len(lengths)), n_windows)
    number = np.arange(len(docs)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    of_doc, long = lengths[docs], long[docs]
    starts = number * limits.window  # of what is kept, in the document
    stops = np.where(long, np.minimum(starts + limits.window, of_doc), of_doc)
    begins = np.maximum(starts - limits.context, 0)
    ends = np.minimum(stops + limits.context, of_doc)
    firsts = (np.cumsum(lengths) - lengths)[docs] + begins
    return Piece(docs, firsts, ends - begins, starts - begins, stops - begins)


def _part(windows: Piece, part: slice) -> Piece:
    fields = ("docs", "firsts", "lengths", "begins", "ends")
    return Piece(*(getattr(windows, field)[part] for field in fields))


def listens(model: Model[Any, Any]) -> bool:
    """Whether a model takes token vectors from a component before it."""
    return any(hasattr(node, "upstream_name") for node in model.walk())


def encode_pieces(
    tok2vec: Model[list[Doc], list[Floats2d]], batch: DocBatch, parts: list[Piece], is_train: bool
) -> Iterator[tuple[Piece, Packed, Callable[[Packed], None]]]:
    """Token vectors by an encoder of this package: embed documents as a whole, then read pieces.

    Yields each piece, its token vectors and their backward pass. The embedding's runs when the last
    piece is done, so the iterator has to be used to its end.
    """
    ops = tok2vec.ops
    embed, encoders = split_encoders(tok2vec)
    X, backprop_embed = run_packed(embed, batch, is_train)
    gradient = Packed(ops.alloc2f(X.packing.n_tokens if is_train else 0, X.width), X.packing)
    for piece in parts:
        Y, backprop_encoders = run_in_turn(encoders, X.take(piece.rows, piece.lengths), is_train)
        yield piece, Y, in_reverse([partial(add_gradient, ops, gradient, piece), backprop_encoders])
    del X, Y  # of a very long document each copy is dear
    if is_train:
        backprop_embed(gradient)


def predict_pieces(
    tok2vec: Model[list[Doc], list[Floats2d]], batch: DocBatch
) -> Iterator[tuple[Piece, Packed]]:
    """Token vectors in prediction, piece by piece: they need most of the memory."""
    _, encoders = split_encoders(tok2vec)
    parts = prediction_pieces(batch.lengths, cut=bool(encoders))
    if len(parts) == 1 and not are_cut(parts, len(batch.docs)):
        yield parts[0], run_packed(tok2vec, batch, is_train=False)[0]
    elif encoders:
        for piece, X, _ in encode_pieces(tok2vec, batch, parts, is_train=False):
            yield piece, X
    else:
        for piece in parts:
            docs = piece.docs_of(batch.docs)
            yield piece, run_packed(tok2vec, DocBatch(docs), is_train=False)[0]


def encode_random_windows(
    tok2vec: Model[list[Doc], list[Floats2d]], batch: DocBatch
) -> tuple[Packed, Callable[[Packed], list[Doc]]]:
    """Token vectors in training, of long documents those of a window from a random token on.

    It is for models that need all token vectors at once for the backward pass, and bounds what
    the recurrence keeps for it. Where the encoder is none of this package, nothing is cut.
    """
    _, encoders = split_encoders(tok2vec)
    if not encoders or max(batch.lengths) <= PREDICTION.longest:
        return run_packed(tok2vec, batch, is_train=True)
    pieces = encode_pieces(tok2vec, batch, [random_windows(batch.lengths)], is_train=True)
    _, Y, backprop_piece = next(pieces)

    def backprop(dY: Packed) -> list[Doc]:
        backprop_piece(dY)
        for _ in pieces:  # runs the embedding's backward pass
            pass
        return []

    return Y, backprop


def random_windows(lengths: list[int]) -> Piece:
    """A window of each long document, which begins at a random token, and the others as they are.

    lengths: tokens of each document.
    """
    sizes = np.minimum(lengths, PREDICTION.longest)
    starts = np.random.randint(np.asarray(lengths) - sizes + 1)
    firsts = np.cumsum(lengths) - lengths + starts
    return Piece(np.arange(len(sizes)), firsts, sizes, np.zeros_like(sizes), sizes)


def add_gradient(ops: Ops, gradient: Packed, piece: Piece, dX: Packed) -> None:
    """Add that of a piece's tokens to that of the batch, where windows share their context."""
    rows = gradient.packing.from_packed[piece.rows][dX.packing.to_packed]
    ops.scatter_add(gradient.data, ops.asarray1i(rows), dX.data)
