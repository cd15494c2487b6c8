"""Directions that read nothing of each other."""

from typing import Any

import numpy as np
import pytest
from thinc.api import fix_random_seed

from spacy_seqrnn import RNNEncoder

from ..gradients import check_gradient, check_model_gradients

LENGTHS = [5, 0, 3, 1]


def documents() -> list[Any]:
    random = np.random.default_rng(0)
    return [random.normal(size=(n, 6)).astype("float32") for n in LENGTHS]


def encoder(**options: Any) -> Any:
    fix_random_seed(0)
    made = RNNEncoder(width=8, dropout=0.0, separate_directions=True, **options)
    made.initialize(X=documents())
    return made


def changed(outputs: list[Any], others: list[Any]) -> np.ndarray:
    """For the first document, which tokens' halves differ. Shape (n_tokens, 2)."""
    differs = np.abs(outputs[0] - others[0]) > 1e-7
    found: np.ndarray = differs.reshape(LENGTHS[0], 2, -1).any(axis=2)
    return found


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "sru"])
def test_each_half_knows_one_side(depth: int, cell: str) -> None:
    model, docs = encoder(depth=depth, cell=cell), documents()
    before = model.predict(docs)
    docs[0][2] += 1.0
    expected = [[False, True], [False, True], [True, True], [True, False], [True, False]]
    assert changed(model.predict(docs), before).tolist() == expected


def test_a_layer_in_both_directions_mixes_them_from_the_second_on() -> None:
    fix_random_seed(0)
    model, docs = RNNEncoder(width=8, dropout=0.0, depth=2), documents()
    model.initialize(X=docs)
    before = model.predict(docs)
    docs[0][2] += 1.0
    assert changed(model.predict(docs), before).all()


@pytest.mark.parametrize("residual", [False, True])
def test_gradients(residual: bool) -> None:
    model, docs = encoder(depth=2, residual=residual), documents()
    random = np.random.default_rng(1)
    weights = [random.normal(size=(n, 8)).astype("float32") for n in LENGTHS]

    def loss() -> float:
        pairs = zip(model.predict(docs), weights, strict=True)
        return float(sum((Y * weight).sum() for Y, weight in pairs))

    _, backprop = model(docs, is_train=True)
    gradients = backprop(weights)
    for doc, gradient in zip(docs, gradients, strict=True):
        check_gradient(loss, doc, gradient)
    check_model_gradients(loss, model)


def test_training_and_prediction_agree() -> None:
    model, docs = encoder(depth=2), documents() * 20
    Y, _ = model(docs, is_train=True)
    for one, other in zip(Y, model.predict(docs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("options", [{"bidirectional": False}, {"width": 7}])
def test_both_directions_are_needed(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs two directions of the same width"):
        RNNEncoder(**{"width": 8, "separate_directions": True, **options})
