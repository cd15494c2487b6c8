"""Batches and documents of any size, in chunks and windows that fit into memory.

An embedding always reads whole documents, because it may depend on any part of one. A recurrent
encoder reads long documents in windows of token vectors. Each window has extra tokens of context at
both ends, whose outputs are discarded. By the kept tokens, the encoder has nearly forgotten that
the window did not start where the document does: its states there are those of the whole document,
up to an error that shrinks with every token of context.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model, Ops

from ..types import Backprop, Floats2d
from .adversarial import against_the_model
from .beside import append, encoders_of, split_features
from .composition import in_reverse, run_in_turn, run_packed, split_encoders
from .docs import DocBatch
from .packed import Packed


@dataclass(frozen=True)
class Limits:
    """How much is read at once, in tokens.

    chunk: size of a chunk. Larger chunks need more memory and are no faster.
    window: kept tokens of a window; documents no longer than a window with its context are read as
        a whole.
    context: extra tokens at either end of a window.
    """

    chunk: int
    window: int
    context: int

    @property
    def longest(self) -> int:
        """Tokens of the longest document that is read as a whole."""
        return self.window + 2 * self.context


PREDICTION = Limits(chunk=50_000, window=5_000, context=1_000)
# Training keeps about 25 kB per token for the backward pass. Several windows are read side by side,
# which is faster than one long one, and gradients hardly reach further.
TRAINING = Limits(chunk=10_000, window=1_000, context=200)


@dataclass(frozen=True)
class Chunk:
    """Documents and windows of documents that are read at once.

    Every array has one number per window, shape (n_windows,); a whole document is one window.

    docs: its document.
    firsts: its first token, among all tokens of the batch.
    lengths: its tokens.
    begins, ends: its first kept token, and the one after its last kept token.
    """

    docs: np.ndarray
    firsts: np.ndarray
    lengths: np.ndarray
    begins: np.ndarray
    ends: np.ndarray

    def docs_of(self, docs: list[Doc]) -> list[Doc]:
        """The chunk's documents, among those of the batch."""
        return [docs[i] for i in self.docs.tolist()]

    @cached_property
    def rows(self) -> np.ndarray:
        """The index of each token that is read, among all tokens of the batch. Shape (n_read,)."""
        rows: np.ndarray = np.repeat(self.firsts, self.lengths) + self._within
        return rows

    @cached_property
    def kept(self) -> np.ndarray:
        """Whether each token that is read is kept. Booleans, shape (n_read,)."""
        begins, ends = (np.repeat(values, self.lengths) for values in (self.begins, self.ends))
        return (self._within >= begins) & (self._within < ends)

    @cached_property
    def _within(self) -> np.ndarray:
        """The index of each token within its window. Shape (n_read,)."""
        starts = np.cumsum(self.lengths) - self.lengths
        within: np.ndarray = np.arange(self.lengths.sum()) - np.repeat(starts, self.lengths)
        return within


# A chunk, what a model gives for it, and the backward pass
InChunk: TypeAlias = tuple[Chunk, Any, Backprop]


def prediction_chunks(lengths: list[int], *, cut: bool) -> list[Chunk]:
    """The chunks of a batch: all its tokens, in order, each kept in exactly one chunk.

    lengths: tokens of each document.
    cut: whether to read long documents in windows; else each document is in one chunk as a whole.
    """
    return _chunks(np.asarray(lengths, dtype="int64"), PREDICTION, cut)


def training_chunks(tok2vecs: list[Model[Any, Any]], docs: list[Doc]) -> list[Chunk]:
    """The chunks that models with these token vectors are trained on in turn; usually just one.

    Listeners to a shared tok2vec get the whole batch, as the tok2vec has read it. Documents are
    read in windows only if the encoders of all models are of this package.
    """
    lengths = np.asarray([len(doc) for doc in docs], dtype="int64")
    if any(map(listens, tok2vecs)):
        return [whole_docs(lengths)]
    return _chunks(lengths, TRAINING, cut=all(map(encoders_of, tok2vecs)))


def are_cut(parts: list[Chunk], n_docs: int) -> bool:
    """Whether any of `n_docs` documents is read in windows."""
    return sum(len(chunk.docs) for chunk in parts) > n_docs


