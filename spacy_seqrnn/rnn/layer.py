"""One recurrent layer: parameters kept by Thinc, the recurrence computed by PyTorch.

All weights of a layer are one flat Thinc parameter in cuDNN's order. Thinc's own serialisation,
averaging, copying and optimizers therefore see an ordinary array, and torch gets contiguous views
of it without a copy.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from thinc.api import Model

from ..batch.no_backprop import no_backprop
from ..batch.packed import DistinctRows, Packed
from ..batch.packing import Packing
from ..config_errors import ConfigError
from ..saved.layers import describe_layer
from ..saved.shapes import Layer
from ..types import Floats3d
from . import kernel, stepwise, training
from .cells import CELLS, Cell, Tensors
from .states import States, by_rank, check_states, in_batch_order, zeros
from .tensors import Layout, layout, stacked, to_torch, to_xp, unstacked
from .threads import leave_parents_threads

# cuDNN reads bfloat16 only since version 9.13. What this format lacks in range, the backward pass
# makes up for.
HALF_PRECISION = torch.float16


def RNN(
    *,
    cell: str,
    nO: int,
    nI: int | None = None,
    bidirectional: bool = True,
    mixed_precision: bool = False,
) -> Model[Packed, Packed]:
    """One recurrent layer over the packed layout.

    cell: one of `spacy_seqrnn.rnn.cells.CELLS`.
    nO: output width, both directions together.
    nI: input width; inferred from the first batch if None.
    bidirectional: concatenate a layer that reads left to right and one that reads right to left.
    mixed_precision: compute the recurrence in `HALF_PRECISION` on a GPU, if torch has a kernel for
        the cell; no effect on a CPU. Parameters, inputs and results stay in float32. It is no
        attribute of the model, because those are saved and loading would bring the old one back;
        the function is not.

    Raises ValueError for an unknown cell or a width that the directions cannot share.
    """
    _check_options(cell, nO, bidirectional)
    return Layer(
        cell,
        forward_in_mixed_precision if mixed_precision else forward,
        init=init,
        params={"weights": None},
        dims={"nI": nI, "nO": nO},
        attrs={"cell": cell, "directions": 2 if bidirectional else 1},
    )


def _check_options(cell: str, nO: int, bidirectional: bool) -> None:
    if cell not in CELLS:
        raise ConfigError(
            "cell", cell, f"Unknown cell {cell!r}: set `cell` to one of {', '.join(CELLS)}."
        )
    if bidirectional and nO % 2:
        raise ConfigError(
            "width",
            nO,
            f"A bidirectional layer cannot be {nO} wide, because each direction has half of it: "
            "set `width` to an even number.",
        )


def forward(model: Model[Packed, Packed], X: Packed, is_train: bool) -> tuple[Packed, Callable]:
    """Read each document from states of zero."""
    leave_parents_threads()
    if X.packing.n_tokens == 0:
        reading = _read_nothing(model, X)
    elif is_train:
        reading = _train(model, X, None)
    else:
        with torch.inference_mode():
            return Packed(to_xp(model.ops, _predict(model, X)), X.packing), no_backprop

    def backprop(dY: Packed) -> Packed:
        return reading.backprop(dY, None)[0]

    return reading.Y, backprop


def forward_in_mixed_precision(
    model: Model[Packed, Packed], X: Packed, is_train: bool
) -> tuple[Packed, Callable]:
    return forward(model, X, is_train)


def read(
    model: Model[Packed, Packed], X: Packed, states: States | None = None, *, is_train: bool
) -> tuple[Packed, list[Floats3d], Callable]:
    """Read documents that continue where others have ended.

    On a CPU a document in any number of parts gives the same bits as in one, if each direction is a
    multiple of 32 wide; of other widths the last digits can differ. They can also differ from what
    `forward` predicts, which reads few documents with torch's kernels.

    states: one array for each state of the cell, in the order of its `Cell.states`, each of shape
        (directions, documents, H), where the documents are in the order of the batch. None: zeros.
        Those of the direction that reads right to left are the states behind the last token.

    Returns the hidden states, the states after reading, which are of the same kind, and the
    backward pass, which takes the gradients of both (None for states that do not count) and gives
    those of `X` and of `states`.
    Raises ValueError for states of another shape.
    """
    leave_parents_threads()
    cell, ops, packing = cell_of(model), model.ops, X.packing
    if states is not None:
        shape = (model.attrs["directions"], len(packing.lengths), hidden_width(model))
        check_states(states, cell, shape)
    initial = by_rank(ops, states, cell, packing)
    if packing.n_tokens == 0:
        reading = _read_nothing(model, X)
    elif is_train:
        reading = _train(model, X, initial)
    else:
        reading = _continue(model, X, initial)
    final = in_batch_order(ops, reading.final, cell, packing, states)

    def backprop(dY: Packed, d_final: States | None = None) -> tuple[Packed, list[Floats3d]]:
        dX, d_states = reading.backprop(dY, by_rank(ops, d_final, cell, packing))
        return dX, in_batch_order(ops, d_states, cell, packing, d_final)

    return reading.Y, final, backprop if is_train else no_backprop


@dataclass(frozen=True)
class _Reading:
    """Hidden states, the states after the last tokens by rank, and the backward pass."""

    Y: Packed
    final: Tensors
    backprop: Callable[..., tuple[Packed, Tensors]]


def _read_nothing(model: Model, X: Packed) -> _Reading:
    """A batch in which no document has a token."""
    ops, width = model.ops, hidden_width(model)
    none = zeros(cell_of(model), torch.zeros(0), model.attrs["directions"], 0, width)

    def backprop(dY: Packed, d_final: Tensors | None) -> tuple[Packed, Tensors]:
        return Packed(ops.alloc2f(0, model.get_dim("nI")), X.packing), none

    return _Reading(Packed(ops.alloc2f(0, model.get_dim("nO")), X.packing), none, backprop)


def _by_kernel(model: Model) -> bool:
    """Whether torch's kernel always is the fastest. On a CPU its backward pass is slow."""
    return model.ops.device_type == "gpu" and cell_of(model).kernel is not None


