"""Optimizers that are saved and restored for other models with the same layers."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import (
    SGD,
    Adam,
    Linear,
    Model,
    Optimizer,
    PyTorchWrapper,
    RAdam,
    chain,
    fix_random_seed,
)

from spacy_seqrnn.saved.optimizer_state import restore_optimizer, save_optimizer
from spacy_seqrnn.types import Floats2d

SCHEDULE = [0.999, 0.998, 0.997, 0.996, 0.995, 0.994, 0.993, 0.992]
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adam": Adam,
    # It keeps what it has computed from beta2 for parameters that are as often updated later.
    "radam": partial(RAdam, beta2=SCHEDULE),
    "sgd": SGD,
}
Models = dict[str, Model[Any, Any]]


def _models() -> Models:
    """Two models of layers, one of which is torch's and one shared by both."""
    shared: Model[Any, Any] = Linear(4, 4)
    torchs = PyTorchWrapper(torch.nn.Linear(4, 4))
    models: Models = {"first": chain(shared, torchs), "second": chain(shared, Linear(4, 4))}
    for model in models.values():
        model.initialize()
    return models


def _train(models: Models, optimizer: Optimizer, step: int) -> None:
    """Update models, one of them from step 2, and without a gradient at odd steps."""
    X = np.random.RandomState(step).normal(size=(3, 4)).astype("float32")
    for number, model in enumerate(models.values()):
        Y: Floats2d
        Y, backprop = model.begin_update(X)
        if number == 0 or (step >= 2 and step % 2 == 0):
            backprop(Y - 1)
    for model in models.values():
        model.finish_update(optimizer)
    optimizer.step_schedules()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("use_averages", [True, False])
@pytest.mark.parametrize("stop", [1, 3, 4])
def test_goes_on(name: str, use_averages: bool, stop: int) -> None:
    make = partial(OPTIMIZERS[name], 0.1, use_averages=use_averages)
    fix_random_seed(0)
    models, optimizer = _models(), make()
    for step in range(stop):
        _train(models, optimizer, step)
    state, arrays = save_optimizer(optimizer, models)
    state = json.loads(json.dumps(state))
    saved = [model.to_bytes() for model in models.values()]
    Linear(1, 1)  # so that other layers get other numbers
    others, another = _models(), make()
    for model, data in zip(others.values(), saved, strict=True):
        model.from_bytes(data)
    for _ in range(stop):
        another.step_schedules()
    restore_optimizer(another, others, state, {key: array.copy() for key, array in arrays.items()})
    for step in range(stop, 12):
        _train(models, optimizer, step)
        _train(others, another, step)
    for model, other in zip(models.values(), others.values(), strict=True):
        assert model.to_bytes() == other.to_bytes()
        assert use_averages == (optimizer.averages is not None)
        with model.use_params(optimizer.averages or {}), other.use_params(another.averages or {}):
            assert model.to_bytes() == other.to_bytes()


def test_layers_outside_of_all_models() -> None:
    """They keep their number, which is the same in a process that does the same."""
    layer: Model[Any, Any] = Linear(4, 4).initialize()
    optimizer, another = Adam(0.1), Adam(0.1)
    _train({"layer": layer}, optimizer, 0)
    restore_optimizer(another, {}, *save_optimizer(optimizer, {}))
    assert another.nr_update == optimizer.nr_update
    assert another.mom1.keys() == optimizer.mom1.keys()
