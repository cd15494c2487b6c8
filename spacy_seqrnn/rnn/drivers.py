"""The choice of the driver: what is fastest for the device, the cell and the batch.

Torch's kernel, for a cell that it has one for, reads everything on a GPU. On a CPU it predicts few
documents, and very long ones; `stepwise` predicts all others, and `training` trains.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from thinc.api import Model

from ..batch.distinct import DistinctRows
from ..batch.no_backprop import no_backprop
from ..batch.packed import Packed
from ..batch.packing import Packing
from . import kernel, stepwise, training
from .cells import Tensors
from .states import zeros
from .tensors import (
    cell_of,
    direction_weights,
    hidden_width,
    layout_of,
    stacked,
    to_torch,
    to_xp,
    unstacked,
)


@dataclass(frozen=True)
class Reading:
    """What reading a batch gives.

    Y: the hidden states.
    final: the states after the last tokens, (D, n_sequences, H) each, longest document first.
    backprop: from the gradients of both to those of the input and of the initial states.
    """

    Y: Packed
    final: Tensors
    backprop: Callable[..., tuple[Packed, Tensors]]


def predict(model: Model[Packed, Packed], X: Packed) -> Packed:
    """Read from states of zero."""
    if X.packing.n_tokens == 0:
        return _read_nothing(model, X).Y
    with torch.inference_mode():
        y = _run_kernel(model, X, None)[0] if _by_kernel(model) else _predict(model, X)
    return Packed(to_xp(model.ops, y), X.packing)


def prepare(model: Model[Packed, Packed]) -> Tensors:
    """The weights as steps need them, which takes longer than to read one token with them."""
    with torch.inference_mode():
        return cell_of(model).prepare(stacked(direction_weights(model)))


def predict_on(
    model: Model[Packed, Packed],
    X: Packed,
    initial: Tensors | None,
    prepared: Tensors | None = None,
) -> Reading:
    """Read from given states, in steps on a CPU: so a text in parts has the bits of the whole.

    prepared: what `prepare` gives, if the weights have not changed since.
    """
    if X.packing.n_tokens == 0:
        return _read_nothing(model, X)
    with torch.inference_mode():
        if _by_kernel(model):
            y, final = _run_kernel(model, X, initial)
        else:
            words, index = _words(model, X)
            prepared = prepared or prepare(model)
            y, final = stepwise.read(cell_of(model), prepared, words, index, X.packing, initial)
    return Reading(Packed(to_xp(model.ops, y), X.packing), final, no_backprop)


def train(model: Model[Packed, Packed], X: Packed, initial: Tensors | None) -> Reading:
    """Read from given states, None for zeros, with a backward pass."""
    if X.packing.n_tokens == 0:
        return _read_nothing(model, X)
    if _by_kernel(model):
        return _train_by_kernel(model, X, initial)
    return _train_in_steps(model, X, initial)


def _read_nothing(model: Model[Packed, Packed], X: Packed) -> Reading:
    """A batch in which no document has a token."""
    ops, width = model.ops, hidden_width(model)
    none = zeros(cell_of(model), torch.zeros(0), model.attrs["directions"], 0, width)

    def backprop(dY: Packed, d_final: Tensors | None) -> tuple[Packed, Tensors]:
        return Packed(ops.alloc2f(0, model.get_dim("nI")), X.packing), none

    return Reading(Packed(ops.alloc2f(0, model.get_dim("nO")), X.packing), none, backprop)


def _by_kernel(model: Model[Packed, Packed]) -> bool:
    """Whether torch's kernel always is the fastest. On a CPU its backward pass is slow."""
    return model.ops.device_type == "gpu" and cell_of(model).kernel is not None


def _predict(model: Model[Packed, Packed], X: Packed) -> torch.Tensor:
    """Read few documents and very long ones by torch's kernel, all others in steps."""
    cell, packing = cell_of(model), X.packing
    n_docs = packing.n_sequences
    n_alone = stepwise.n_better_alone(packing) if cell.kernel else 0
    weights = direction_weights(model)
    if n_alone == n_docs:
        return kernel.read(cell, weights, to_torch(model.ops, X.data), packing)
    words, index = _words(model, X)
    if n_alone == 0:
        return stepwise.read(cell, prepare(model), words, index, packing)[0]
    y = words.new_empty(packing.n_tokens, model.get_dim("nO"))
    rows, part = _part(packing, 0, n_alone)
    y.index_copy_(0, rows, kernel.read(cell, weights, words[index[rows]], part))
    rows, part = _part(packing, n_alone, n_docs)
    used, index = torch.unique(index[rows], return_inverse=True)  # for less memory
    read_in_steps, _ = stepwise.read(cell, prepare(model), words[used], index, part)
    return y.index_copy_(0, rows, read_in_steps)


def _words(model: Model[Packed, Packed], X: Packed) -> tuple[torch.Tensor, torch.Tensor]:
    """Distinct input vectors, (n_words, nI), and which of them each token has, (n_tokens,)."""
    distinct = X.distinct or DistinctRows(X.data, np.arange(X.packing.n_tokens))
    words = to_torch(model.ops, distinct.rows)
    return words, torch.from_numpy(distinct.index).to(words.device)


def _part(packing: Packing, first: int, end: int) -> tuple[torch.Tensor, Packing]:
    rows, part = packing.part(first, end)
    return torch.from_numpy(rows), part


def _run_kernel(
    model: Model[Packed, Packed], X: Packed, initial: Tensors | None
) -> tuple[torch.Tensor, Tensors]:
    x, weights = to_torch(model.ops, X.data), direction_weights(model)
    return kernel.run(cell_of(model), weights, x, X.packing, initial)


def _train_by_kernel(model: Model[Packed, Packed], X: Packed, initial: Tensors | None) -> Reading:
    cell, ops = cell_of(model), model.ops
    x, weights = to_torch(ops, X.data), direction_weights(model)
    y, final, backprop_kernel = kernel.train(cell, weights, x, X.packing, initial)

    def backprop(dY: Packed, d_final: Tensors | None) -> tuple[Packed, Tensors]:
        dx, gradients, d_states = backprop_kernel(to_torch(ops, dY.data), d_final)
        _add_gradients(model, gradients)
        return Packed(to_xp(ops, dx), X.packing), d_states

    return Reading(Packed(to_xp(ops, y), X.packing), final, backprop)


def _train_in_steps(model: Model[Packed, Packed], X: Packed, initial: Tensors | None) -> Reading:
    cell, ops = cell_of(model), model.ops
    with torch.inference_mode():
        weights = stacked(direction_weights(model))
        y, final, trace = training.forward(cell, weights, to_torch(ops, X.data), X.packing, initial)

    def backprop(dY: Packed, d_final: Tensors | None) -> tuple[Packed, Tensors]:
        with torch.inference_mode():
            dy = to_torch(ops, dY.data)
            dx, gradients, d_states = training.backward(cell, dy, X.packing, trace, d_final)
            _add_gradients(model, unstacked(gradients))
        return Packed(to_xp(ops, dx), X.packing), d_states

    return Reading(Packed(to_xp(ops, y), X.packing), final, backprop)


def _add_gradients(model: Model[Packed, Packed], gradients: list[Tensors]) -> None:
    """gradients: those of the arrays of each direction."""
    model.inc_grad("weights", to_xp(model.ops, layout_of(model).join(gradients)))