def _format(model: Model) -> torch.dtype:
    is_mixed = model._func is forward_in_mixed_precision and _by_kernel(model)
    return HALF_PRECISION if is_mixed else torch.float32


def _predict(model: Model, X: Packed) -> torch.Tensor:
    """Read from states of zero by the driver that is fastest for the device, cell and batch.

    On a CPU: few documents and very long ones by torch's kernel, all others in steps.
    """
    if _by_kernel(model):
        return _run_kernel(model, X, None)[0]
    cell, packing = cell_of(model), X.packing
    n_docs = packing.n_sequences
    n_alone = stepwise.n_better_alone(packing) if cell.kernel else 0
    weights = direction_weights(model)
    if n_alone == n_docs:
        return kernel.read(cell, weights, to_torch(model.ops, X.data), packing)
    words, index = _words(model, X)
    if n_alone == 0:
        return stepwise.read(cell, stacked(weights), words, index, packing)[0]
    y = words.new_empty(packing.n_tokens, model.get_dim("nO"))
    rows, part = _part(packing, 0, n_alone)
    y.index_copy_(0, rows, kernel.read(cell, weights, words[index[rows]], part))
    rows, part = _part(packing, n_alone, n_docs)
    used, index = torch.unique(index[rows], return_inverse=True)  # for less memory
    read_in_steps, _ = stepwise.read(cell, stacked(weights), words[used], index, part)
    return y.index_copy_(0, rows, read_in_steps)


def _words(model: Model, X: Packed) -> tuple[torch.Tensor, torch.Tensor]:
    """Distinct input vectors, and which of them each token has."""
    distinct = X.distinct or DistinctRows(X.data, np.arange(X.packing.n_tokens))
    words = to_torch(model.ops, distinct.rows)
    return words, torch.from_numpy(distinct.index).to(words.device)


def _part(packing: Packing, first: int, end: int) -> tuple[torch.Tensor, Packing]:
    rows, part = packing.part(first, end)
    return torch.from_numpy(rows), part


