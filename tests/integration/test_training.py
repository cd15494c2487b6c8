"""Features of spaCy's training beyond plain updates."""

from typing import Any

import numpy as np
import pytest
from thinc.api import Adam, Model

from ..conftest import gold_examples
from ..pipes import get_pipe
from .components import (
    NO_STEP,
    TEXTS,
    assert_same,
    initialize,
    make_pipeline,
    score,
    train,
)

ours = pytest.mark.parametrize("name", ["seqrnn_ner", "seqrnn_textcat", "tagger"])
with_and_without_listener = pytest.mark.parametrize("shared", [False, True])


def _gradients(model: Model[Any, Any]) -> dict[Any, Any]:
    """All gradients of a model that are not zero."""
    gradients = {
        (i, name): node.get_grad(name).copy()
        for i, node in enumerate(model.walk())
        for name in node.grad_names
    }
    return {key: gradient for key, gradient in gradients.items() if gradient.any()}


@ours
@with_and_without_listener
def test_averages_take_the_place_of_all_parameters(name: str, shared: bool) -> None:
    nlp = make_pipeline(name, shared=shared)
    initialize(nlp)
    optimizer = Adam(0.01, use_averages=True)
    train(nlp, optimizer, steps=60)
    latest = list(nlp.pipe(TEXTS))
    averaged = make_pipeline(name, shared=shared)
    with nlp.use_params(optimizer.averages):
        pipes: list[tuple[str, Any]] = nlp.pipeline
        for _, pipe in pipes:
            for node in pipe.model.walk():
                for param in node.param_names:
                    average = optimizer.averages[(node.id, param)]
                    assert np.array_equal(node.get_param(param), average)
        assert score(nlp, name) == 1.0
        averaged.from_bytes(nlp.to_bytes())
        assert_same(nlp.pipe(TEXTS), averaged.pipe(TEXTS), tolerance=0)
    assert_same(nlp.pipe(TEXTS), latest, tolerance=0)


@ours
@with_and_without_listener
def test_gradients_accumulate_until_the_update(name: str, shared: bool) -> None:
    nlp = make_pipeline(name, shared=shared)
    optimizer = initialize(nlp)
    if name == "seqrnn_ner":
        get_pipe(nlp, name).cfg["unseen_labels"] = []  # meeting a label changes predictions at once
    fresh = nlp.to_bytes()
    sums: dict[Any, Any] = {}
    for part in (slice(0, 2), slice(2, None)):
        other = make_pipeline(name, shared=shared).from_bytes(fresh)
        other.update(gold_examples(other)[part], sgd=NO_STEP)
        for key, gradient in _gradients(get_pipe(other, other.pipe_names[0]).model).items():
            sums[key] = sums.get(key, 0.0) + gradient
    before = list(nlp.pipe(TEXTS))
    nlp.update(gold_examples(nlp)[:2], sgd=NO_STEP)
    nlp.update(gold_examples(nlp)[2:], sgd=NO_STEP)
    assert_same(nlp.pipe(TEXTS), before, tolerance=0)
    gradients = _gradients(get_pipe(nlp, nlp.pipe_names[0]).model)
    assert gradients.keys() == sums.keys()
    for key, gradient in gradients.items():
        assert np.allclose(gradient, sums[key], atol=1e-5)
    get_pipe(nlp, nlp.pipe_names[0]).finish_update(optimizer)
    assert not _gradients(get_pipe(nlp, nlp.pipe_names[0]).model)
    updated = make_pipeline(name, shared=shared).from_bytes(nlp.to_bytes())
    assert updated.to_bytes() != fresh
    assert_same(nlp.pipe(TEXTS), updated.pipe(TEXTS), tolerance=0)


@ours
def test_training_with_dropout_learns_too(name: str) -> None:
    nlp = make_pipeline(name, shared=True)
    train(nlp, initialize(nlp), steps=100, drop=0.2)
    assert score(nlp, name) == 1.0
