"""Batches and documents of any size in pieces that fit into memory.

A document that is too long is read in windows. Each begins and ends in tokens that are read for
context alone and thrown away, so that a recurrent encoder has forgotten that it did not begin at
the beginning: its states at the tokens that are kept are those of the whole document but for an
error that shrinks with every token of context.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from spacy.attrs import LEMMA, MORPH, NORM, ORTH, POS, SPACY, TAG
from spacy.tokens import Doc
from thinc.api import Model

from .doc_batch import DocBatch, find_once

# What a token has of its own that an embedding may read
COPIED = [ORTH, SPACY, NORM, TAG, POS, MORPH, LEMMA]


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
# Training keeps about 25 kB of a token for the way back. Windows are read beside each other, which
# is faster than one long one, and gradients hardly reach as far.
TRAINING = Limits(piece=10_000, window=1_000, context=200)


@dataclass(frozen=True)
class Piece:
    """Documents and windows of documents that are read at once.

    docs: all of them.
    kept: the tokens of each that count.
    firsts: the number of each one's first token, among all tokens of the batch.
    """

    docs: DocBatch
    kept: list[slice]
    firsts: list[int]

    def is_batch(self, n_docs: int) -> bool:
        """Whether it is all of a batch of that many documents, none of them cut."""
        return len(self.docs) == n_docs and all(
            kept.stop - kept.start == len(doc)
            for doc, kept in zip(self.docs, self.kept, strict=True)
        )

    def windows(self) -> Iterator[tuple[Doc, slice, int]]:
        """Each document or window with its own of the three."""
        return zip(self.docs, self.kept, self.firsts, strict=True)


def pieces(docs: list[Doc], *, cut: bool) -> list[Piece]:
    """What a batch is read in: all its tokens, in order, each kept in one piece.

    cut: whether to read long documents in windows; else each is in one piece as a whole.
    """
    return find_once(docs, ("pieces", cut), lambda: list(_gather(docs, cut, PREDICTION)))


def training_pieces(model: Model, docs: list[Doc]) -> list[Piece]:
    """What a batch is trained on in turn, with gradients that add up: as a rule all of it at once.

    What listens to a shared tok2vec gets the batch whole, as the tok2vec has read it.
    """
    if listens(model):
        whole = [slice(0, len(doc)) for doc in docs]
        return [Piece(DocBatch(docs), whole, _first_tokens(docs))]
    return list(_gather(docs, True, TRAINING))


def listens(model: Model) -> bool:
    """Whether a model takes token vectors from a component before it."""
    return any(hasattr(node, "upstream_name") for node in model.walk())


def random_windows(docs: list[Doc]) -> list[Doc]:
    """Of each long document a window, begun at a random token; the others as they are.

    For models that need all tokens at once for the way back.
    """
    most = PREDICTION.longest
    if all(len(doc) <= most for doc in docs):
        return docs
    windows = []
    for doc in docs:
        first = np.random.randint(max(0, len(doc) - most) + 1)
        long = len(doc) > most
        windows.append(_window(doc, doc.to_array(COPIED), first, first + most) if long else doc)
    return windows


def _first_tokens(docs: list[Doc]) -> list[int]:
    lengths = np.asarray([len(doc) for doc in docs])
    return (np.cumsum(lengths) - lengths).tolist()


def _gather(docs: list[Doc], cut: bool, limits: Limits) -> Iterator[Piece]:
    piece = Piece(DocBatch([]), [], [])
    n_tokens = 0
    for doc, first in zip(docs, _first_tokens(docs), strict=True):
        for window, kept, start in _windows(doc, cut, limits):
            if piece.docs and n_tokens + len(window) > limits.piece:
                yield piece
                piece, n_tokens = Piece(DocBatch([]), [], []), 0
            piece.docs.append(window)
            piece.kept.append(kept)
            piece.firsts.append(first + start)
            n_tokens += len(window)
    if piece.docs:
        yield piece


def _windows(doc: Doc, cut: bool, limits: Limits) -> Iterator[tuple[Doc, slice, int]]:
    """The windows of a document, or itself if it is short enough; what to keep; where it begins."""
    if not cut or len(doc) <= limits.longest:
        yield doc, slice(0, len(doc)), 0
        return
    values = doc.to_array(COPIED)
    for start in range(0, len(doc), limits.window):
        end = min(start + limits.window, len(doc))
        begin = max(0, start - limits.context)
        window = _window(doc, values, begin, min(end + limits.context, len(doc)))
        yield window, slice(start - begin, end - begin), begin


def _window(doc: Doc, values: np.ndarray, start: int, end: int) -> Doc:
    """Some tokens of a document, with all that an embedding may read of them.

    values: the attributes `COPIED` of all its tokens.
    """
    rows = values[start:end]
    window = Doc(doc.vocab, words=rows[:, 0].tolist(), spaces=rows[:, 1].tolist())
    window.from_array(COPIED[2:], rows[:, 2:])
    window.tensor = doc.tensor[start:end]
    return window
