from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from thinc.api import Model, NumpyOps
from thinc.types import Ragged

from spacy_seqrnn.heads.pooling import POOLINGS, pooling_layer, softmax_over_docs
from spacy_seqrnn.saved.layers import output_width
from spacy_seqrnn.types import Floats2d, Ints1d

from ..gradients import check_gradient, check_model_gradients

LENGTHS = [3, 0, 1, 5]
WIDTH = 4


def batch(lengths: list[int] = LENGTHS, seed: int = 0) -> Ragged:
    data: Floats2d = np.random.default_rng(seed).normal(size=(sum(lengths), WIDTH)).astype("f")
    sizes: Ints1d = np.asarray(lengths, dtype="i")
    return Ragged(data, sizes)


def make(names: list[str], bidirectional: bool = True) -> Model[Any, Any]:
    return pooling_layer(names, bidirectional=bidirectional).initialize(X=batch())


def docs_of(X: Ragged) -> list[Floats2d]:
    data: Floats2d = X.dataXd
    lengths: Ints1d = X.lengths
    return np.split(data, np.cumsum(lengths)[:-1])


EXPECTED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda doc: doc.mean(axis=0),
    "max": lambda doc: doc.max(axis=0),
    "last": lambda doc: np.concatenate([doc[-1, :2], doc[0, 2:]]),
    "first_last": lambda doc: np.concatenate([doc[0], doc[-1]]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_value(name: str) -> None:
    X = batch()
    Y = make([name]).predict(X)
    for doc, own in zip(docs_of(X), Y, strict=True):
        if len(doc):
            np.testing.assert_allclose(own, EXPECTED[name](doc), atol=1e-6)
        else:
            assert not own.any()


def test_last_of_one_direction_is_the_last_token() -> None:
    X = batch()
    Y = make(["last"], bidirectional=False).predict(X)
    np.testing.assert_array_equal(Y[0], X.dataXd[2])


@pytest.mark.parametrize(("name", "units"), [("attention", WIDTH), ("narrow_attention", 32)])
def test_attention_is_a_weighted_mean(name: str, units: int) -> None:
    """Against the formula of Yang et al. 2016."""
    X = batch()
    model = make([name])
    W, b, query = (model.get_param(param) for param in ("W", "b", "query"))
    assert W.shape == (units, WIDTH)
    b += 0.3
    Y = model.predict(X)
    for doc, own in zip(docs_of(X), Y, strict=True):
        if len(doc):
            scores = np.tanh(doc @ W.T + b) @ query
            weights = np.exp(scores) / np.exp(scores).sum()
            np.testing.assert_allclose(own, weights @ doc, atol=1e-5)


@pytest.mark.parametrize("names", [*([name] for name in POOLINGS), ["max", "attention", "last"]])
def test_gradient(names: list[str]) -> None:
    """Central differences for the input and for every parameter."""
    X, model = batch(), make(names)
    dY = np.random.default_rng(1).normal(size=model.predict(X).shape).astype("f")

    def loss() -> float:
        return float((model.predict(X) * dY).sum())

    _, backprop = model.begin_update(X)
    dX = backprop(dY.copy())
    assert dX.lengths.tolist() == LENGTHS
    features: Floats2d = X.dataXd
    gradient: Floats2d = dX.dataXd
    check_gradient(loss, features, gradient, most=40)
    if any(node.param_names for node in model.walk()):
        check_model_gradients(loss, model, most=40)


def test_concatenated_in_the_given_order() -> None:
    X = batch()
    together = make(["max", "mean"]).predict(X)
    np.testing.assert_array_equal(together[:, :WIDTH], make(["max"]).predict(X))
    np.testing.assert_array_equal(together[:, WIDTH:], make(["mean"]).predict(X))


@pytest.mark.parametrize("name", POOLINGS)
def test_the_width_of_its_output_is_known(name: str) -> None:
    model = make([name])
    assert output_width(model, WIDTH) == model.predict(batch()).shape[1]
    assert output_width(POOLINGS[name](bidirectional=True), None) is None


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("lengths", [[0], [0, 0, 0]])
def test_only_empty_documents(name: str, lengths: list[int]) -> None:
    X = batch(lengths)
    Y, backprop = make([name]).begin_update(X)
    assert Y.shape == (len(lengths), WIDTH * (2 if name == "first_last" else 1))
    assert not Y.any()
    dX = backprop(Y)
    assert dX.dataXd.shape == (0, WIDTH)
    assert dX.lengths.tolist() == lengths


@pytest.mark.parametrize("name", POOLINGS)
def test_says_what_it_is_and_has_before_it_is_initialized(name: str) -> None:
    """As `spacy debug model` shows it."""
    model = POOLINGS[name](bidirectional=True)
    assert model.name == f"{name}_pooling"
    assert set(model.param_names) == ({"W", "b", "query"} if "attention" in name else set())


@pytest.mark.parametrize("name", POOLINGS)
def test_alone_as_in_a_batch(name: str) -> None:
    X, model = batch(), make([name])
    Y = model.predict(X)
    for i, doc in enumerate(docs_of(X)):
        length: Ints1d = np.asarray([len(doc)], dtype="i")
        alone = model.predict(Ragged(doc, length))
        np.testing.assert_allclose(alone[0], Y[i], atol=1e-6)


def test_softmax_holds_for_scores_of_any_size() -> None:
    scores = np.asarray([1e4, 1e4, -1e4, 30.0, 0.0], dtype="f")
    weights = softmax_over_docs(NumpyOps(), scores[:, None], np.asarray([3, 2], dtype="i"))[:, 0]
    np.testing.assert_allclose(weights[:3], [0.5, 0.5, 0.0])
    # Thinc's softmax_sequences clips at 20, which would give 2e-9 here.
    assert weights[4] == pytest.approx(np.exp(-30.0), rel=1e-4)
