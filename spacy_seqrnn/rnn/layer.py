"""One recurrent layer: parameters kept by Thinc, the recurrence computed by PyTorch.

The cells are those of `torch.nn.RNN` (tanh; Elman 1990), `torch.nn.LSTM` (Hochreiter and
Schmidhuber 1997, with the forget gate of Gers et al. 2000) and `torch.nn.GRU` (Cho et al. 2014, in
cuDNN's variant, which applies the reset gate after the matrix product), each equal to its PyTorch
module with the same weights.

All weights of a layer are one flat Thinc parameter in cuDNN's order. Thinc's own serialisation,
averaging, copying and optimizers therefore see an ordinary array, and torch gets contiguous views
of it without a copy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from thinc.api import Model, Ops
from thinc.initializers import glorot_uniform_init
from thinc.util import torch2xp

from ..batch.no_backprop import no_backprop
from ..batch.packed import DistinctRows, Packed
from ..batch.packing import Packing
from ..config_errors import ConfigError
from ..saved.shapes import Layer
from ..types import Floats1d, FloatsXd
from .lstm_predict import lstm_predict
from .stepwise import n_better_alone, read_in_steps
from .threads import leave_parents_threads
from .training import Weights, lstm_backward, lstm_forward


@dataclass(frozen=True)
class Cell:
    """What distinguishes one recurrent cell from another.

    gates: how many blocks of `hidden` rows its weight matrices have.
    n_states: how many state arrays it carries from step to step: h, for LSTM also c.
    run: the torch kernel. `torch.lstm` and its kin are what `torch.nn.LSTM` itself calls; the
        module around them would own the weights, which here Thinc does.
    """

    gates: int
    n_states: int
    run: Callable


CELLS = {
    "rnn": Cell(gates=1, n_states=1, run=torch.rnn_tanh),
    "lstm": Cell(gates=4, n_states=2, run=torch.lstm),
    "gru": Cell(gates=3, n_states=1, run=torch.gru),
}
LSTM_FORGET_GATE = 1  # torch orders the gates input, forget, cell, output
# cuDNN reads bfloat16 only since version 9.13. What this format lacks in range, `_backprop_scaled`
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

    cell: "rnn", "lstm" or "gru".
    nO: output width, both directions together.
    nI: input width; inferred from the first batch if None.
    bidirectional: concatenate a layer that reads left to right and one that reads right to left.
    mixed_precision: compute the recurrence in lower precision: on a GPU in `HALF_PRECISION`, on a
        CPU in prediction its products in 8-bit integers. Parameters, inputs and results stay in
        float32. It is no attribute of the model, because those are saved and loading would bring
        the old one back; the function is not.

    Raises ValueError for an unknown cell or a width that the directions cannot share.
    """
    _check_options(cell, nO, bidirectional)
    return Layer(
        cell,
        forward_in_mixed_precision if mixed_precision else forward,
        init=init,
        params={"weights": None},
        shape_of=shape_of,
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
    return _forward(model, X, is_train, mixed_precision=False)


def forward_in_mixed_precision(
    model: Model[Packed, Packed], X: Packed, is_train: bool
) -> tuple[Packed, Callable]:
    return _forward(model, X, is_train, mixed_precision=True)


def _forward(
    model: Model[Packed, Packed], X: Packed, is_train: bool, *, mixed_precision: bool
) -> tuple[Packed, Callable]:
    leave_parents_threads()
    on_gpu = model.ops.device_type == "gpu"
    dtype = HALF_PRECISION if on_gpu and mixed_precision else torch.float32
    if is_train and model.attrs["cell"] == "lstm" and not on_gpu:
        return _train_lstm(model, X)
    if is_train:
        return _train_with_autograd(model, X, dtype)
    with torch.inference_mode():
        if on_gpu:
            x = _to_torch(model.ops, X.data).to(dtype)
            Y = _run(model, x, _tensors(model, dtype), X.packing).float()
        else:
            Y = _predict(model, X, int8=mixed_precision)
    return Packed(_to_xp(model.ops, Y), X.packing), no_backprop


def _predict(model: Model, X: Packed, *, int8: bool) -> torch.Tensor:
    """On a CPU: few documents and very long ones by torch's kernels, all others in steps."""
    packing = X.packing
    n_docs = packing.n_sequences
    # With integers all documents go one way, so that each has the same answer in any batch.
    n_alone = 0 if int8 else n_better_alone(packing)
    if n_alone == n_docs:
        return _by_kernel(model, torch.from_numpy(X.data), packing)
    distinct = X.distinct or DistinctRows(X.data, np.arange(packing.n_tokens))
    words, index = torch.from_numpy(distinct.rows), torch.from_numpy(distinct.index)
    cell, weights = model.attrs["cell"], direction_weights(model)
    if n_alone == 0:
        return read_in_steps(cell, words, index, weights, packing, int8=int8)
    y = torch.empty(packing.n_tokens, model.get_dim("nO"))
    rows, part = _part(packing, 0, n_alone)
    y.index_copy_(0, rows, _by_kernel(model, words[index[rows]], part))
    rows, part = _part(packing, n_alone, n_docs)
    used, index = torch.unique(index[rows], return_inverse=True)  # for less memory
    return y.index_copy_(0, rows, read_in_steps(cell, words[used], index, weights, part))


def _part(packing: Packing, first: int, end: int) -> tuple[torch.Tensor, Packing]:
    rows, part = packing.part(first, end)
    return torch.from_numpy(rows), part


def _by_kernel(model: Model, x: torch.Tensor, packing: Packing) -> torch.Tensor:
    """By torch's kernels, on a CPU."""
    tensors = _tensors(model)
    if model.attrs["cell"] == "lstm":
        return lstm_predict(x, _per_direction(model, tensors), packing)
    return _run(model, x, tensors, packing)


def _train_with_autograd(
    model: Model[Packed, Packed], X: Packed, dtype: torch.dtype
) -> tuple[Packed, Callable]:
    x = _to_torch(model.ops, X.data).to(dtype).requires_grad_()
    tensors = [tensor.detach().requires_grad_() for tensor in _tensors(model, dtype)]
    with torch.enable_grad():
        y = _run(model, x, tensors, X.packing)

    def backprop(dY: Packed) -> Packed:
        dy = _to_torch(model.ops, dY.data)
        dx, *d_tensors = _backprop_scaled(y, [x, *tensors], dy)
        _add_gradients(model, d_tensors)
        return Packed(_to_xp(model.ops, dx), X.packing)

    return Packed(_to_xp(model.ops, y.float()), X.packing), backprop


def _backprop_scaled(
    y: torch.Tensor, inputs: list[torch.Tensor], dy: torch.Tensor
) -> list[torch.Tensor]:
    """Gradients of the inputs in float32, by way of the format that the recurrence is computed in.

    Gradients are often too small for float16, so they go back as multiples of the largest of them.
    Where one overflows all the same, none of the batch counts, as with `torch.amp.GradScaler`.
    Nothing is read back from the device for that.
    """
    if y.dtype == torch.float32:
        return list(torch.autograd.grad(y, inputs, grad_outputs=dy))
    scale = dy.abs().amax().clamp_min(torch.finfo(torch.float32).tiny)
    scaled = torch.autograd.grad(y, inputs, grad_outputs=(dy / scale).to(y.dtype))
    gradients = [gradient.float() * scale for gradient in scaled]
    finite = torch.stack([gradient.isfinite().all() for gradient in gradients]).all()
    return [torch.where(finite, gradient, 0.0) for gradient in gradients]


def _train_lstm(model: Model[Packed, Packed], X: Packed) -> tuple[Packed, Callable]:
    """The LSTM on a CPU, where torch's own way back is slow."""
    weights = _lstm_weights(model)
    with torch.inference_mode():
        y, trace = lstm_forward(_to_torch(model.ops, X.data), weights, X.packing)

    def backprop(dY: Packed) -> Packed:
        with torch.inference_mode():
            dy = _to_torch(model.ops, dY.data)
            dx, d_weights = lstm_backward(dy, weights, X.packing, trace)
            _add_gradients(model, _lstm_tensors(d_weights))
        return Packed(_to_xp(model.ops, dx), X.packing)

    return Packed(_to_xp(model.ops, y), X.packing), backprop


def _lstm_weights(model: Model) -> Weights:
    """One array for both directions of what `_tensors` gives."""
    directions = model.attrs["directions"]
    tensors = _tensors(model)
    matrices, biases = tensors[: 2 * directions], tensors[2 * directions :]
    return Weights(
        torch.stack(matrices[::2]),
        torch.stack(matrices[1::2]),
        torch.stack(biases[::2]) + torch.stack(biases[1::2]),
    )


def _lstm_tensors(weights: Weights) -> list[torch.Tensor]:
    """The inverse of `_lstm_weights` for gradients; both biases have the same."""
    matrices = [
        pair[i] for i in range(len(weights.bias)) for pair in (weights.input, weights.recurrent)
    ]
    biases = [bias for bias in weights.bias for _ in range(2)]
    return [*matrices, *biases]


def init(model: Model[Packed, Packed], X: Packed | None = None, Y: Packed | None = None) -> None:
    if X is not None:
        model.set_dim("nI", X.data.shape[1])
    shapes = weight_shapes(model)
    arrays = [_init_array(model, name, shape) for name, shape in shapes]
    model.set_param("weights", model.ops.xp.concatenate([array.ravel() for array in arrays]))


def _init_array(model: Model, name: str, shape: tuple[int, ...]) -> FloatsXd:
    """Glorot et al. 2010 for the input, orthogonal (Saxe et al. 2014) for the recurrence.

    Each gate is a matrix of its own, so each is drawn by itself. The LSTM's forget gate starts
    open, with bias 1 (Jozefowicz et al. 2015), so that gradients reach far from the beginning.
    """
    hidden = _hidden(model)
    ops = model.ops
    if name == "input_weights":
        gates = [glorot_uniform_init(ops, (hidden, shape[1])) for _ in range(shape[0] // hidden)]
        return ops.xp.concatenate(gates)
    if name == "recurrent_weights":
        gates = [_orthogonal(ops, hidden) for _ in range(shape[0] // hidden)]
        return ops.xp.concatenate(gates)
    bias = ops.alloc1f(*shape)
    if name == "input_bias" and model.attrs["cell"] == "lstm":
        bias[LSTM_FORGET_GATE * hidden : (LSTM_FORGET_GATE + 1) * hidden] = 1.0
    return bias


def _orthogonal(ops: Ops, size: int) -> FloatsXd:
    q, r = np.linalg.qr(np.random.normal(size=(size, size)))
    # Without the signs of R's diagonal the matrices are not spread evenly over all rotations.
    return ops.asarray((q * np.sign(np.diag(r))).astype("float32"))


def weight_shapes(model: Model[Packed, Packed]) -> list[tuple[str, tuple[int, ...]]]:
    """Name and shape of every array in the flat parameter `weights`, in cuDNN's order.

    All matrices come before all biases, forward direction before backward.
    """
    rows = CELLS[model.attrs["cell"]].gates * _hidden(model)
    matrices = [
        ("input_weights", (rows, model.get_dim("nI"))),
        ("recurrent_weights", (rows, _hidden(model))),
    ]
    biases = [("input_bias", (rows,)), ("recurrent_bias", (rows,))]
    directions = model.attrs["directions"]
    return [*matrices * directions, *biases * directions]


def shape_of(model: Model[Packed, Packed], param: str) -> tuple[int, ...]:
    """The shape of the flat parameter `weights`."""
    return (sum(prod(shape) for _, shape in weight_shapes(model)),)


def _hidden(model: Model) -> int:
    return model.get_dim("nO") // model.attrs["directions"]


def _tensors(model: Model, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """The weights as torch views of the Thinc parameter, or of a copy in another format."""
    flat = _to_torch(model.ops, model.get_param("weights")).to(dtype)
    shapes = [shape for _, shape in weight_shapes(model)]
    pieces = torch.split(flat, [prod(shape) for shape in shapes])
    return [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def direction_weights(model: Model[Packed, Packed]) -> list[list[torch.Tensor]]:
    """For each direction: input weights, recurrent weights, input bias, recurrent bias.

    Views of the parameter, with the gates in torch's order.
    """
    return _per_direction(model, _tensors(model))


def _per_direction(model: Model, tensors: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    """For each direction, as kernels want it: input and recurrent weights, and their biases."""
    n_matrices = 2 * model.attrs["directions"]
    matrices, biases = tensors[:n_matrices], tensors[n_matrices:]
    return [[*matrices[i : i + 2], *biases[i : i + 2]] for i in range(0, n_matrices, 2)]


def _run(
    model: Model, x: torch.Tensor, tensors: list[torch.Tensor], packing: Packing
) -> torch.Tensor:
    """Call the kernel. x: (n_tokens, nI), packed. Returns (n_tokens, nO), packed."""
    cell = CELLS[model.attrs["cell"]]
    directions = model.attrs["directions"]
    weights = [tensor for one in _per_direction(model, tensors) for tensor in one]
    states = x.new_zeros(cell.n_states, directions, packing.n_sequences, _hidden(model))
    y, *_ = cell.run(
        x,
        torch.from_numpy(packing.size_at_t),
        list(states) if cell.n_states > 1 else states[0],
        weights,
        True,  # has biases
        1,  # layers
        0.0,  # dropout: ours is locked and outside
        x.requires_grad,
        directions == 2,
    )
    return y


def _add_gradients(model: Model, gradients: list[torch.Tensor]) -> None:
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    model.inc_grad("weights", _to_xp(model.ops, flat))


def _to_torch(ops: Ops, array: FloatsXd) -> torch.Tensor:
    """Share an array's memory with torch, on the device where it is."""
    if ops.device_type == "gpu":
        return torch.utils.dlpack.from_dlpack(array)
    return torch.from_numpy(array)


def _to_xp(ops: Ops, tensor: torch.Tensor) -> FloatsXd | Floats1d:
    """Share a tensor's memory with the Thinc ops' array library."""
    return torch2xp(tensor.detach(), ops=ops)
