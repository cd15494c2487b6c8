"""Gradients against central differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from thinc.api import Model

from spacy_seqrnn.types import FloatsXd


def check_gradient(
    loss: Callable[[], float],
    values: FloatsXd,
    gradient: FloatsXd,
    *,
    step: float = 1e-2,
    most: int = 20,
    abs: float = 2e-3,
    rel: float = 2e-2,
) -> None:
    """Move up to `most` of the values a step up and down, in place, and compare the slopes."""
    assert values.shape == gradient.shape
    values, gradient = values.reshape(-1), gradient.reshape(-1)
    for i in np.random.default_rng(0).permutation(values.size)[:most]:
        before = values[i]
        values[i] = before + step
        up = loss()
        values[i] = before - step
        down = loss()
        values[i] = before
        assert gradient[i] == pytest.approx((up - down) / (2 * step), abs=abs, rel=rel)


def check_model_gradients(
    loss: Callable[[], float], model: Model[Any, Any], **tolerance: Any
) -> None:
    """The same for every parameter of a model. There must be some, each with a gradient."""
    named = [(node, name) for node in model.walk() for name in node.param_names]
    assert named
    for node, name in named:
        value: FloatsXd = node.get_param(name)
        gradient: FloatsXd = node.get_grad(name)
        check_gradient(loss, value, gradient, **tolerance)
