from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from thinc.api import Adam, fix_random_seed

from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf.decoding import viterbi
from spacy_seqrnn.crf.expectations import marginals
from spacy_seqrnn.crf.layer import CRF, TokenSoftmax
from spacy_seqrnn.crf.losses import negative_log_likelihood
from spacy_seqrnn.ner.biluo import biluo_constraints
from spacy_seqrnn.types import Floats2d

from .. import gradients
from .paths import LENGTHS


def packed_emissions(lengths: list[int] = LENGTHS, n_tags: int = 9, seed: int = 0) -> Packed:
    random = np.random.default_rng(seed)
    return Packed(random.normal(size=(sum(lengths), n_tags)).astype("f"), make_packing(lengths))


@pytest.mark.parametrize("layer", [CRF, TokenSoftmax])
def test_decoding_is_always_valid(layer: Callable[..., Any]) -> None:
    """Whatever the emissions, no forbidden transition, start or end is decoded."""
    model = layer(biluo_constraints, nO=9)
    model.initialize()
    allowed = biluo_constraints(9)
    for seed in range(20):
        X = packed_emissions([4, 1, 2, 0, 9], seed=seed)
        tags = viterbi(model.predict(X))[X.packing.from_packed].tolist()
        for start, length in ((0, 4), (4, 1), (5, 2), (7, 9)):
            own = tags[start : start + length]
            assert allowed.start[own[0]]
            assert allowed.end[own[-1]]
            assert all(allowed.transitions[a, b] for a, b in pairwise(own))


def test_softmax_loss_is_token_cross_entropy() -> None:
    model = TokenSoftmax(biluo_constraints, nO=9)
    X = packed_emissions()
    chain, backprop = model.begin_update(X)
    tags = np.random.default_rng(0).integers(0, 9, len(X.data))
    losses, gradient = negative_log_likelihood(chain, np.eye(9, dtype=bool)[tags])
    p = np.exp(X.data - np.logaddexp.reduce(X.data, axis=1)[:, None])
    assert losses.sum() == pytest.approx(-np.log(p[np.arange(len(tags)), tags]).sum(), rel=1e-6)
    np.testing.assert_allclose(backprop(gradient).data, p - np.eye(9)[tags], atol=1e-6)


@pytest.mark.parametrize("layer", [CRF, TokenSoftmax])
def test_layer_gradients(layer: Callable[..., Any]) -> None:
    """Of the loss, through the layer, for its input and for each of its parameters."""
    model = layer(biluo_constraints, nO=9)
    model.initialize()
    for name in model.param_names:
        scores = model.get_param(name)
        scores += np.random.default_rng(1).normal(size=scores.shape).astype("f")
    X = packed_emissions([3, 0, 1, 2])
    gold = np.zeros(X.data.shape, dtype=bool)
    gold[:, [0, 4]] = True

    def loss() -> float:
        return float(negative_log_likelihood(model.begin_update(X)[0], gold)[0].sum())

    chain, backprop = model.begin_update(X)
    dX = backprop(negative_log_likelihood(chain, gold)[1])
    assert dX.packing is X.packing
    assert dX.data.dtype == np.float32
    gradients.check_gradient(loss, X.data, dX.data)
    if model.param_names:
        gradients.check_model_gradients(loss, model)


@pytest.mark.parametrize(("layer", "name"), [(CRF, "crf"), (TokenSoftmax, "token_softmax")])
def test_says_what_it_is_and_has_before_it_is_initialized(
    layer: Callable[..., Any], name: str
) -> None:
    """As in `spacy debug model`, and when a model that gets more labels asks its decoder."""
    model = layer(biluo_constraints, nO=9)
    assert model.name == name
    assert model.get_dim("nO") == 9
    assert model.param_names == (("transitions", "start", "end") if layer is CRF else ())


def test_crf_learns_transitions_that_emissions_cannot_tell() -> None:
    """Tags alternate while the emissions are constant: only the transitions can know."""
    fix_random_seed(0)
    anything = np.ones((2, 2), dtype=bool)
    model = CRF(lambda n: type(biluo_constraints(1))(anything, anything[0], anything[0]), nO=2)
    model.initialize()
    X = Packed(np.zeros((6, 2), dtype="f"), make_packing([6]))
    gold = np.eye(2, dtype=bool)[[0, 1, 0, 1, 0, 1]]
    optimizer = Adam(0.1)
    for _ in range(50):
        chain, backprop = model.begin_update(X)
        losses, gradient = negative_log_likelihood(chain, gold)
        backprop(gradient)
        model.finish_update(optimizer)
    assert losses.sum() < 0.1
    assert viterbi(model.predict(X)).tolist() == [0, 1, 0, 1, 0, 1]


def test_forbidden_transitions_keep_score_zero() -> None:
    """Forbidden transitions get no gradient, so an optimizer never changes them."""
    model = CRF(biluo_constraints, nO=9)
    model.initialize()
    X = packed_emissions()
    chain, backprop = model.begin_update(X)
    gold = np.zeros(X.data.shape, dtype=bool)
    gold[:, 0] = True
    backprop(negative_log_likelihood(chain, gold)[1])
    forbidden = ~biluo_constraints(9).transitions
    gradient: Floats2d = model.get_grad("transitions")
    assert not gradient[forbidden].any()
    assert gradient[~forbidden].any()


def test_crf_round_trip() -> None:
    model = CRF(biluo_constraints, nO=9)
    model.initialize()
    scores: Floats2d = model.get_param("transitions")
    scores[...] = np.random.default_rng(0).normal(size=(9, 9))
    X = packed_emissions()
    other = CRF(biluo_constraints, nO=9).from_bytes(model.to_bytes())
    np.testing.assert_array_equal(marginals(other.predict(X)), marginals(model.predict(X)))
