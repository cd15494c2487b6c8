"""The recurrence by torch's own kernels: on a GPU always, on a CPU in prediction for few documents.

They are what `torch.nn.LSTM` and its kin call; the modules around them would own the weights, which
here Thinc does.
"""

from collections.abc import Callable

import numpy as np
import torch

from ..batch.packing import Packing
from .cells import Cell, Tensors
from .states import zeros

# oneDNN's kernel reads several documents up to twice as fast where each has a token at every step.
# torch keeps 1024 of these kernels, one for each number of steps and of documents, and a new one
# costs as much as a short text: so such chunks are multiples of the first number of steps, and have
# no more than the second.
CHUNK_STEPS, MOST_STEPS = 16, 64


def read(cell: Cell, weights: list[Tensors], x: torch.Tensor, packing: Packing) -> torch.Tensor:
    """Read the documents of a batch from states of zero, on a CPU as fast as it can; see `run`."""
    n_docs = packing.n_sequences
    if n_docs == 1:
        return run(cell, weights, x, packing)[0]
    width = _width(weights)
    y = x.new_empty(packing.n_tokens, len(weights) * width)
    reversed_rows = torch.from_numpy(packing.reversed_rows)
    for direction, outputs in enumerate(y.split(width, dim=1)):
        inputs = x.index_select(0, reversed_rows) if direction else x
        hidden = _read_direction(cell, weights[direction], inputs, packing)
        if direction:
            torch.index_select(hidden, 0, reversed_rows, out=outputs)
        else:
            outputs.copy_(hidden)
    return y


def _read_direction(
    cell: Cell, weights: Tensors, x: torch.Tensor, packing: Packing
) -> torch.Tensor:
    """Read in one direction, chunk by chunk. Returns (n_tokens, H)."""
    states = zeros(cell, x, 1, packing.n_sequences, _width([weights]))
    hidden = []
    starts = [*packing.starts.tolist(), packing.n_tokens]
    for first, end, is_dense in _chunks(packing):
        sizes = packing.size_at_t[first:end]
        rows = x[starts[first] : starts[end]]
        own = {name: state[:, : sizes[0]] for name, state in states.items()}
        shape = torch.from_numpy(sizes) if not is_dense else None
        if is_dense:
            rows = rows.view(end - first, int(sizes[0]), -1)
        chunk, states = _call(cell, [weights], rows, shape, own)
        hidden.append(chunk.view(-1, chunk.shape[-1]))
    return torch.cat(hidden)


def _chunks(packing: Packing) -> list[tuple[int, int, bool]]:
    """First time step, end and whether every document of the chunk has a token at each of them."""
    sizes = packing.size_at_t
    changes = np.flatnonzero(np.diff(sizes)) + 1
    chunks, done = [], 0
    for first, end in zip([0, *changes], [*changes, len(sizes)], strict=True):
        n_dense = (end - first) // CHUNK_STEPS * CHUNK_STEPS
        if n_dense and first > done:
            chunks.append((done, first, False))
        for at in range(first, first + n_dense, MOST_STEPS):
            done = min(at + MOST_STEPS, first + n_dense)
            chunks.append((at, done, True))
    if done < len(sizes):
        chunks.append((done, len(sizes), False))
    return chunks


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
