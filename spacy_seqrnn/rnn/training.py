"""The recurrence for training, with an explicit backward pass.

Both directions run in the same loop, the second one over reversed documents, so a time step is one
batched matrix product each way. Gradients of the weights are one product over all tokens instead
of one for each time step, which is what torch's autograd makes of it.
"""

from dataclasses import dataclass

import torch

from ..batch.packing import Packing
from .cells import Cell, Tensors, project
from .states import scaled, zeros


@dataclass(frozen=True)
class Trace:
    """What the backward pass needs of the forward pass. Rows are tokens in the order of reading.

    weights: prepared by the cell.
    inputs: Shape (D, n_tokens, nI).
    arrays: what the steps wrote, by the names of `Cell.trace`: (D, n_tokens, multiple * H).
    before: the states before each token: (D, n_tokens, H).
    """

    weights: Tensors
    inputs: torch.Tensor
    arrays: Tensors
    before: Tensors


def forward(
    cell: Cell, weights: Tensors, x: torch.Tensor, packing: Packing, initial: Tensors | None = None
) -> tuple[torch.Tensor, Tensors, Trace]:
    """Read the documents of a batch.

    weights: the arrays of the cell, (D, *shape).
    x: Shape (n_tokens, nI), packed.
    initial: the states before the first tokens, (D, n_sequences, H), longest document first.

    Returns the hidden states, (n_tokens, D * H), packed, and the states after the last tokens.
    """
    prepared = cell.prepare(weights)
    n_directions = len(prepared["input"])
    inputs = _reversed(x.expand(n_directions, *x.shape), packing)
    sums = project(cell, prepared, inputs)
    width = sums.shape[2] // cell.n_blocks
    arrays = {"sums": sums} | {
        name: x.new_empty(n_directions, packing.n_tokens, multiple * width)
        for name, multiple in cell.trace.items()
        if name != "sums"
    }
    states = zeros(cell, x, n_directions, packing.n_sequences, width)
    states |= scaled(cell, initial or {}, 1)
    previous = states
    for rows in packing.steps():
        size = rows.stop - rows.start
        now = {name: array[:, rows] for name, array in arrays.items()}
        cell.step(prepared, now, {name: state[:, :size] for name, state in previous.items()})
        previous = {name: now[name] for name in cell.states}
    last = torch.from_numpy(packing.last_rows).to(x.device)
    final = {name: arrays[name].index_select(1, last) for name in cell.states}
    before = {name: states_before(arrays[name], states[name], packing) for name in cell.states}
    y = _side_by_side(_reversed(arrays["hidden"], packing))
    if "hidden" in cell.scales:
        y /= cell.scales["hidden"]
    return y, scaled(cell, final, -1), Trace(prepared, inputs, arrays, before)


def backward(
    cell: Cell,
    dy: torch.Tensor,
    packing: Packing,
    trace: Trace,
    d_final: Tensors | None = None,
) -> tuple[torch.Tensor, Tensors, Tensors]:
    """The gradients of the input, (n_tokens, nI), of the arrays of the cell and of `initial`.

    dy: Shape (n_tokens, D * H), packed.
    d_final: the gradients of the states after the last tokens.
    """
    n_directions = len(trace.inputs)
    width = dy.shape[1] // n_directions
    d_hidden = _reversed(torch.stack(dy.chunk(n_directions, dim=1)), packing)
    d_hidden /= cell.scales.get("hidden", 1.0)
    out = {
        name: dy.new_empty(n_directions, packing.n_tokens, multiple * width)
        for name, multiple in cell.gradients.items()
    }
    d_states = zeros(cell, dy, n_directions, packing.n_sequences, width)
    for name, tensor in scaled(cell, d_final or {}, -1).items():
        d_states[name].copy_(tensor)
    for rows in packing.steps_back():
        size = rows.stop - rows.start
        later = {name: tensor[:, :size] for name, tensor in d_states.items()}
        d_step = d_hidden[:, rows]
        d_before = cell.step_back(
            trace.weights,
            {name: array[:, rows] for name, array in trace.arrays.items()},
            {name: array[:, rows] for name, array in trace.before.items()},
            d_step + later["hidden"] if "hidden" in later else d_step,
            later,
            {name: array[:, rows] for name, array in out.items()},
        )
        for name, gradient in d_before.items():
            later[name].copy_(gradient)
    gradients, d_inputs = cell.weight_gradients(trace.weights, trace.before, out, trace.inputs)
    return _reversed(d_inputs, packing).sum(0), gradients, scaled(cell, d_states, 1)


def _reversed(per_direction: torch.Tensor, packing: Packing) -> torch.Tensor:
    """Reverse the documents of the second direction, if there is one. Same shape."""
    if len(per_direction) == 1:
        return per_direction
    rows = torch.from_numpy(packing.reversed_rows).to(per_direction.device)
    return torch.stack([per_direction[0], per_direction[1].index_select(0, rows)])


def states_before(states: torch.Tensor, first: torch.Tensor, packing: Packing) -> torch.Tensor:
    """For each token the state before it. Shape (D, n_tokens, H).

    states: those after each token. first: those before the first tokens.
    """
    rows = torch.from_numpy(packing.previous[packing.n_sequences :]).to(states.device)
    return torch.cat([first, states.index_select(1, rows)], dim=1)


def _side_by_side(per_direction: torch.Tensor) -> torch.Tensor:
    """(D, n_tokens, H) to (n_tokens, D * H)."""
    return torch.cat(list(per_direction), dim=1)
