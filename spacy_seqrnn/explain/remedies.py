"""What is done against gradients that vanish or explode, one thing changed at a time.

Each comparison runs the package's own fresh layers: their weights, backward pass and clipping.
"""

from itertools import takewhile
from math import isfinite

import numpy as np
from thinc.api import Model

from ..batch.packed import Packed, with_packed
from ..batch.packing import make_packing
from ..checks import DEEPEST, check_at_least, check_choice, check_int
from ..heads.common import clip_gradients
from ..rnn.cells import CELLS
from ..rnn.cells.lstm import FORGET
from ..rnn.stack import RNNStack
from ..rnn.tensors import direction_weights
from ..types import Floats1d, Floats2d
from .gradients import (
    SHOWN,
    GradientCurve,
    GradientCurves,
    curve_of,
    fresh_layer,
    normal_inputs,
    through_time,
)

# Tokens that go through a stack at once
BATCH = 50_000
LENGTHS = 40


def compare_forget_bias(
    biases: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0),
    *,
    length: int = 100,
    width: int = 64,
    seed: int = 0,
) -> GradientCurves:
    """Fresh LSTMs that differ in the bias of the forget gate (Gers et al. 2000).

    biases: one curve for each; 1 is what training starts with (Jozefowicz et al. 2015).
    length, width, seed: as in `gradients_of_cells`.

    Raises ValueError for a number out of range.
    """
    X = normal_inputs(length, width, seed)
    curves = []
    for bias in biases:
        layer = fresh_layer("lstm", X, seed)
        (weights,) = direction_weights(layer)
        weights["input_bias"][FORGET * width : (FORGET + 1) * width] = bias
        curves.append(curve_of(layer, X, f"lstm, forget bias {bias:g}"))
    return GradientCurves(tuple(curves))


def compare_residual(
    depths: tuple[int, ...] = (4, 8),
    *,
    cell: str = "lstm",
    length: int = 100,
    width: int = 64,
    seed: int = 0,
) -> GradientCurves:
    """Fresh stacks with and without residual connections (He et al. 2016).

    depths: numbers of layers, with two curves each.
    cell: one of `spacy_seqrnn.rnn.cells.CELLS`.
    length, width, seed: as in `gradients_of_cells`.

    Raises ValueError for an unknown cell or a number out of range.
    """
    check_choice("cell", cell, list(CELLS))
    X = normal_inputs(length, width, seed)
    curves = []
    for depth in depths:
        check_int("depth", depth, 1, DEEPEST)
        for residual in (False, True):
            layers = [fresh_layer(cell, X, seed + i) for i in range(depth)]
            stack = RNNStack(layers, residual=residual, dropout=0.0, word_dropout=0.0)
            title = f"{cell}, depth {depth}{', residual' * residual}"
            curves.append(through_time(title, _norms_through(stack, X)))
    measure = "norm of the derivative of the top's h_T for x_t"
    return GradientCurves(tuple(curves), measure)


def _norms_through(stack: Model[Packed, Packed], X: Floats2d) -> tuple[float, ...]:
    """Spectral norms of the derivative of the last output for each input, the last input first."""
    model, ops, width = with_packed(stack), stack.ops, X.shape[1]
    text = ops.asarray(X)
    rows: list[np.ndarray] = []
    n_texts = max(1, BATCH // len(X))
    for start in range(0, width, n_texts):
        # The backward pass gives one row of the derivative, so the text is read once for each.
        units = range(start, min(start + n_texts, width))
        Ys, backprop = model([text] * len(units), True)
        dYs = [ops.xp.zeros_like(Y) for Y in Ys]
        for unit, dY in zip(units, dYs, strict=True):
            dY[-1, unit] = 1.0
        rows += map(ops.to_numpy, backprop(dYs))
    derivative = np.stack(rows, axis=1)  # (length, width, width)
    return tuple(np.linalg.norm(derivative[::-1], 2, axis=(1, 2)).tolist())


def compare_clipping(
    max_grad_norm: float = 5.0,
    *,
    cell: str = "rnn",
    gain: float = 2.5,
    length: int = 100,
    width: int = 64,
    seed: int = 0,
) -> GradientCurves:
    """The gradient of all weights against the length of the text (Pascanu et al. 2013).

    The loss is the last state times a random vector of length 1.

    max_grad_norm: what clipping allows. The direction of the gradient stays.
    cell: one of `spacy_seqrnn.rnn.cells.CELLS`.
    gain: what the recurrent weights are multiplied with. The gradient of a plain RNN explodes from
        about 2 on.
    length: of the longest text.
    width, seed: as in `gradients_of_cells`.

    A curve ends where the gradient leaves the range of float32. Raises ValueError for an unknown
    cell or a number out of range.
    """
    check_choice("cell", cell, list(CELLS))
    check_at_least("gain", gain, 0)
    check_at_least("max_grad_norm", max_grad_norm, 0)
    X = normal_inputs(length, width, seed)
    grid = np.geomspace(1, length, LENGTHS).round().astype("int64").tolist()
    lengths = sorted({*grid, *(n for n in SHOWN if 0 < n < length)})
    curves = []
    for factor, clip in [(1.0, 0.0), (gain, 0.0), (gain, max_grad_norm)]:
        layer = fresh_layer(cell, X, seed)
        (weights,) = direction_weights(layer)
        weights["recurrent_weights"] *= factor
        clipped = f", clipped at {clip:g}" if clip else ""
        with np.errstate(over="ignore", invalid="ignore"):
            norms = [float(np.linalg.norm(weight_gradient(layer, X[-n:], clip))) for n in lengths]
        known = tuple(takewhile(isfinite, norms))
        title = f"{cell}, weights x {factor:g}{clipped}"
        curves.append(GradientCurve(title, known, tuple(lengths[: len(known)])))
    return GradientCurves(
        tuple(curves), "norm of the gradient of all weights", "tokens of the text"
    )


def weight_gradient(layer: Model[Packed, Packed], X: Floats2d, max_grad_norm: float) -> Floats1d:
    """The gradient that a layer's optimizer would get, after clipping. Shape as `weights`."""
    ops = layer.ops
    Y, backprop = layer(Packed(ops.asarray(X), make_packing([len(X)])), True)
    dY: Floats2d = np.zeros(Y.data.shape, dtype="float32")
    direction = np.random.default_rng(0).normal(size=dY.shape[1])
    dY[-1] = direction / np.linalg.norm(direction)
    backprop(Packed(ops.asarray2f(dY), Y.packing))
    clip_gradients(layer, max_grad_norm)
    gradient = ops.to_numpy(layer.get_grad("weights")).astype("float64")
    layer.set_grad("weights", layer.get_grad("weights") * 0)
    return gradient
