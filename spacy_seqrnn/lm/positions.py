"""Which state predicts which unit."""

from dataclasses import dataclass

import numpy as np

from ..batch.windows import Chunk

START = END_OF_TEXT = -1


@dataclass(frozen=True)
class Positions:
    """The predictions of one direction about the kept tokens of a chunk, document by document.

    A document of n tokens has n + 1: its tokens in order, and its end, which for the direction that
    reads right to left is in front of it. One without tokens has none.

    states: the token whose state predicts, among those that are read; `START` for the state before
        any token. Shape (n_predictions,).
    targets: the token that is predicted, among those that are read; `END_OF_TEXT` for the end.
    """

    states: np.ndarray
    targets: np.ndarray


def find_positions(chunk: Chunk, lengths: np.ndarray, *, ahead: bool) -> Positions:
    """The predictions of one direction.

    lengths: tokens of each document of the batch.
    ahead: whether it reads left to right.
    """
    ends = np.cumsum(chunk.lengths)  # of each window, among the tokens that are read
    firsts = ends - chunk.lengths
    doc_ends = np.cumsum(lengths)[chunk.docs]
    doc_starts = doc_ends - lengths[chunk.docs]
    kept = np.flatnonzero(chunk.kept)
    window = np.repeat(np.arange(len(ends)), chunk.lengths)[kept]
    if ahead:
        states = np.where(kept == firsts[window], START, kept - 1)
        is_last = (chunk.firsts + chunk.ends == doc_ends) & (chunk.lengths > 0)
        at_end = ends[is_last] - 1
        order = np.argsort(np.concatenate([2 * kept, 2 * at_end + 1]))
    else:
        states = np.where(kept == ends[window] - 1, START, kept + 1)
        is_first = (chunk.firsts + chunk.begins == doc_starts) & (chunk.lengths > 0)
        at_end = firsts[is_first]
        order = np.argsort(np.concatenate([2 * kept, 2 * at_end - 1]))
    targets = np.concatenate([kept, np.full(len(at_end), END_OF_TEXT)])
    return Positions(np.concatenate([states, at_end])[order], targets[order])