def _continue(model: Model, X: Packed, initial: Tensors | None) -> _Reading:
    """Predict with states that go in and come out."""
    with torch.inference_mode():
        if _by_kernel(model):
            y, final = _run_kernel(model, X, initial)
        else:
            weights = stacked(direction_weights(model))
            words, index = _words(model, X)
            y, final = stepwise.read(cell_of(model), weights, words, index, X.packing, initial)
    return _Reading(Packed(to_xp(model.ops, y), X.packing), final, no_backprop)


def _run_kernel(model: Model, X: Packed, initial: Tensors | None) -> tuple[torch.Tensor, Tensors]:
    dtype = _format(model)
    x, weights = to_torch(model.ops, X.data).to(dtype), direction_weights(model, dtype)
    y, final = kernel.run(cell_of(model), weights, x, X.packing, _to(dtype, initial))
    return y.float(), _to(torch.float32, final)


def _to(dtype: torch.dtype, states: Tensors | None) -> Tensors | None:
    return None if states is None else {name: state.to(dtype) for name, state in states.items()}


def _train(model: Model, X: Packed, initial: Tensors | None) -> _Reading:
    train = _train_by_kernel if _by_kernel(model) else _train_in_steps
    return train(model, X, initial)


def _train_by_kernel(model: Model, X: Packed, initial: Tensors | None) -> _Reading:
    ops, dtype = model.ops, _format(model)
    y, final, backprop_kernel = kernel.train(
        cell_of(model),
        direction_weights(model, dtype),
        to_torch(ops, X.data).to(dtype),
        X.packing,
        _to(dtype, initial),
    )

    def backprop(dY: Packed, d_final: Tensors | None) -> tuple[Packed, Tensors]:
        dx, gradients, d_states = backprop_kernel(to_torch(ops, dY.data), d_final)
        _add_gradients(model, gradients)
        return Packed(to_xp(ops, dx), X.packing), d_states

    final = {name: state.detach().float() for name, state in final.items()}
    return _Reading(Packed(to_xp(ops, y.float()), X.packing), final, backprop)


def _train_in_steps(model: Model, X: Packed, initial: Tensors | None) -> _Reading:
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

    return _Reading(Packed(to_xp(ops, y), X.packing), final, backprop)


def _add_gradients(model: Model, gradients: list[Tensors]) -> None:
    """gradients: those of the arrays of each direction."""
    model.inc_grad("weights", to_xp(model.ops, layout_of(model).join(gradients)))


def init(model: Model[Packed, Packed], X: Packed | None = None, Y: Packed | None = None) -> None:
    if X is not None:
        model.set_dim("nI", X.data.shape[1])
    cell, ops, hidden = cell_of(model), model.ops, hidden_width(model)
    arrays = [cell.initial(ops, name, shape, hidden) for _, name, shape in layout_of(model).arrays]
    model.set_param("weights", ops.xp.concatenate([array.ravel() for array in arrays]))


def cell_of(model: Model) -> Cell:
    """The cell of a layer that this module makes."""
    return CELLS[model.attrs["cell"]]


def hidden_width(model: Model) -> int:
    """The width of one direction of a layer."""
    return model.get_dim("nO") // model.attrs["directions"]


def layout_of(model: Model[Packed, Packed]) -> Layout:
    """Where the arrays are in the flat parameter `weights` of a layer."""
    return layout(
        cell_of(model), model.get_dim("nI"), hidden_width(model), model.attrs["directions"]
    )


def shape_of(model: Model[Packed, Packed], param: str) -> tuple[int, ...]:
    """The shape of the flat parameter `weights`."""
    return (sum(layout_of(model).sizes),)


for function in (forward, forward_in_mixed_precision):
    describe_layer(function, param_shapes=shape_of, fixed_attrs=["cell", "directions"])


def direction_weights(
    model: Model[Packed, Packed], dtype: torch.dtype = torch.float32
) -> list[Tensors]:
    """The arrays of each direction, by name: views of the parameter if the format is its own."""
    flat = to_torch(model.ops, model.get_param("weights"))
    return layout_of(model).split(flat.to(dtype))
