"""Batches and documents of any size in pieces that fit into memory.

A document that is too long is read in windows. Each begins and ends in tokens that are read for
context alone and thrown away, so that a recurrent encoder has forgotten that it did not begin at
the beginning: its states at the tokens that are kept are those of the whole document but for an
error that shrinks with every token of context.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from spacy.attrs import LEMMA, MORPH, NORM, ORTH, POS, SPACY, TAG
from spacy.tokens import Doc

from .doc_batch import DocBatch, find_once

# Tokens that are read at once. More need more memory and are no faster.
BATCH_TOKENS = 50_000
# Tokens of a window that are kept, and those for context on either side.
WINDOW_TOKENS = 5_000
CONTEXT_TOKENS = 1_000
# What a token has of its own that an embedding may read
COPIED = [ORTH, SPACY, NORM, TAG, POS, MORPH, LEMMA]


@dataclass(frozen=True)
class Piece:
    """Documents and windows of documents that are read at once.

    docs: all of them.
    kept: the tokens of each that count.
    """

    docs: DocBatch
    kept: list[slice]


def pieces(docs: list[Doc], *, cut: bool) -> list[Piece]:
    """All tokens of a batch, in order, each kept in one piece.

    cut: whether to read long documents in windows; else each is in one piece as a whole.
    """
    return find_once(docs, ("pieces", cut), lambda: list(_gather(docs, cut)))


def _gather(docs: list[Doc], cut: bool) -> Iterator[Piece]:
    gathered: list[tuple[Doc, slice]] = []
    n_tokens = 0
    for doc in docs:
        for window, kept in _windows(doc, cut):
            if gathered and n_tokens + len(window) > BATCH_TOKENS:
                yield _piece(gathered)
                gathered, n_tokens = [], 0
            gathered.append((window, kept))
            n_tokens += len(window)
    if gathered:
        yield _piece(gathered)


def _piece(gathered: list[tuple[Doc, slice]]) -> Piece:
    return Piece(DocBatch([doc for doc, _ in gathered]), [kept for _, kept in gathered])


def _windows(doc: Doc, cut: bool) -> Iterator[tuple[Doc, slice]]:
    """The windows of a document, of one that is short enough itself, and the tokens to keep."""
    if not cut or len(doc) <= WINDOW_TOKENS + 2 * CONTEXT_TOKENS:
        yield doc, slice(0, len(doc))
        return
    values = doc.to_array(COPIED)
    for start in range(0, len(doc), WINDOW_TOKENS):
        end = min(start + WINDOW_TOKENS, len(doc))
        first, last = max(0, start - CONTEXT_TOKENS), min(end + CONTEXT_TOKENS, len(doc))
        rows = values[first:last]
        window = Doc(doc.vocab, words=rows[:, 0].tolist(), spaces=rows[:, 1].tolist())
        window.from_array(COPIED[2:], rows[:, 2:])
        window.tensor = doc.tensor[first:last]
        yield window, slice(start - first, end - first)
