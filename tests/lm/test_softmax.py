"""The adaptive softmax, against a softmax over all units computed by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_seqrnn.lm.softmax import (
    AdaptiveSoftmax,
    likeliest,
    log_probabilities_of,
    train_softmax,
)

from ..gradients import check_gradient, check_model_gradients

WIDTH = 12


def make(n_units: int, cutoffs: list[int], scale: float = 1.0) -> Any:
    softmax = AdaptiveSoftmax(cutoffs)
    softmax.set_dim("nI", WIDTH)
    softmax.set_dim("nO", n_units)
    softmax.initialize()
    random = np.random.default_rng(0)
    for name in softmax.param_names:
        shape = softmax.get_param(name).shape
        array: Any = random.normal(0, scale, size=shape).astype("float32")
        softmax.set_param(name, array)
    return softmax


def states(n: int) -> Any:
    return np.random.default_rng(1).normal(size=(n, WIDTH)).astype("float32")


def by_hand(softmax: Any, X: Any, cutoffs: list[int], n_units: int) -> Any:
    """Log probabilities: those of the head, and those of the clusters times that of the cluster."""
    bounds = [*cutoffs, n_units]
    scores = X @ softmax.get_param("head_W").T + softmax.get_param("head_b")
    head = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    columns = [head[:, : bounds[0]]]
    for i in range(len(cutoffs)):
        P, W, b = (softmax.get_param(f"cluster_{i}_{kind}") for kind in "PWb")
        within = X @ P.T @ W.T + b
        within -= np.log(np.exp(within).sum(axis=1, keepdims=True))
        columns.append(within + head[:, [bounds[0] + i]])
    return np.hstack(columns)


@pytest.mark.parametrize("cutoffs", [[], [4], [4, 9], [1, 2, 3], [19]])
def test_it_is_a_distribution_over_all_units(cutoffs: list[int]) -> None:
    softmax, X = make(20, cutoffs), states(6)
    found = softmax.predict(X)
    expected = by_hand(softmax, X, cutoffs, 20) if cutoffs else by_hand(softmax, X, [], 20)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1.0, rtol=1e-5)


@settings(deadline=None, max_examples=50)
@given(units=st.lists(st.integers(0, 19), max_size=8), cutoffs=st.sampled_from([[], [3], [3, 8]]))
def test_one_unit_of_each_state(units: list[int], cutoffs: list[int]) -> None:
    softmax, X = make(20, cutoffs), states(len(units))
    found = log_probabilities_of(softmax, X, np.asarray(units, dtype="int64"))
    expected = softmax.predict(X)[np.arange(len(units)), units] if units else []
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(likeliest(softmax, X), softmax.predict(X).argmax(axis=1))


def test_cutoffs_above_the_number_of_units_have_no_effect() -> None:
    assert set(make(20, [30, 40]).param_names) == {"head_W", "head_b"}
    assert make(1, [2, 9]).predict(states(2)).tolist() == [[0.0], [0.0]]


def test_gradients() -> None:
    softmax, X = make(20, [4, 9], scale=0.5), states(12)
    units = np.asarray([0, 3, 4, 8, 9, 19, 1, 5, 12, 12, 18, 2])

    def loss() -> float:
        return float(-log_probabilities_of(softmax, X, units).sum())

    found, dX = train_softmax(softmax, X.copy(), units, 1.0)
    assert found == pytest.approx(loss(), rel=1e-5)
    check_gradient(loss, X, dX)
    check_model_gradients(loss, softmax)


def test_the_gradient_is_scaled_and_the_loss_is_not() -> None:
    softmax, X, units = make(20, [4, 9]), states(3), np.asarray([0, 5, 19])
    loss, dX = train_softmax(softmax, X.copy(), units, 1.0)
    grads = {name: softmax.get_grad(name).copy() for name in softmax.grad_names}
    for name in softmax.grad_names:
        softmax.set_grad(name, 0 * softmax.get_grad(name))
    scaled_loss, scaled = train_softmax(softmax, X.copy(), units, 0.25)
    assert scaled_loss == loss
    np.testing.assert_allclose(scaled, 0.25 * dX, rtol=1e-5, atol=1e-7)
    for name, gradient in grads.items():
        np.testing.assert_allclose(softmax.get_grad(name), 0.25 * gradient, rtol=1e-4, atol=1e-6)


def test_a_state_does_not_depend_on_the_others() -> None:
    softmax, X = make(300, [40, 90]), states(5000)
    units = np.random.default_rng(2).integers(0, 300, len(X))
    together = log_probabilities_of(softmax, X, units)
    alone = [log_probabilities_of(softmax, X[i : i + 1], units[i : i + 1])[0] for i in range(50)]
    np.testing.assert_allclose(together[:50], alone, atol=1e-5)


def test_nothing_to_predict() -> None:
    softmax = make(20, [4])
    none = np.zeros(0, dtype="int64")
    assert softmax.predict(states(0)).shape == (0, 20)
    assert log_probabilities_of(softmax, states(0), none).shape == (0,)
    assert likeliest(softmax, states(0)).shape == (0,)
    loss, dX = train_softmax(softmax, states(0), none, 1.0)
    assert loss == 0
    assert dX.shape == (0, WIDTH)


def test_saving_and_loading() -> None:
    softmax, X = make(20, [4, 9]), states(3)
    fresh = AdaptiveSoftmax([4, 9])
    fresh.from_bytes(softmax.to_bytes())
    np.testing.assert_array_equal(fresh.predict(X), softmax.predict(X))
    with pytest.raises(ValueError, match="cutoffs"):
        AdaptiveSoftmax([4, 10]).from_bytes(softmax.to_bytes())
