"""The same model on the CPU and on another device."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from thinc.api import SGD, Model, Ops, fix_random_seed, to_numpy, use_ops
from thinc.types import Ragged

from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.crf.chain import SCORES, LinearChain


@dataclass
class Run:
    """The output of a model, on the host.

    predicted, output, d_input: see `run`.
    gradients, parameters: of each node in turn, after the backward pass and after an update.
    """

    predicted: Any
    output: Any
    d_input: Any
    gradients: list[Any]
    parameters: list[Any]


def run(ops: Ops, model: Model[Any, Any], X: Any) -> Run:
    """Predict, run forward and backward pass, and update, with the same numbers on every device."""
    fix_random_seed(1)
    predicted = on_host(model.predict(X))
    fix_random_seed(2)
    Y, backprop = model.begin_update(X)
    output = on_host(Y)
    d_input = on_host(backprop(gradient_like(ops, Y)))
    gradients = [on_host(node.get_grad(name)) for node, name in named(model) if node.has_grad(name)]
    model.finish_update(SGD(0.1))
    parameters = [on_host(node.get_param(name)) for node, name in named(model)]
    return Run(predicted, output, d_input, gradients, parameters)


def run_on_both(
    gpu: Ops, build: Callable[[], Model[Any, Any]], X_on: Callable[[Ops], Any]
) -> tuple[Run, Run]:
    """The same model on the CPU and on the device.

    build: creates the initialised model for the current ops.
    X_on: creates its input.
    """
    with use_ops("numpy"):
        fix_random_seed(0)
        model = build()
        saved = model.to_bytes()
        host = run(model.ops, model, X_on(model.ops))
    on_device = build().from_bytes(saved)
    assert on_device.ops.device_type == "gpu"
    for node, name in named(on_device):
        assert type(node.get_param(name)) is gpu.xp.ndarray, (node.name, name)
    return host, run(gpu, on_device, X_on(gpu))


def assert_same(gpu: Ops, build: Callable[[], Model[Any, Any]], X_on: Callable[[Ops], Any]) -> None:
    """The model's output and learning are the same on the device as on the CPU."""
    host, device = run_on_both(gpu, build, X_on)
    for field in ("predicted", "output", "d_input", "gradients", "parameters"):
        close(getattr(device, field), getattr(host, field))


def close(own: Any, expected: Any, *, tolerance: float = 1e-4) -> None:
    """Arrays, also within lists, are the same up to rounding."""
    if isinstance(expected, list | tuple):
        assert len(own) == len(expected)
        for each, other in zip(own, expected, strict=True):
            close(each, other, tolerance=tolerance)
    else:
        np.testing.assert_allclose(own, expected, atol=tolerance, rtol=tolerance)


def named(model: Model[Any, Any]) -> list[tuple[Model[Any, Any], str]]:
    """All parameters of a model."""
    return [(node, n) for node in model.walk() for n in node.param_names if node.has_param(n)]


def on_host(value: Any) -> Any:
    """NumPy arrays of anything that a layer of this package may return."""
    if isinstance(value, list | tuple):
        return [on_host(each) for each in value]
    if isinstance(value, Ragged):
        return [on_host(value.dataXd), on_host(value.lengths)]
    if isinstance(value, Packed):
        return on_host(value.data)
    if isinstance(value, LinearChain):
        return [on_host(getattr(value, name)) for name in SCORES]
    return to_numpy(value).copy() if hasattr(value, "shape") else value


def gradient_like(ops: Ops, Y: Any) -> Any:
    """A gradient of a layer's output."""
    random = np.random.default_rng(3)

    def like(array: Any) -> Any:
        return ops.asarray(random.normal(size=array.shape).astype("f"))

    if isinstance(Y, list):
        return [like(each) for each in Y]
    if isinstance(Y, Ragged):
        return Ragged(like(Y.dataXd), Y.lengths)
    if isinstance(Y, Packed):
        return Packed(like(Y.data), Y.packing)
    if isinstance(Y, LinearChain):
        return replace(Y, **{name: like(getattr(Y, name)) for name in SCORES})
    return like(Y)
