"""Losses against enumeration, and their gradients against central differences."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_seqrnn.crf.chain import SCORES, LinearChain
from spacy_seqrnn.crf.expectations import Segments
from spacy_seqrnn.crf.losses import (
    negative_log_likelihood,
    squared_difference,
    wrong_segments_loss,
)

from .paths import LENGTHS, enumerate_paths, make_chain


def random_gold(chain: LinearChain, seed: int = 0) -> np.ndarray:
    """A lattice that leaves each token some tags, the first one always."""
    gold: np.ndarray = np.random.default_rng(seed).random(chain.emissions.shape) < 0.5
    gold[:, 0] = True
    return gold


def check_gradient(
    loss: Callable[..., Any], chain: LinearChain, gradient: LinearChain, step: float = 1e-5
) -> None:
    """Central differences for every finite score."""
    for name in SCORES:
        scores = getattr(chain, name)
        for index in np.ndindex(scores.shape):
            if scores[index] == -np.inf:
                assert getattr(gradient, name)[index] == pytest.approx(0.0, abs=1e-9)
                continue
            moved = scores.copy()
            moved[index] += step
            up = loss(replace(chain, **{name: moved}))
            moved[index] -= 2 * step
            down = loss(replace(chain, **{name: moved}))
            expected = (up - down) / (2 * step)
            assert getattr(gradient, name)[index] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_loss_by_enumeration(seed: int) -> None:
    chain = make_chain([3, 0, 2, 1], seed=seed)
    gold = random_gold(chain, seed)
    losses, _ = negative_log_likelihood(chain, gold)
    allowed = chain.restrict(gold)
    for i in range(4):
        z = np.logaddexp.reduce([score for score, _ in enumerate_paths(chain, i)])
        z_gold = np.logaddexp.reduce([score for score, _ in enumerate_paths(allowed, i)])
        assert losses[i] == pytest.approx(z - z_gold, abs=1e-9)


@pytest.mark.parametrize("one_path", [False, True])
def test_loss_gradient(one_path: bool) -> None:
    chain = make_chain([3, 0, 1, 4])
    gold = random_gold(chain)
    if one_path:
        gold[:, 1:] = False
    _, gradient = negative_log_likelihood(chain, gold)
    check_gradient(lambda c: negative_log_likelihood(c, gold)[0].sum(), chain, gradient)


def test_missing_annotation_teaches_nothing() -> None:
    chain = make_chain(LENGTHS)
    losses, gradient = negative_log_likelihood(chain, np.ones(chain.emissions.shape, dtype=bool))
    np.testing.assert_allclose(losses, 0.0, atol=1e-9)
    for name in SCORES:
        np.testing.assert_allclose(getattr(gradient, name), 0.0, atol=1e-9)


@pytest.mark.parametrize("one_path", [False, True])
def test_impossible_annotation_is_named(one_path: bool) -> None:
    chain = make_chain([2, 3], forbidden=0.0)
    gold = np.ones(chain.emissions.shape, dtype=bool)
    if one_path:
        gold[:, 1:] = False
        chain.transitions[0, 1] = -np.inf
        gold[chain.packing.from_packed[3]] = [False, True, False]
    else:
        gold[chain.packing.from_packed[3]] = False  # a token of the second document
    with pytest.raises(ValueError, match="annotation of document 1 of the batch"):
        negative_log_likelihood(chain, gold)


def some_segments() -> Segments:
    return Segments(
        docs=np.asarray([0, 3, 3, 2]),
        starts=np.asarray([1, 2, 0, 0]),
        lengths=np.asarray([2, 2, 3, 1]),
        tags=np.asarray([0, 0, 0, 0, 1, 1, 1, 2]),
    )


def test_wrong_segments_by_enumeration() -> None:
    chain = make_chain([3, 0, 1, 4], forbidden=0.0)
    segments = some_segments()
    loss, _ = wrong_segments_loss(chain, segments)
    expected = 0.0
    for doc, start, length, first in zip(
        segments.docs, segments.starts, segments.lengths, segments.firsts, strict=True
    ):
        tags = tuple(segments.tags[first : first + length])
        paths = enumerate_paths(chain, doc)
        z = np.logaddexp.reduce([score for score, _ in paths])
        p = sum(np.exp(s - z) for s, path in paths if path[start : start + length] == tags)
        expected -= np.log1p(-p)
    assert loss == pytest.approx(expected)


def test_wrong_segments_gradient() -> None:
    chain = make_chain([3, 0, 1, 4], forbidden=0.0)
    _, gradient = wrong_segments_loss(chain, some_segments())
    assert gradient.packing is chain.packing
    check_gradient(lambda c: wrong_segments_loss(c, some_segments())[0], chain, gradient)


def test_wrong_segment_that_is_certain_has_a_finite_gradient() -> None:
    chain = make_chain([1], n_tags=2, forbidden=0.0)
    sure = replace(chain, emissions=np.asarray([[1e4, 0.0]]))
    segment = Segments(*(np.asarray([n]) for n in (0, 0, 1, 0)))
    loss, gradient = wrong_segments_loss(sure, segment)
    assert np.isfinite(loss)
    assert np.isfinite(gradient.emissions).all()


def test_squared_difference_compares_what_both_have() -> None:
    small, large = make_chain([2, 1], n_tags=3, seed=1), make_chain([2, 1], n_tags=4, seed=2)
    loss, gradient = squared_difference(large, small)
    expected = large.emissions[:, :3] - small.emissions
    np.testing.assert_allclose(gradient.emissions[:, :3], expected)
    assert not gradient.emissions[:, 3].any()
    assert np.isfinite(gradient.transitions).all()
    parts = [getattr(gradient, name) for name in SCORES]
    assert loss == pytest.approx(sum((part**2).sum() for part in parts) / 2)


def test_squared_difference_leaves_out_what_is_forbidden() -> None:
    """In the new scores, the earlier ones or both."""
    new, earlier = make_chain([2], forbidden=0.0), make_chain([2], forbidden=0.0, seed=1)
    new.transitions[0, :2] = earlier.transitions[1:, 0] = -np.inf
    new.transitions[2, 2] = earlier.transitions[2, 2] = -np.inf
    _, gradient = squared_difference(new, earlier)
    left_out = np.asarray([[1, 1, 0], [1, 0, 0], [1, 0, 1]], dtype=bool)
    assert not gradient.transitions[left_out].any()
    expected = new.transitions[~left_out] - earlier.transitions[~left_out]
    np.testing.assert_array_equal(gradient.transitions[~left_out], expected)
