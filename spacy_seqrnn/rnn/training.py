"""The LSTM's recurrence for training on a CPU, with an explicit backward pass.

Both directions run in the same loop, the backward one over documents that are turned round, so a
time step is one batched matrix product each way. Gradients of the weights are one product over all
tokens instead of one for each time step, which is what torch's autograd makes of it.
"""

from dataclasses import dataclass

import torch

from ..batch.packing import Packing
from .stepwise import tanh

# torch and cuDNN order the gates input, forget, cell, output. Here the three with a logistic
# function stand together: input, forget, output, cell. The permutation is its own inverse.
GATE_ORDER = [0, 1, 3, 2]


@dataclass(frozen=True)
class Weights:
    """The weights of all directions. D is the number of directions, H the width of each.

    input: Shape (D, 4H, nI).
    recurrent: Shape (D, 4H, H).
    bias: Shape (D, 4H).
    """

    input: torch.Tensor
    recurrent: torch.Tensor
    bias: torch.Tensor


@dataclass(frozen=True)
class Trace:
    """What the backward pass needs of the forward pass. Rows are tokens, packed, per direction.

    inputs: Shape (D, n_tokens, nI).
    gates: input, forget and output gate and cell input. Shape (D, n_tokens, 4H).
    hidden, cells, tanh_cells: Shape (D, n_tokens, H).
    """

    inputs: torch.Tensor
    gates: torch.Tensor
    hidden: torch.Tensor
    cells: torch.Tensor
    tanh_cells: torch.Tensor


def lstm_forward(x: torch.Tensor, weights: Weights, packing: Packing) -> tuple[torch.Tensor, Trace]:
    """Read the documents of a batch (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

    x: Shape (n_tokens, nI), packed.
    Returns the hidden states, shape (n_tokens, D * H), packed.
    """
    n_directions, _, width = weights.recurrent.shape
    inputs = _turned(x.expand(n_directions, *x.shape), packing)
    # As tanh(v) = 2 σ(2v) − 1, one call does all gates of a step.
    doubled = weights.bias.new_ones(4 * width, 1)
    doubled[3 * width :] = 2.0
    gates = torch.baddbmm(
        (_reordered(weights.bias, width) * doubled[:, 0]).unsqueeze(1),
        inputs,
        (_reordered(weights.input, width) * doubled).transpose(1, 2),
    )
    recurrent = (_reordered(weights.recurrent, width) * doubled).transpose(1, 2).contiguous()
    hidden, cells, tanh_cells = x.new_empty(3, n_directions, packing.n_tokens, width)
    h, c = x.new_zeros(2, n_directions, packing.n_sequences, width)
    for now in packing.steps():
        size = now.stop - now.start
        step = gates[:, now]
        step.baddbmm_(h[:, :size], recurrent).sigmoid_()
        input_gate, forget_gate, output_gate, half_cell_input = step.chunk(4, dim=2)
        c = torch.mul(forget_gate, c[:, :size], out=cells[:, now])
        c.addcmul_(input_gate, half_cell_input, value=2.0).sub_(input_gate)
        squashed = tanh(c, out=tanh_cells[:, now])
        h = torch.mul(output_gate, squashed, out=hidden[:, now])
    gates[:, :, 3 * width :].mul_(2.0).sub_(1.0)
    return _side_by_side(_turned(hidden, packing)), Trace(inputs, gates, hidden, cells, tanh_cells)


def lstm_backward(
    dy: torch.Tensor, weights: Weights, packing: Packing, trace: Trace
) -> tuple[torch.Tensor, Weights]:
    """The gradients of the input, shape (n_tokens, nI), and of the weights."""
    n_directions, _, width = weights.recurrent.shape
    before_h = _states_before(trace.hidden, packing)
    before_c = _states_before(trace.cells, packing)
    input_gate, forget_gate, output_gate, cell_input = trace.gates.split(width, dim=2)
    # What the gradient of a state is multiplied with to give that of what made it, for all tokens
    # at once: only the gradients themselves have to go back step by step.
    to_cell = output_gate * (1 - trace.tanh_cells**2)
    # σ' = σ − σ², and for tanh, the last of the gates, 1 − tanh²
    to_gates = torch.addcmul(trace.gates, trace.gates, trace.gates, value=-1.0)
    to_gates = to_gates.view(n_directions, packing.n_tokens, 4, width)
    for gate, factor in enumerate((cell_input, before_c, trace.tanh_cells)):
        to_gates[:, :, gate] *= factor
    of_cell_input = input_gate * cell_input
    torch.addcmul(input_gate, of_cell_input, cell_input, value=-1.0, out=to_gates[:, :, 3])
    d_hidden = _turned(_one_by_one(dy, n_directions), packing)
    d_gates = torch.empty_like(trace.gates)
    by_gate = d_gates.view(to_gates.shape)
    recurrent = _reordered(weights.recurrent, width)
    dh, dc = dy.new_zeros(2, n_directions, packing.n_sequences, width)
    for now in packing.steps_back():
        size = now.stop - now.start
        d_step = d_hidden[:, now] + dh[:, :size]
        d_cell = dc[:, :size].addcmul_(d_step, to_cell[:, now])
        torch.mul(to_gates[:, now], d_cell.unsqueeze(2), out=by_gate[:, now])
        torch.mul(to_gates[:, now, 2], d_step, out=by_gate[:, now, 2])
        dh[:, :size] = torch.bmm(d_gates[:, now], recurrent)
        d_cell *= forget_gate[:, now]
    turned_gates = d_gates.transpose(1, 2)
    d_inputs = torch.bmm(d_gates, _reordered(weights.input, width))
    d_weights = Weights(
        _reordered(torch.bmm(turned_gates, trace.inputs), width),
        _reordered(torch.bmm(turned_gates, before_h), width),
        _reordered(d_gates.sum(1), width),
    )
    return _turned(d_inputs, packing).sum(0), d_weights


def _turned(per_direction: torch.Tensor, packing: Packing) -> torch.Tensor:
    """Turn the documents of the second direction round, if there is one. Same shape."""
    if len(per_direction) == 1:
        return per_direction
    turned = torch.from_numpy(packing.reversed_rows)
    return torch.stack([per_direction[0], per_direction[1].index_select(0, turned)])


def _states_before(states: torch.Tensor, packing: Packing) -> torch.Tensor:
    """For each token the state before it, zeros for the first. Shape (D, n_tokens, H)."""
    n_first = packing.n_sequences
    first = states.new_zeros(len(states), n_first, states.shape[2])
    later = states.index_select(1, torch.from_numpy(packing.previous[n_first:]))
    return torch.cat([first, later], dim=1)


def _reordered(weights: torch.Tensor, width: int) -> torch.Tensor:
    """Change the order of the gates, in dimension 1, between torch's and this module's."""
    gates = weights.split(width, dim=1)
    return torch.cat([gates[i] for i in GATE_ORDER], dim=1)


def _side_by_side(per_direction: torch.Tensor) -> torch.Tensor:
    """(D, n_tokens, H) to (n_tokens, D * H)."""
    return torch.cat(list(per_direction), dim=1)


def _one_by_one(states: torch.Tensor, n_directions: int) -> torch.Tensor:
    """(n_tokens, D * H) to (D, n_tokens, H)."""
    return torch.stack(states.chunk(n_directions, dim=1))