def run_in_chunks(
    model: Model[Any, Any],
    tok2vecs: list[Model[Any, Any]],
    docs: list[Doc],
    is_train: bool,
    run_windows: Callable[[Model[Any, Any], DocBatch, list[Chunk], bool], Iterator[InChunk]],
    *,
    embed_first: bool = False,
) -> Iterator[InChunk]:
    """Run a model on a batch of any size, in chunks that are small enough for training.

    tok2vecs: those of the model.
    run_windows: runs the model if there are windows, given (model, batch, chunks, is_train).
    embed_first: whether `run_windows` runs the model in any case.

    Yields each chunk of the batch, the model's output for it, and its backward pass. Gradients
    accumulate. The gradient of embeddings that are shared by all chunks is passed back after the
    last chunk, so the iterator must be exhausted.
    """
    parts = training_chunks(tok2vecs, docs)
    if embed_first or are_cut(parts, len(docs)):
        yield from run_windows(model, DocBatch(docs), parts, is_train)
        return
    for chunk in parts:
        yield chunk, *model(chunk.docs_of(docs), is_train)


def _chunks(lengths: np.ndarray, limits: Limits, cut: bool) -> list[Chunk]:
    windows = _windows(lengths, limits) if cut else whole_docs(lengths)
    if windows.lengths.sum() <= limits.chunk:
        return [windows]
    # A chunk takes the next windows as long as there is room for them.
    bounds, room = [0], limits.chunk
    for number, length in enumerate(windows.lengths.tolist()):
        if length > room and number > bounds[-1]:
            bounds.append(number)
            room = limits.chunk
        room -= length
    ends = [*bounds[1:], len(windows.lengths)]
    return [_part(windows, slice(*bound)) for bound in zip(bounds, ends, strict=True)]


def whole_docs(lengths: np.ndarray) -> Chunk:
    """One chunk in which no document is cut. lengths: tokens of each. Shape (n_docs,)."""
    firsts = np.cumsum(lengths) - lengths
    return Chunk(np.arange(len(lengths)), firsts, lengths, np.zeros_like(lengths), lengths)


