"""What units add to the sums of the first recurrent layer: computed once, when one is first read.

Of the matrix product with a step's input, only that with the attentional vectors is left then.
"""

import torch

from ..rnn.cells import Cell, Tensors, project


class UnitInputs:
    """The products of the vectors of units with the input weights of a layer, in prediction."""

    def __init__(self, cell: Cell, prepared: Tensors, vectors: torch.Tensor) -> None:
        """prepared: the layer's weights. vectors: those of all units, (nO, nE)."""
        width = vectors.shape[1]
        self._prepared = {**prepared, "input": prepared["input"][:, width:]}
        self._cell, self._vectors = cell, vectors
        self._of_units = {**prepared, "input": prepared["input"][:, :width]}
        self._sums = vectors.new_empty(len(vectors), prepared["input"].shape[2])
        self._is_known = torch.zeros_like(vectors[:, 0], dtype=torch.bool)

    def weights(self, units: torch.Tensor) -> Tensors:
        """The layer's weights for what it reads beside units, which are in the bias. units: (n,)"""
        new = units[~self._is_known[units]]
        if len(new):
            new = new.unique()
            self._sums[new] = project(self._cell, self._of_units, self._vectors[new].unsqueeze(0))
            self._is_known[new] = True
        return {**self._prepared, "bias": self._sums.index_select(0, units).unsqueeze(0)}
