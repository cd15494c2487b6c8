"""What a decoder gets of a source: the memory that it attends to, and its first states."""

from collections.abc import Callable

import torch

from ..rnn.cells import Tensors
from .decoder import Weights
from .memory import Memory, Places, find_outside, lay_out, pick_up

# From the gradients of memory and first states to that of the source states, (n_tokens, V). Those
# of the decoder's arrays are added to what it is given.
BackpropSource = Callable[[Memory, list[Tensors], Tensors], torch.Tensor]


def read_source(
    weights: Weights, rows: torch.Tensor, places: Places
) -> tuple[Memory, list[Tensors], BackpropSource]:
    """rows: the states of the source tokens, in the order of `places`. Shape (n_tokens, V).

    Returns the memory, the states of each layer before the first unit, (1, n_docs, H) each, and the
    backward pass.
    """
    memory = _memory(weights, rows, places)
    ends = _ends(rows, places)  # (n_docs, 2V)
    W, b = weights.arrays["bridge_weights"], weights.arrays["bridge_bias"]
    first = torch.addmm(b, ends, W.T).tanh_()  # (n_docs, n_states * H)

    def backprop(d_memory: Memory, d_states: list[Tensors], gradients: Tensors) -> torch.Tensor:
        d_rows = _memory_back(weights, rows, places, d_memory, gradients)
        d_first = torch.cat([d_state[0] for layer in d_states for d_state in layer.values()], dim=1)
        d_first.addcmul_(d_first * first, first, value=-1.0)
        gradients["bridge_weights"].addmm_(d_first.T, ends)
        gradients["bridge_bias"] += d_first.sum(0)
        _ends_back(d_first @ W, places, d_rows)
        return d_rows

    return memory, _by_layer(weights, first), backprop


def _by_layer(weights: Weights, first: torch.Tensor) -> list[Tensors]:
    """The first states of each layer, by the names of the cell."""
    states = iter(first.unsqueeze(0).split(weights.width, dim=2))
    return [{name: next(states) for name in weights.cell.states} for _ in weights.layers]


def _memory(weights: Weights, rows: torch.Tensor, places: Places) -> Memory:
    if weights.attention is None:
        n_docs = len(places.lengths)
        keys = rows.new_zeros(n_docs, 0, weights.width)
        return Memory(rows.new_zeros(n_docs, 0, 0), keys, rows.new_zeros(n_docs, 0).bool())
    keys = lay_out(rows @ weights.arrays["key_weights"].T, places)
    return Memory(lay_out(rows, places), keys, find_outside(places, rows.device))


def _memory_back(
    weights: Weights, rows: torch.Tensor, places: Places, d_memory: Memory, gradients: Tensors
) -> torch.Tensor:
    if weights.attention is None:
        return torch.zeros_like(rows)
    d_keys = pick_up(d_memory.keys, places)  # (n_tokens, A)
    gradients["key_weights"].addmm_(d_keys.T, rows)
    return torch.addmm(pick_up(d_memory.values, places), d_keys, weights.arrays["key_weights"])


def _ends(rows: torch.Tensor, places: Places) -> torch.Tensor:
    """The states of the first and the last token of each document, zeros if there is none."""
    docs, first, last = _end_rows(places, rows.device)
    ends = rows.new_zeros(len(places.lengths), 2 * rows.shape[1])
    ends[docs] = torch.cat([rows[first], rows[last]], dim=1)
    return ends


def _ends_back(d_ends: torch.Tensor, places: Places, d_rows: torch.Tensor) -> None:
    """Add the gradient of the ends to that of the rows."""
    docs, first, last = _end_rows(places, d_rows.device)
    d_first, d_last = d_ends[docs].chunk(2, dim=1)
    d_rows.index_add_(0, first, d_first)
    d_rows.index_add_(0, last, d_last)


def _end_rows(places: Places, device: torch.device) -> list[torch.Tensor]:
    """The documents that have tokens, and the rows of their first and last ones."""
    docs = places.lengths.nonzero()[0]
    ends = places.lengths.cumsum()[docs]
    rows = [docs, ends - places.lengths[docs], ends - 1]
    return [torch.from_numpy(each).to(device) for each in rows]
