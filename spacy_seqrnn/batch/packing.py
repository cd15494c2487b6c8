"""The packed layout: where each token of a batch is.

Documents of a batch are ordered by length, longest first, and their tokens are laid out one time
step after the other: first the first token of every document, then the second token of every
document that has one, and so on. This is the layout of cuDNN and of
`torch.nn.utils.rnn.PackedSequence`. It has no padding, so none can leak into a result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from thinc.util import get_array_module

from ..types import Floats1d, Floats2d
from .stretches import Stretch, make_stretches


@dataclass(frozen=True)
class Packing:
    """Where each token of a batch of documents is in the packed layout.

    "Document-major" is the plain order: all tokens of document 0, then all of document 1, and so
    on. All arrays are NumPy int64 on the host, because they control loops and gathers.

    lengths: tokens per document, in batch order. Shape (n_docs,). Zeros are allowed.
    size_at_t: documents that have a token at time step t. Shape (n_steps,), never increasing.
    to_packed: document-major row of each packed row, i.e. `packed = doc_major[to_packed]`.
    from_packed: packed row of each document-major row, i.e. `doc_major = packed[from_packed]`.
    ranks: per document, in batch order, its column in every time step. Empty documents rank last.
    """

    lengths: np.ndarray
    size_at_t: np.ndarray
    to_packed: np.ndarray
    from_packed: np.ndarray
    ranks: np.ndarray

    @property
    def n_tokens(self) -> int:
        return len(self.to_packed)

    @property
    def n_sequences(self) -> int:
        """Documents that have at least one token."""
        return int(self.size_at_t[0]) if len(self.size_at_t) else 0

    @cached_property
    def starts(self) -> np.ndarray:
        """First packed row of each time step. Shape (n_steps,)."""
        starts: np.ndarray = np.cumsum(self.size_at_t) - self.size_at_t
        return starts

    @cached_property
    def lengths_by_rank(self) -> np.ndarray:
        """Tokens of each document that has any, longest first. Shape (n_sequences,)."""
        return -np.sort(-self.lengths)[: self.n_sequences]

    @cached_property
    def rank_of_row(self) -> np.ndarray:
        """The rank of the document that each packed row belongs to. Shape (n_tokens,)."""
        ranks: np.ndarray = np.arange(self.n_tokens) - np.repeat(self.starts, self.size_at_t)
        return ranks

    @cached_property
    def reversed_rows(self) -> np.ndarray:
        """For each packed row, the row of the same document at the same distance from its end.

        `X[reversed_rows]` is the batch with every document reversed. Shape (n_tokens,).
        """
        ranks = self.rank_of_row
        steps = np.repeat(np.arange(len(self.size_at_t)), self.size_at_t)  # (n_tokens,)
        rows: np.ndarray = self.starts[self.lengths_by_rank[ranks] - 1 - steps] + ranks
        return rows

    @cached_property
    def previous(self) -> np.ndarray:
        """For each packed row, that of the previous token; -1 for first tokens. (n_tokens,)"""
        before = np.roll(self.starts, 1)
        rows: np.ndarray = np.repeat(before, self.size_at_t) + self.rank_of_row
        rows[: self.n_sequences] = -1
        return rows

    @cached_property
    def last_rows(self) -> np.ndarray:
        """The packed row of each document's last token, longest first. Shape (n_sequences,)."""
        rows: np.ndarray = self.starts[self.lengths_by_rank - 1] + np.arange(self.n_sequences)
        return rows

    def steps(self) -> Iterator[slice]:
        """The rows of each time step."""
        end = 0
        for size in self.size_at_t.tolist():
            end += size
            yield slice(end - size, end)

    def steps_back(self) -> Iterator[slice]:
        """The rows of each time step, from the last step to the first."""
        end = self.n_tokens
        for size in reversed(self.size_at_t.tolist()):
            yield slice(end - size, end)
            end -= size

    def blocks(self, n_docs: int) -> Iterator[tuple[bool, slice]]:
        """All time steps of the first documents, then of the next ones, and so on.

        n_docs: how many documents at a time.
        Yields whether it is a first time step, and the rows of the step.
        """
        starts, sizes = self.starts.tolist(), self.size_at_t.tolist()
        for first in range(0, self.n_sequences, n_docs):
            for t, (start, size) in enumerate(zip(starts, sizes, strict=True)):
                if size <= first:
                    break
                yield t == 0, slice(start + first, start + min(size, first + n_docs))

    @cached_property
    def stretches(self) -> list[Stretch]:
        """The tokens in the order in which torch's LSTM reads few documents fastest on a CPU."""
        return make_stretches(self)

    def part(self, first: int, end: int) -> tuple[np.ndarray, "Packing"]:
        """The rows of the documents from rank `first` up to `end`, and their own layout."""
        rows = np.flatnonzero((self.rank_of_row >= first) & (self.rank_of_row < end))
        return rows, make_packing(self.lengths_by_rank[first:end])

    def per_doc(self, values: Floats1d, empty: float) -> Floats1d:
        """Reorder one value per sequence (by rank) to batch order; empty documents get `empty`."""
        xp = get_array_module(values)
        padded = xp.full(len(self.lengths), empty, dtype=values.dtype)  # (n_docs,)
        padded[: len(values)] = values
        return padded[xp.asarray(self.ranks)]


def make_packing(lengths: list[int] | np.ndarray) -> Packing:
    """Lay out documents.

    lengths: tokens of each document, in batch order; zero is allowed.
    """
    sizes = np.asarray(lengths, dtype="int64")
    if len(sizes) == 1:  # both orders are equal; skips the sorting for single texts
        rows = np.arange(sizes[0])
        return Packing(sizes, np.ones_like(rows), rows, rows, np.zeros_like(sizes))
    order = (-sizes).argsort(kind="stable")  # longest first, (n_docs,)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(sizes))
    n_steps = int(sizes.max(initial=0))
    size_at_t = len(sizes) - sizes[order[::-1]].searchsorted(np.arange(n_steps), side="right")
    step = np.arange(sizes.sum()) - (sizes.cumsum() - sizes).repeat(sizes)  # (n_tokens,)
    from_packed = (size_at_t.cumsum() - size_at_t)[step] + ranks.repeat(sizes)
    to_packed = np.empty_like(from_packed)
    to_packed[from_packed] = np.arange(len(from_packed))
    return Packing(sizes, size_at_t, to_packed, from_packed, ranks)


def split_docs(X: Floats2d, lengths: list[int] | np.ndarray) -> list[Floats2d]:
    """Split a document-major array into one view per document."""
    ends = np.cumsum(lengths, dtype="int64").tolist()
    return [X[start:end] for start, end in zip([0, *ends], ends, strict=False)]
