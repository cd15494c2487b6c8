"""One text in one direction of a recurrent layer, with all gates and with derivatives in time.

It is the recurrence of training, in 64 bits.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ..batch.packing import make_packing
from ..rnn import training
from ..rnn.cells import Cell, Tensors
from ..types import FloatsXd


@dataclass(frozen=True)
class TextTrace:
    """All steps, in the order of reading.

    cell: the cell.
    steps: what they wrote.
    """

    cell: Cell
    steps: training.Trace

    def __len__(self) -> int:
        return self.steps.inputs.shape[1]

    @property
    def hidden(self) -> FloatsXd:
        """The hidden states. Shape (n_steps, H)."""
        return self._state("hidden")

    @property
    def cells(self) -> FloatsXd | None:
        """The cell states, shape (n_steps, H); None for a cell that has none."""
        return self._state("cell") if "cell" in self.cell.states else None

    @property
    def gates(self) -> dict[str, FloatsXd]:
        """By name, each of shape (n_steps, H), values from 0 to 1."""
        sums = self.steps.arrays["sums"][0]
        blocks = sums.chunk(self.cell.n_blocks, dim=1)
        return {name: blocks[number].numpy() for name, number in self.cell.gates.items()}

    def _state(self, name: str) -> FloatsXd:
        kept = self.steps.arrays[name][0]
        return (kept / self.cell.scales.get(name, 1.0)).numpy()

    def gradient_norms(self) -> tuple[float, ...]:
        """The spectral norms of the derivative of h_T for the states s_t, for T − t = 0, 1, …

        s_t is h_t, and in a cell that hands on its cell state alone c_t. What it does by way of
        later states counts; the cell state c_t beside an h_t does not. The first norm is 1, the
        state's own derivative.
        """
        width = self.hidden.shape[1]
        measured = self.cell.states[0]
        # One text for each unit of h_T: a backward step of all of them is one row of the
        # derivative for each. Shape (1, H, H).
        unit = torch.eye(width, dtype=torch.float64).unsqueeze(0)
        d_hidden = unit / self.cell.scales.get("hidden", 1.0)
        d_states = {name: torch.zeros_like(unit) for name in self.cell.states}
        norms = [1.0]
        for step in range(len(self) - 1, 0, -1):
            d_states = self._step_back(step, d_hidden, d_states)
            d_hidden = d_states.get("hidden", torch.zeros_like(unit))
            derivative = d_states[measured][0] * self.cell.scales.get(measured, 1.0)
            norms.append(float(np.linalg.norm(derivative.numpy(), 2)))
        return tuple(norms)

    def _step_back(self, step: int, d_hidden: torch.Tensor, d_states: Tensors) -> Tensors:
        n_texts = d_hidden.shape[1]
        now, before = (
            {
                name: array[:, step : step + 1].expand(1, n_texts, -1)
                for name, array in arrays.items()
            }
            for arrays in (self.steps.arrays, self.steps.before)
        )
        out = {
            name: d_hidden.new_empty(1, n_texts, multiple * d_hidden.shape[2])
            for name, multiple in self.cell.gradients.items()
        }
        return self.cell.step_back(self.steps.weights, now, before, d_hidden, d_states, out)


def trace_text(cell: Cell, weights: Tensors, X: FloatsXd) -> TextTrace:
    """Read a text from states of 0.

    weights: the arrays of one direction, by name.
    X: Shape (n_steps, nI), in the order of reading.
    """
    with torch.inference_mode():
        arrays = {name: array.cpu().double().unsqueeze(0) for name, array in weights.items()}
        x = torch.from_numpy(np.asarray(X, dtype="float64"))
        _, _, steps = training.forward(cell, arrays, x, make_packing([len(X)]))
    return TextTrace(cell, steps)
