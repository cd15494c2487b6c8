"""Comparisons of gradients against torch's own modules and derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import Model

from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.explain.gradients import fresh_layer, gradients_of_cells, normal_inputs
from spacy_seqrnn.explain.remedies import (
    compare_clipping,
    compare_forget_bias,
    compare_residual,
    weight_gradient,
)
from spacy_seqrnn.rnn.tensors import direction_weights

LENGTH, WIDTH = 7, 5
SIZE: dict[str, Any] = {"length": LENGTH, "width": WIDTH}
MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def torch_module(layer: Model[Packed, Packed]) -> torch.nn.Module:
    """A torch module with the same weights, in float64."""
    module: torch.nn.Module = MODULES[layer.attrs["cell"]](WIDTH, WIDTH)
    (weights,) = direction_weights(layer)
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    module.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return module.double()


def spectral_norms(function: Callable[[torch.Tensor], torch.Tensor]) -> list[float]:
    """Of the derivative of a text's last output for each input, the last input first."""
    X = torch.from_numpy(normal_inputs(LENGTH, WIDTH, 0)).double()
    derivative = torch.autograd.functional.jacobian(lambda x: function(x)[-1], X)
    return [float(torch.linalg.matrix_norm(derivative[:, t], 2)) for t in reversed(range(LENGTH))]


def test_a_longer_memory_with_a_higher_forget_bias() -> None:
    curves = compare_forget_bias((-1.0, 0.0, 1.0, 2.0), length=40, width=16).curves
    ends = [curve.norms[-1] for curve in curves]
    assert ends == sorted(ends)
    assert ends[-1] > 1000 * ends[0]
    # What training starts with
    assert curves[2].norms == gradients_of_cells(["lstm"], length=40, width=16).curves[0].norms


@pytest.mark.parametrize("cell", list(MODULES))
def test_stacks_are_those_of_torch(cell: str) -> None:
    curves = compare_residual((1, 3), cell=cell, **SIZE).curves
    endings = ["depth 1", "depth 1, residual", "depth 3", "depth 3, residual"]
    assert [curve.title for curve in curves] == [f"{cell}, {ending}" for ending in endings]
    X = normal_inputs(LENGTH, WIDTH, 0)
    for curve, depth, residual in zip(curves, [1, 1, 3, 3], [0, 1, 0, 1], strict=True):
        modules = [torch_module(fresh_layer(cell, X, i)) for i in range(depth)]

        def stack(
            x: torch.Tensor, modules: Any = modules, residual: int = residual
        ) -> torch.Tensor:
            for module in modules:
                x = module(x)[0] + residual * x
            return x

        assert curve.norms == pytest.approx(spectral_norms(stack), rel=1e-4)


def test_long_texts_go_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compare_residual(**SIZE)
    monkeypatch.setattr("spacy_seqrnn.explain.remedies.BATCH", 2 * LENGTH)
    for curve, other in zip(compare_residual(**SIZE).curves, whole.curves, strict=True):
        assert curve.norms == pytest.approx(other.norms, rel=1e-5)


def test_residual_connections_keep_the_gradient_through_layers() -> None:
    plain, residual = compare_residual((8,)).curves
    assert residual.norms[0] > 1000 * plain.norms[0]


def gradient_of(module: torch.nn.Module) -> np.ndarray:
    """Of all its parameters. Shape (n,)."""
    gradients = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return torch.cat(gradients).numpy()


@pytest.mark.parametrize("cell", list(MODULES))
def test_gradient_of_the_weights_is_that_of_torch(cell: str) -> None:
    X = normal_inputs(LENGTH, WIDTH, 0)
    layer = fresh_layer(cell, X, 0)
    module = torch_module(layer)
    last = module(torch.from_numpy(X).double())[0][-1]
    direction = np.random.default_rng(0).normal(size=WIDTH)
    (last @ torch.from_numpy(direction / np.linalg.norm(direction))).backward()
    expected = gradient_of(module)
    for _ in range(2):  # nothing of the first is left in the layer
        np.testing.assert_allclose(weight_gradient(layer, X, 0.0), expected, atol=1e-5)
    torch.nn.utils.clip_grad_norm_(module.parameters(), 0.5)
    clipped = gradient_of(module)
    assert np.linalg.norm(clipped) == pytest.approx(0.5, rel=1e-4)
    np.testing.assert_allclose(weight_gradient(layer, X, 0.5), clipped, atol=1e-5)


def test_clipping_bounds_the_norm() -> None:
    usual, exploding, clipped = compare_clipping(20.0).curves
    assert exploding.norms[-1] > 1000 * usual.norms[-1]
    expected = [min(norm, 20.0) for norm in exploding.norms]
    assert clipped.norms == pytest.approx(expected, rel=1e-4)
    assert clipped.steps == exploding.steps
    assert exploding.steps[-1] == 100


def test_curves_end_where_gradients_are_no_numbers() -> None:
    usual, exploding, _ = compare_clipping(gain=4.0, length=500).curves
    assert len(exploding.norms) == len(exploding.steps) < len(usual.steps)
    assert np.isfinite(exploding.norms).all()


@pytest.mark.parametrize(
    ("compare", "options", "sentence"),
    [
        (compare_forget_bias, {"length": 1}, "`length = 1` cannot work: set it to 2 or more"),
        (compare_residual, {"length": 10**9}, "`length = 1000000000` cannot work: set it to 10000"),
        (compare_residual, {"cell": "elman"}, "`cell = 'elman'` is unknown: set it to one of"),
        (compare_residual, {"depths": (0,)}, "`depth = 0` cannot work: set it to 1 or more"),
        (compare_clipping, {"max_grad_norm": -1}, "`max_grad_norm = -1` cannot work"),
    ],
)
def test_options_that_cannot_work(
    compare: Callable[..., Any], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        compare(**options)
