"""Thinc's arrays as torch's tensors without a copy, and a layer's weights among them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import torch
from thinc.api import Model, Ops
from thinc.util import torch2xp

from ..batch.packed import Packed
from ..types import FloatsXd
from .cells import CELLS, Cell, Tensors


def to_torch(ops: Ops, array: FloatsXd) -> torch.Tensor:
    """Share an array's memory with torch, on the device where it is."""
    if ops.device_type == "gpu":
        return torch.utils.dlpack.from_dlpack(array)
    return torch.from_numpy(array)


def to_xp(ops: Ops, tensor: torch.Tensor) -> FloatsXd:
    """Share a tensor's memory with the Thinc ops' array library."""
    return torch2xp(tensor.detach(), ops=ops)


@dataclass(frozen=True)
class Layout:
    """Where the arrays of a layer are in its flat parameter.

    It is the order of cuDNN: all matrices come before all vectors, forward direction before
    backward.

    cell: the cell.
    nI: width of the input.
    hidden: width of one direction.
    directions: 1 or 2.
    """

    cell: Cell
    nI: int
    hidden: int
    directions: int

    @cached_property
    def arrays(self) -> list[tuple[int, str, tuple[int, ...]]]:
        """Direction, name and shape of every array."""
        shapes = self.cell.shapes(self.nI, self.hidden).items()
        return [
            (direction, name, shape)
            for is_matrix in (True, False)
            for direction in range(self.directions)
            for name, shape in shapes
            if (len(shape) > 1) == is_matrix
        ]

    @cached_property
    def sizes(self) -> list[int]:
        """The number of values of every array."""
        return [prod(shape) for _, _, shape in self.arrays]

    @cached_property
    def names(self) -> list[str]:
        """The arrays of one direction, in the cell's order."""
        return list(self.cell.shapes(self.nI, self.hidden))

    def split(self, flat: torch.Tensor) -> list[Tensors]:
        """The arrays of each direction, by name in the cell's order: views of the parameter."""
        parts = torch.split(flat, self.sizes)
        weights: list[Tensors] = [dict.fromkeys(self.names, flat) for _ in range(self.directions)]
        for (direction, name, shape), part in zip(self.arrays, parts, strict=True):
            weights[direction][name] = part.view(shape)
        return weights

    def join(self, weights: list[Tensors]) -> torch.Tensor:
        """The inverse of `split`, in memory of its own."""
        return torch.cat(
            [weights[direction][name].reshape(-1) for direction, name, _ in self.arrays]
        )


layout = lru_cache(maxsize=256)(Layout)


def stacked(weights: list[Tensors]) -> Tensors:
    """Both directions in one array each: (D, *shape)."""
    return {name: torch.stack([one[name] for one in weights]) for name in weights[0]}


def unstacked(weights: Tensors) -> list[Tensors]:
    """The inverse of `stacked`: views of each direction."""
    directions = len(next(iter(weights.values())))
    return [{name: array[i] for name, array in weights.items()} for i in range(directions)]


def cell_of(model: Model[Packed, Packed]) -> Cell:
    """The cell of a layer that this module makes."""
    return CELLS[model.attrs["cell"]]


def hidden_width(model: Model[Packed, Packed]) -> int:
    """The width of one direction of a layer."""
    directions: int = model.attrs["directions"]
    return model.get_dim("nO") // directions


def layout_of(model: Model[Packed, Packed]) -> Layout:
    """Where the arrays are in the flat parameter `weights` of a layer."""
    return layout(
        cell_of(model), model.get_dim("nI"), hidden_width(model), model.attrs["directions"]
    )


def direction_weights(model: Model[Packed, Packed]) -> list[Tensors]:
    """The arrays of each direction, by name: views of the parameter."""
    return layout_of(model).split(to_torch(model.ops, model.get_param("weights")))