def _windows(lengths: np.ndarray, limits: Limits) -> Chunk:
    """The windows of all documents; a short document is one window."""
    long = lengths > limits.longest
    if not long.any():
        return whole_docs(lengths)
    n_windows = np.where(long, -(-lengths // limits.window), 1)
    docs = np.repeat(np.arange(len(lengths)), n_windows)  # (n_windows,), as all below
    number = np.arange(len(docs)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    of_doc, long = lengths[docs], long[docs]
    starts = number * limits.window  # first kept token within the document
    stops = np.where(long, np.minimum(starts + limits.window, of_doc), of_doc)
    begins = np.maximum(starts - limits.context, 0)
    ends = np.minimum(stops + limits.context, of_doc)
    firsts = (np.cumsum(lengths) - lengths)[docs] + begins
    return Chunk(docs, firsts, ends - begins, starts - begins, stops - begins)


def _part(windows: Chunk, part: slice) -> Chunk:
    fields = ("docs", "firsts", "lengths", "begins", "ends")
    return Chunk(*(getattr(windows, field)[part] for field in fields))


def listens(model: Model[Any, Any]) -> bool:
    """Whether a model takes token vectors from an earlier component."""
    return any(hasattr(node, "upstream_name") for node in model.walk())


def encode_chunks(
    tok2vec: Model[list[Doc], list[Floats2d]],
    batch: DocBatch,
    parts: list[Chunk],
    is_train: bool,
    distance: float = 0.0,
) -> Iterator[tuple[Chunk, Packed, Callable[[Packed], None]]]:
    """Token vectors by an encoder of this package: embed whole documents, then encode chunks.

    distance: if not 0, each chunk comes a second time, of embeddings that are moved by this much
        against the model; see `adversarial.move`. Its first backward pass must have run by then.

    Yields each chunk, its token vectors and their backward pass. The embedding's backward pass runs
    after the last chunk, so the iterator must be exhausted.
    """
    ops = tok2vec.ops
    encoded, features = split_features(tok2vec)
    embed, encoders = split_encoders(encoded)
    X, backprop_embed = run_packed(embed, batch, is_train)
    beside = Features(features, batch, is_train) if features else None
    gradient = _no_gradient(ops, X, is_train)
    for chunk in parts:
        add = partial(add_gradient, ops, gradient, chunk)
        read = X.take(chunk.rows, chunk.lengths)
        for embedded, backprop_embedded in against_the_model(ops, read, add, distance):
            Y, backprop_encoders = run_in_turn(encoders, embedded, is_train)
            steps = [backprop_embedded, backprop_encoders]
            if beside:
                Y, backprop_beside = beside.append(chunk, Y)
                steps.append(backprop_beside)
            yield chunk, Y, in_reverse(steps)
    del X, Y  # a copy of a very long document takes much memory
    if is_train:
        backprop_embed(gradient)
    if is_train and beside:
        beside.finish()


class Features:
    """Features that go around the encoders, of whole documents, to be appended chunk by chunk."""

    def __init__(
        self, features: Model[list[Doc], list[Floats2d]], batch: DocBatch, is_train: bool
    ) -> None:
        self._ops = features.ops
        self._F, self._backprop = run_packed(features, batch, is_train)
        self._gradient = _no_gradient(self._ops, self._F, is_train)

    def append(self, chunk: Chunk, Y: Packed) -> tuple[Packed, Callable[[Packed], Packed]]:
        """Vectors of a chunk's tokens with their features, and the gradient of the vectors."""
        joined, split = append(self._ops, Y, self._F.take(chunk.rows, chunk.lengths))

        def backprop(gradient: Packed) -> Packed:
            dY, dF = split(gradient)
            add_gradient(self._ops, self._gradient, chunk, dF)
            return dY

        return joined, backprop

    def finish(self) -> None:
        """Run the backward pass of the features, after the last chunk."""
        self._backprop(self._gradient)


def _no_gradient(ops: Ops, X: Packed, is_train: bool) -> Packed:
    """A gradient that chunks are added to. Empty if nothing is."""
    return Packed(ops.alloc2f(X.packing.n_tokens if is_train else 0, X.width), X.packing)


def predict_chunks(
    tok2vec: Model[list[Doc], list[Floats2d]], batch: DocBatch
) -> Iterator[tuple[Chunk, Packed]]:
    """Token vectors in prediction, chunk by chunk, since they need most of the memory."""
    encoders = encoders_of(tok2vec)
    parts = prediction_chunks(batch.lengths, cut=bool(encoders))
    if len(parts) == 1 and not are_cut(parts, len(batch.docs)):
        yield parts[0], run_packed(tok2vec, batch, is_train=False)[0]
    elif encoders:
        for chunk, X, _ in encode_chunks(tok2vec, batch, parts, is_train=False):
            yield chunk, X
    else:
        for chunk in parts:
            docs = chunk.docs_of(batch.docs)
            yield chunk, run_packed(tok2vec, DocBatch(docs), is_train=False)[0]


def encode_random_windows(
    tok2vec: Model[list[Doc], list[Floats2d]], batch: DocBatch
) -> tuple[Packed, Callable[[Packed], list[Doc]]]:
    """Token vectors in training; of each long document, only those of one random window.

    For models that need all token vectors at once in the backward pass: this bounds what the
    recurrence keeps. If the encoder is not of this package, documents are read as a whole.
    """
    if not encoders_of(tok2vec) or max(batch.lengths) <= PREDICTION.longest:
        return run_packed(tok2vec, batch, is_train=True)
    chunks = encode_chunks(tok2vec, batch, [random_windows(batch.lengths)], is_train=True)
    _, Y, backprop_chunk = next(chunks)

    def backprop(dY: Packed) -> list[Doc]:
        backprop_chunk(dY)
        for _ in chunks:  # runs the embedding's backward pass
            pass
        return []

    return Y, backprop


def random_windows(lengths: list[int]) -> Chunk:
    """One window per document: a random one of a long document, otherwise the whole document.

    lengths: tokens of each document.
    """
    sizes = np.minimum(lengths, PREDICTION.longest)
    starts = np.random.randint(np.asarray(lengths) - sizes + 1)
    firsts = np.cumsum(lengths) - lengths + starts
    return Chunk(np.arange(len(sizes)), firsts, sizes, np.zeros_like(sizes), sizes)


def add_gradient(ops: Ops, gradient: Packed, chunk: Chunk, dX: Packed) -> None:
    """Add a chunk's gradient to that of the batch; windows may share context tokens."""
    rows = gradient.packing.from_packed[chunk.rows][dX.packing.to_packed]  # (n_read,)
    ops.scatter_add(gradient.data, ops.asarray1i(rows), dX.data)
