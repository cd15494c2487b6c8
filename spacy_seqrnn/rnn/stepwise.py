"""The recurrence for prediction, one time step of many documents after the other.

Torch's kernels compute the input's share of the gates for every token. Here it is computed once for
every distinct word, where the layer before says which tokens are the same. Together with larger
matrix products, and without a copy for tokens that other documents lack, that makes a large batch
faster than torch's own kernels are. For few documents at a time they are the faster ones.
"""

from dataclasses import dataclass

import torch

from ..batch.packing import Packing
from .cells import Cell, Tensors, project
from .states import scaled, zeros

FEWEST_DOCS = 32  # with fewer, a step costs more in calls than in computation
BLOCK_DOCS = 256  # of more, the states and gates do not fit into a core's cache


def n_better_alone(packing: Packing) -> int:
    """How many documents, longest first, torch's kernels read faster: too few, or far too long."""
    if packing.n_sequences < FEWEST_DOCS:
        return packing.n_sequences
    lengths = packing.lengths_by_rank
    return int((lengths > 2 * lengths[FEWEST_DOCS - 1]).sum())


def read(
    cell: Cell,
    prepared: Tensors,
    words: torch.Tensor,
    index: torch.Tensor,
    packing: Packing,
    initial: Tensors | None = None,
) -> tuple[torch.Tensor, Tensors]:
    """Read the documents of a batch.

    prepared: the weights as `cell.prepare` gives them.
    words: distinct input vectors. Shape (n_words, nI).
    index: which of them each token has. Shape (n_tokens,), packed.
    initial: the states before the first tokens, (D, n_sequences, H), longest document first.

    Returns the hidden states, (n_tokens, D * H), packed, and the states after the last tokens.
    """
    n_directions, _, width = prepared["input"].shape
    width //= cell.n_blocks
    reversed_rows = torch.from_numpy(packing.reversed_rows).to(words.device)
    orders = [index, index[reversed_rows]][:n_directions]
    states = zeros(cell, words, n_directions, packing.n_sequences, width)
    for name, tensor in scaled(cell, initial or {}, 1).items():
        states[name].copy_(tensor)
    y = words.new_empty(packing.n_tokens, n_directions * width)
    # Small batches save calls if both directions are read in one loop; of large ones, each
    # direction for itself fills the cache.
    n_at_once = n_directions if packing.n_sequences <= BLOCK_DOCS // 2 else 1
    hidden = words.new_empty(n_at_once, packing.n_tokens, width)
    scale = 1.0 / cell.scales.get("hidden", 1.0)
    for first in range(0, n_directions, n_at_once):
        now = slice(first, first + n_at_once)
        weights = _of_directions(prepared, now)
        shares = project(cell, weights, words.expand(n_at_once, *words.shape))
        loop = _Loop(cell, weights, shares, orders[now], packing)
        loop.run({name: tensor[now] for name, tensor in states.items()}, hidden)
        for direction, outputs in enumerate(hidden, start=first):
            columns = y[:, direction * width : (direction + 1) * width]
            if direction == 0:
                torch.mul(outputs, scale, out=columns)
            else:
                torch.index_select(outputs.mul_(scale), 0, reversed_rows, out=columns)
    return y, scaled(cell, states, -1)


def _of_directions(prepared: Tensors, directions: slice) -> Tensors:
    """The weights of some directions; what is the same for all of them has only one."""
    return {
        name: tensor if len(tensor) == 1 else tensor[directions]
        for name, tensor in prepared.items()
    }


@dataclass(frozen=True)
class _Loop:
    """All time steps of some directions.

    weights: prepared by the cell.
    shares: what each word adds to the sums. Shape (D, n_words, B * H).
    orders: for each direction the word of each token, in the order of reading.
    """

    cell: Cell
    weights: Tensors
    shares: torch.Tensor
    orders: list[torch.Tensor]
    packing: Packing

    def run(self, states: Tensors, hidden: torch.Tensor) -> None:
        """Read everything.

        states: those before, (D, n_sequences, H); they become those after.
        hidden: gets the hidden states in the order of reading, shape (D, n_tokens, H).
        """
        shares = self.shares.unbind()
        end = n_docs = 0
        for begins, rows in self.packing.blocks(BLOCK_DOCS):
            size = rows.stop - rows.start
            if begins:
                before = {name: state[:, end : end + size] for name, state in states.items()}
                scratch = self._scratch(size, hidden.shape[2])
                end += size
            elif size < n_docs:
                before = {name: state[:, :size] for name, state in before.items()}
                scratch = {name: tensor[:, :size] for name, tensor in scratch.items()}
            if begins or size < n_docs:
                sums, n_docs = scratch["sums"].unbind(), size
            for share, order, out in zip(shares, self.orders, sums, strict=True):
                torch.index_select(share, 0, order[rows], out=out)
            # All states but "hidden" are written over.
            now = {**scratch, **before, "hidden": hidden[:, rows]}
            self.cell.step(self.weights, now, before)
            if "hidden" in before:
                before["hidden"] = now["hidden"]
        if "hidden" in states:
            last = torch.from_numpy(self.packing.last_rows).to(hidden.device)
            torch.index_select(hidden, 1, last, out=states["hidden"])

    def _scratch(self, n_docs: int, width: int) -> Tensors:
        """What nobody reads after a step; used again in each, so that it stays in the cache."""
        names = self.cell.trace.keys() - {"hidden", *self.cell.states}
        shape = (len(self.shares), n_docs)
        return {
            name: self.shares.new_empty(*shape, self.cell.trace[name] * width) for name in names
        }
