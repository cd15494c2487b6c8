"""A recurrent layer that reads one time step at a time: what it reads depends on what it gave.

`rnn/training.py` computes the input's share for all tokens at once. A decoder reads its own output
of the time step before, so here each step has a projection of its own. The gradients of the weights
still are one product over all tokens.
"""

from typing import Any

import torch
from thinc.api import Model

from ..batch.packing import Packing
from ..rnn.cells import Cell, Tensors
from ..rnn.states import scaled, zeros
from ..rnn.tensors import cell_of, direction_weights, hidden_width, layout_of, stacked, to_xp
from ..rnn.training import states_before


class Unrolled:
    """A layer of one direction in training, over a batch in the packed layout.

    inputs: what it reads, (1, n_tokens, nI); whoever calls it writes the rows of a step before it.
    """

    def __init__(self, layer: Model[Any, Any], packing: Packing, initial: Tensors) -> None:
        """initial: the states before the first tokens, (1, n_docs, H), longest document first."""
        self.layer, self.packing, self.cell = layer, packing, cell_of(layer)
        self.width, like = hidden_width(layer), next(iter(initial.values()))
        self.prepared = prepare(layer)
        n = packing.n_tokens
        self.inputs = like.new_empty(1, n, layer.get_dim("nI"))
        self._arrays = {
            name: like.new_empty(1, n, multiple * self.width)
            for name, multiple in self.cell.trace.items()
        }
        self._first = self._previous = scaled(self.cell, initial, 1)

    def step(self, rows: slice) -> torch.Tensor:
        """Read a time step. Returns the hidden states, (n, H)."""
        n_docs = rows.stop - rows.start
        now = {name: array[:, rows] for name, array in self._arrays.items()}
        now["sums"].copy_(self.cell.project(self.prepared, self.inputs[:, rows]))
        before = {name: state[:, :n_docs] for name, state in self._previous.items()}
        self.cell.step(self.prepared, now, before)
        self._previous = {name: now[name] for name in self.cell.states}
        return now["hidden"][0] * (1.0 / self._scale)

    def begin_backward(self) -> None:
        """After the last step, before the first backward one."""
        like, n = self.inputs, self.packing.n_tokens
        self._before = {
            name: states_before(self._arrays[name], self._first[name], self.packing)
            for name in self.cell.states
        }
        self._out = {
            name: like.new_empty(1, n, multiple * self.width)
            for name, multiple in self.cell.gradients.items()
        }
        self._d_states = zeros(self.cell, like, 1, self.packing.n_sequences, self.width)

    def step_back(self, rows: slice, d_hidden: torch.Tensor) -> torch.Tensor:
        """The backward pass of `step`, from the last step to the first.

        d_hidden: Shape (n, H).

        Returns the gradient of the inputs of the step, (n, nI).
        """
        later = {name: array[:, : len(d_hidden)] for name, array in self._d_states.items()}
        d_step = d_hidden.unsqueeze(0) * (1.0 / self._scale)
        out = {name: array[:, rows] for name, array in self._out.items()}
        d_before = self.cell.step_back(
            self.prepared,
            {name: array[:, rows] for name, array in self._arrays.items()},
            {name: array[:, rows] for name, array in self._before.items()},
            d_step + later["hidden"] if "hidden" in later else d_step,
            later,
            out,
        )
        for name, gradient in d_before.items():
            later[name].copy_(gradient)
        return self.cell.project_back(self.prepared, out["sums"])[0]

    def finish_backward(self) -> Tensors:
        """Add the gradients of the weights. Returns those of the initial states, (1, n_docs, H)."""
        gradients, _ = self.cell.weight_gradients(
            self.prepared, self._before, self._out, self.inputs
        )
        flat = layout_of(self.layer).join([{name: array[0] for name, array in gradients.items()}])
        self.layer.inc_grad("weights", to_xp(self.layer.ops, flat))
        return scaled(self.cell, self._d_states, 1)

    @property
    def _scale(self) -> float:
        return self.cell.scales.get("hidden", 1.0)


def prepare(layer: Model[Any, Any]) -> Tensors:
    """The weights of a layer as its steps need them."""
    return cell_of(layer).prepare(stacked(direction_weights(layer)))


def advance(
    cell: Cell, prepared: Tensors, x: torch.Tensor, states: Tensors
) -> tuple[torch.Tensor, Tensors]:
    """Read one time step in prediction.

    prepared: what `prepare` gives.
    x: Shape (n, nI).
    states: (1, n, H) each, as `scaled` keeps them.

    Returns the hidden states, (n, H), and the states after the step.
    """
    sums = cell.project(prepared, x.unsqueeze(0))
    width = sums.shape[2] // cell.n_blocks
    now = {
        name: sums if name == "sums" else x.new_empty(1, len(x), multiple * width)
        for name, multiple in cell.trace.items()
    }
    cell.step(prepared, now, states)
    hidden = now["hidden"][0] * (1.0 / cell.scales.get("hidden", 1.0))
    return hidden, {name: now[name] for name in cell.states}
