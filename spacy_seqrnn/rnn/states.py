"""States that go into a recurrent layer and come out of it."""

from collections.abc import Sequence

import numpy as np
import torch
from thinc.api import Ops

from ..batch.packing import Packing
from ..types import Floats3d
from .cells import Cell, Tensors
from .tensors import to_torch, to_xp

# One array for each state of the cell, in the order of `Cell.states`, of shape (D, n_docs, H): the
# directions, and the documents in the order of the batch. A document without tokens hands on what
# it was given.
States = Sequence[Floats3d]


def by_rank(ops: Ops, states: States | None, cell: Cell, packing: Packing) -> Tensors | None:
    """States as the drivers take them: of the documents that have tokens, longest first.

    Returns (D, n_sequences, H) for each state; None for none, which are zeros.
    """
    if states is None:
        return None
    order = torch.from_numpy(_order(packing))
    tensors = [to_torch(ops, array) for array in states]
    return {
        name: tensor.index_select(1, order.to(tensor.device))
        for name, tensor in zip(cell.states, tensors, strict=True)
    }


def in_batch_order(
    ops: Ops, ranked: Tensors, cell: Cell, packing: Packing, given: States | None
) -> list[Floats3d]:
    """The inverse of `by_rank`. given: what documents without tokens hand on; None for zeros."""
    order = torch.from_numpy(_order(packing))
    arrays = []
    for number, name in enumerate(cell.states):
        tensor = ranked[name]
        shape = (len(tensor), len(packing.lengths), tensor.shape[2])
        whole = tensor.new_zeros(shape) if given is None else to_torch(ops, given[number]).clone()
        arrays.append(to_xp(ops, whole.index_copy_(1, order.to(tensor.device), tensor)))
    return arrays


def zeros(cell: Cell, like: torch.Tensor, n_directions: int, n_docs: int, width: int) -> Tensors:
    """The states before a text."""
    arrays = like.new_zeros(len(cell.states), n_directions, n_docs, width)
    return dict(zip(cell.states, arrays, strict=True))


def scaled(cell: Cell, states: Tensors, power: int) -> Tensors:
    """States as the steps keep them (power 1), and back again (power -1)."""
    return {
        name: tensor * cell.scales[name] ** power if name in cell.scales else tensor
        for name, tensor in states.items()
    }


def check_states(states: States, cell: Cell, shape: tuple[int, int, int]) -> None:
    """Raise ValueError if states are not those of the cell. shape: (D, n_docs, H)."""
    shapes = [tuple(state.shape) for state in states]
    if shapes != [shape] * len(cell.states):
        raise ValueError(
            f"The layer takes the states {', '.join(cell.states)}, each of shape (directions, "
            f"documents, width of a direction) = {shape}, but gets arrays of shape {shapes}."
        )


def _order(packing: Packing) -> np.ndarray:
    """The document of each rank, of those that have a token. Shape (n_sequences,)."""
    return np.argsort(packing.ranks)[: packing.n_sequences]
