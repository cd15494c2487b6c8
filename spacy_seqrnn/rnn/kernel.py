"""The recurrence by torch's own kernels: on a GPU always, on a CPU in prediction for few documents.

They are what `torch.nn.LSTM` and its kin call; the modules around them would own the weights, which
here Thinc does.
"""

from collections.abc import Callable

import torch

from ..batch.packing import Packing
from .cells import Cell, Tensors
from .states import zeros


def read(cell: Cell, weights: list[Tensors], x: torch.Tensor, packing: Packing) -> torch.Tensor:
    """Read the documents of a batch from states of zero, as fast as a CPU can; see `run`.

    oneDNN's kernel for the LSTM computes all gates of a step at once, but only where every document
    has a token at every step; over documents that end one by one the kernel is up to twice as slow.
    So those are read in stretches. Rows that are thrown away come after all tokens of their
    document, in either direction, so they change nothing.
    """
    if packing.n_sequences == 1 or not cell.kernel_wants_padding:
        return run(cell, weights, x, packing)[0]
    width = _width(weights)
    # The last row of each is for what is thrown away.
    x = torch.cat([x, x.new_zeros(1, x.shape[1])])  # (n_tokens + 1, nI)
    y = x.new_empty(len(x), len(weights) * width)
    for direction, outputs in enumerate(y.split(width, dim=1)):
        states = zeros(cell, x, 1, packing.stretches[0].n_docs, width)
        for stretch in packing.stretches:
            rows = torch.from_numpy(stretch.rows[direction])
            inputs = x.index_select(0, rows).view(-1, stretch.n_docs, x.shape[1])
            states = {name: state[:, : stretch.n_docs] for name, state in states.items()}
            hidden, states = _call(cell, [weights[direction]], inputs, None, states)
            outputs.index_copy_(0, rows, hidden.reshape(-1, width))
    return y[:-1]


def run(
    cell: Cell,
    weights: list[Tensors],
    x: torch.Tensor,
    packing: Packing,
    initial: Tensors | None = None,
) -> tuple[torch.Tensor, Tensors]:
    """Call the kernel once, on any device; autograd can follow it.

    weights: of each direction.
    x: Shape (n_tokens, nI), packed.
    initial: the states before the first tokens, (D, n_sequences, H), longest document first.

    Returns the hidden states, (n_tokens, D * H), packed, and the states after the last tokens.
    """
    if initial is None:
        initial = zeros(cell, x, len(weights), packing.n_sequences, _width(weights))
    return _call(cell, weights, x, torch.from_numpy(packing.size_at_t), initial)


def _call(
    cell: Cell,
    weights: list[Tensors],
    x: torch.Tensor,
    sizes: torch.Tensor | None,
    states: Tensors,
) -> tuple[torch.Tensor, Tensors]:
    """x: (n_rows, nI) if `sizes` has the documents of each step, else (n_steps, n_docs, nI)."""
    options = (
        True,  # has biases
        1,  # layers
        0.0,  # dropout: ours is locked and outside
        x.requires_grad,
        len(weights) == 2,
    )
    arrays = [array for direction in weights for array in direction.values()]
    given = [states[name] for name in cell.states]
    first = given if len(given) > 1 else given[0]
    if sizes is None:
        hidden, *after = cell.kernel(x, first, arrays, *options, False)  # type: ignore[misc]
    else:
        hidden, *after = cell.kernel(x, sizes, first, arrays, *options)  # type: ignore[misc]
    return hidden, dict(zip(cell.states, after, strict=True))


def train(
    cell: Cell,
    weights: list[Tensors],
    x: torch.Tensor,
    packing: Packing,
    initial: Tensors | None,
) -> tuple[
    torch.Tensor,
    Tensors,
    Callable[[torch.Tensor, Tensors | None], tuple[torch.Tensor, list[Tensors], Tensors]],
]:
    """Read the documents of a batch.

    Returns what `run` does and the backward pass: from the gradients of the hidden states and of
    the states after the last tokens (None: zeros) to those of the input, of all arrays of
    `weights`, and of the initial states.
    """
    if initial is None:
        initial = zeros(cell, x, len(weights), packing.n_sequences, _width(weights))
    given = [x, *(initial[name] for name in cell.states)]
    given += [array for one in weights for array in one.values()]
    leaves = [tensor.detach().requires_grad_() for tensor in given]
    rest = iter(leaves)
    x = next(rest)
    states = {name: next(rest) for name in cell.states}
    weights = [{name: next(rest) for name in one} for one in weights]
    with torch.enable_grad():
        y, final = run(cell, weights, x, packing, states)

    def backprop(
        dy: torch.Tensor, d_final: Tensors | None
    ) -> tuple[torch.Tensor, list[Tensors], Tensors]:
        outputs, gradients = [y], [dy]
        if d_final is not None:
            outputs += final.values()
            gradients += [d_final[name] for name in final]
        found = iter(torch.autograd.grad(outputs, leaves, grad_outputs=gradients))
        dx = next(found)
        d_states = {name: next(found) for name in cell.states}
        return dx, [{name: next(found) for name in one} for one in weights], d_states

    return y.detach(), {name: state.detach() for name, state in final.items()}, backprop


def _width(weights: list[Tensors]) -> int:
    return weights[0]["recurrent_weights"].shape[1]
