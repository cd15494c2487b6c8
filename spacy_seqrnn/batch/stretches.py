"""The tokens of a batch in stretches in which every document has a token at every time step.

A document that ends within a stretch is filled up with rows that are thrown away.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .packing import Packing

# With fewer rows there are more calls; with more steps, more rows are thrown away.
STRETCH_ROWS = 1024
STRETCH_STEPS = 64
# torch keeps 1024 kernels, one for each number of steps and of documents, and a new one costs as
# much as a short text. Numbers of documents above this are therefore rounded up to a multiple.
DOCS_STEP = 8


@dataclass(frozen=True)
class Stretch:
    """Some time steps of some documents.

    n_docs: how many documents, those that are thrown away included.
    rows: the packed row of each document, for one time step after the other; the number of tokens
        where the document has ended. First reading left to right, then right to left. Shape
        (2, n_steps * n_docs).
    """

    n_docs: int
    rows: np.ndarray


def make_stretches(packing: "Packing") -> list[Stretch]:
    """All tokens of a batch, each in one stretch."""
    lengths = packing.lengths_by_rank
    stretches = []
    step = 0
    while step < lengths.max(initial=0):
        n_docs = _rounded(int((lengths > step).sum()))
        end = min(step + STRETCH_STEPS, step + max(STRETCH_ROWS // n_docs, 1), lengths[0])
        stretches.append(Stretch(n_docs, _rows(packing, np.arange(step, end), n_docs)))
        step = end
    return stretches


def _rounded(n_docs: int) -> int:
    return n_docs if n_docs < DOCS_STEP else -(-n_docs // DOCS_STEP) * DOCS_STEP


def _rows(packing: "Packing", steps: np.ndarray, n_docs: int) -> np.ndarray:
    """The rows of a stretch."""
    longest = packing.lengths_by_rank[:n_docs]
    lengths = np.zeros(n_docs, dtype="int64")
    lengths[: len(longest)] = longest
    steps = steps[:, None]
    ended = steps >= lengths
    ranks = np.arange(n_docs)
    rows = [
        np.where(ended, packing.n_tokens, packing.starts[np.where(ended, 0, at)] + ranks)
        for at in (steps, lengths - 1 - steps)
    ]
    return np.stack(rows).reshape(2, -1)
