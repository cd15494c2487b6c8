"""The source states of a batch, as a decoder attends to them: one row for each document.

Documents are laid out side by side, each as long as the longest, because attention is a product
with all states of a document at once. What is behind the end of a document is zero, gets a weight
of exactly zero and passes no gradient on.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ..batch.packing import Packing


@dataclass(frozen=True)
class Places:
    """Where the tokens of some documents are in a memory.

    rows: the packed row of each token, one document after the other. Shape (n_tokens,).
    docs, positions: the row and the column of the memory that each token has. Shape (n_tokens,).
    lengths: tokens of each document. Shape (n_docs,).
    """

    rows: np.ndarray
    docs: np.ndarray
    positions: np.ndarray
    lengths: np.ndarray


def find_places(packing: Packing, docs: np.ndarray) -> Places:
    """The places of documents in a memory. docs: their numbers in the batch; any order."""
    lengths = packing.lengths[docs]
    starts = np.cumsum(packing.lengths) - packing.lengths  # document-major, of the whole batch
    positions = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows = packing.from_packed[np.repeat(starts[docs], lengths) + positions]
    return Places(rows, np.repeat(np.arange(len(docs)), lengths), positions, lengths)


@dataclass(frozen=True)
class Memory:
    """What the decoder states of n documents attend to.

    values: the source states. Shape (n, S, V), S tokens of the longest document.
    keys: what queries are compared with. Shape (n, S, A).
    outside: where no token is. Shape (n, S), bool.
    """

    values: torch.Tensor
    keys: torch.Tensor
    outside: torch.Tensor

    def keep(self, docs: torch.Tensor) -> "Memory":
        """The memory of some of the documents, as `close_gaps` orders them; overwrites this one."""
        for array in (self.values, self.keys, self.outside):
            fill_gaps(array, docs)
        return self.first(len(docs))

    def first(self, n_docs: int) -> "Memory":
        """The memory of the first documents; a view."""
        return Memory(self.values[:n_docs], self.keys[:n_docs], self.outside[:n_docs])


def close_gaps(stays: torch.Tensor) -> torch.Tensor:
    """The rows that stay, in an order for which few of them have to be copied. Shape (m,).

    stays: which of the rows of an array do. Shape (n,).

    The first m rows stay where they are, but for gaps, which are filled with the last rows.
    """
    rows = stays.nonzero()[:, 0]
    order = torch.arange(len(rows), device=rows.device)
    order[~stays[: len(rows)]] = rows[rows >= len(rows)]
    return order


def fill_gaps(array: torch.Tensor, order: torch.Tensor) -> None:
    """Put the rows that stay first. order: what `close_gaps` gives."""
    gaps = (order >= len(order)).nonzero()[:, 0]
    array.index_copy_(0, gaps, array.index_select(0, order[gaps]))


def lay_out(rows: torch.Tensor, places: Places) -> torch.Tensor:
    """Vectors of tokens as a memory has them, (n, S, width); zeros where no token is.

    rows: those of the tokens of `places`, in their order. Shape (n_tokens, width).
    """
    n_docs, longest = len(places.lengths), int(places.lengths.max(initial=0))
    laid_out = rows.new_zeros(n_docs, longest, rows.shape[1])
    laid_out[_indices(places, rows.device)] = rows
    return laid_out


def lay_out_numbers(numbers: np.ndarray, places: Places) -> np.ndarray:
    """Numbers of tokens as a memory has them, (n, S); -1 where no token is.

    numbers: those of the tokens of `places`, in their order. Shape (n_tokens,).
    """
    laid_out = np.full((len(places.lengths), int(places.lengths.max(initial=0))), -1)
    laid_out[places.docs, places.positions] = numbers
    return laid_out


def pick_up(laid_out: torch.Tensor, places: Places) -> torch.Tensor:
    """The inverse of `lay_out`. Shape (n_tokens, width)."""
    return laid_out[_indices(places, laid_out.device)]


def find_outside(places: Places, device: torch.device) -> torch.Tensor:
    """Where no token is. Shape (n, S), bool."""
    longest = int(places.lengths.max(initial=0))
    return torch.from_numpy(np.arange(longest) >= places.lengths[:, None]).to(device)


def _indices(places: Places, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    docs, positions = torch.from_numpy(places.docs), torch.from_numpy(places.positions)
    return docs.to(device), positions.to(device)
