from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.training import Example
from thinc.api import Adam, Linear, Model, chain

from spacy_seqrnn.heads.common import clip_gradients, dropout_forward, resized_linear
from spacy_seqrnn.types import Floats1d, Floats2d, FloatsXd

from ..small import small_ner, small_textcat


def two_layers() -> Model[Any, Any]:
    model = chain(Linear(3, 4), Linear(2, 3)).initialize()
    for i, layer in enumerate(model.layers):
        W: Floats2d = np.full(layer.get_param("W").shape, i + 1.0, dtype="f")
        b: Floats1d = np.full(layer.get_param("b").shape, -1.0, dtype="f")
        layer.set_grad("W", W)
        layer.set_grad("b", b)
    return model


def joint_norm(model: Model[Any, Any]) -> float:
    gradients: list[FloatsXd] = [grad for _, grad in model.get_gradients().values()]
    return float(np.sqrt(sum((gradient**2).sum() for gradient in gradients)))


def test_gradients_are_scaled_together() -> None:
    model, before = two_layers(), two_layers()
    clip_gradients(model, 0.5)
    assert joint_norm(model) == pytest.approx(0.5, rel=1e-5)
    ratios = [
        own.get_grad(name) / other.get_grad(name)
        for own, other in zip(model.layers, before.layers, strict=True)
        for name in ("W", "b")
    ]
    # One factor for all: the direction of the update stays.
    np.testing.assert_allclose(np.concatenate([r.ravel() for r in ratios]), ratios[0][0, 0])


@pytest.mark.parametrize("max_norm", [0.0, 1e6])
def test_small_gradients_and_no_clipping(max_norm: float) -> None:
    model = two_layers()
    before = joint_norm(model)
    clip_gradients(model, max_norm)
    assert joint_norm(model) == before


@pytest.mark.parametrize("component", ["seqrnn_ner", "textcat"])
def test_max_grad_norm_reaches_the_update(component: str) -> None:
    """The gradients that the optimizer gets are within the norm, and only then."""
    models: dict[str, Callable[..., dict[str, Any]]]
    models = {"seqrnn_ner": small_ner, "textcat": partial(small_textcat, True)}
    norms = {}
    for max_norm in (0.0, 0.01):
        nlp = spacy.blank("en")
        model = models[component](max_grad_norm=max_norm)
        pipe: Any = nlp.add_pipe(component, config={"model": model})
        annotation = {"entities": [(0, 4, "LOC")], "cats": {"A": 1.0, "B": 0.0}}
        examples = [Example.from_dict(nlp.make_doc("Oslo sleeps"), annotation)]
        nlp.initialize(partial(list, examples))
        pipe.update(examples, sgd=None)
        norms[max_norm] = joint_norm(pipe.model)
    assert norms[0.01] == pytest.approx(0.01, rel=1e-4)
    assert norms[0.0] > 0.02


def test_resized_layer_keeps_what_it_has_learned() -> None:
    old = Linear(2, 3).initialize()
    b: Floats1d = old.get_param("b")
    b[...] = [1.0, 2.0]
    new = resized_linear(old, 4, new_bias=-5.0)
    X = np.random.default_rng(0).normal(size=(5, 3)).astype("f")
    np.testing.assert_allclose(new.predict(X)[:, :2], old.predict(X), atol=1e-6)
    np.testing.assert_array_equal(new.predict(X)[:, 2:], -5.0)
    # An optimizer that holds moments for the old layer meets a new parameter.
    optimizer = Adam(0.1)
    for layer in (old, new):
        Y, backprop = layer.begin_update(X)
        backprop(np.ones_like(Y))
        layer.finish_update(optimizer)
    assert old.id != new.id


def test_resized_before_initialization() -> None:
    new = resized_linear(Linear(2), 4, new_bias=0.0)
    assert new.initialize(X=np.zeros((1, 3), dtype="f")).predict(np.ones((1, 3), "f")).shape == (
        1,
        4,
    )


def test_dropout() -> None:
    model: Model[Any, Any] = Model("head", lambda *args: None, attrs={"dropout_rate": 0.5})
    X = np.ones((200, 10), dtype="f")
    Y, backprop = dropout_forward(model, X, is_train=True)
    assert set(np.unique(Y)) == {0.0, 2.0}
    np.testing.assert_array_equal(backprop(X), Y)
    np.testing.assert_array_equal(dropout_forward(model, X, is_train=False)[0], X)
