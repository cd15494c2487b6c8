"""Steps through many tags, in parts and pruned, against the whole matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_seqrnn.labels import biluo_constraints
from spacy_seqrnn.layers import transitions
from spacy_seqrnn.layers.chain import SCORES, LinearChain
from spacy_seqrnn.layers.decoding import viterbi
from spacy_seqrnn.layers.expectations import expected_counts
from spacy_seqrnn.layers.packed import make_packing
from spacy_seqrnn.layers.transitions import MaxProduct, SumProduct, split


@st.composite
def steps(draw):
    """Scores of transitions and of what came before, in which ties and -inf are common."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_tags, n_docs = draw(st.integers(1, 30)), draw(st.integers(0, 7))
    digits = draw(st.sampled_from([0, 8]))
    scale = draw(st.sampled_from([0.0, 0.5, 20.0]))
    matrix = random.normal(size=(n_tags, n_tags)).round(digits)
    matrix[random.random(matrix.shape) < draw(st.sampled_from([0.0, 0.3, 0.95]))] = -np.inf
    before = (scale * random.normal(size=(n_docs, n_tags))).round(digits)
    before[random.random(before.shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = -np.inf
    return matrix, before


@pytest.fixture(autouse=True)
def _always_split(monkeypatch):
    monkeypatch.setattr(transitions, "SPLIT_TAGS", 0)
    monkeypatch.setattr(transitions, "HELD_PAIRS", 20)


@given(steps())
def test_the_best_ways(step):
    matrix, before = step
    expected = (before[:, :, None] + matrix).max(axis=1)
    found = np.zeros(before.shape)
    MaxProduct(matrix, max(len(before), 1)).into(before, found)
    np.testing.assert_array_equal(found, expected)


@given(steps())
def test_sums_of_products(step):
    matrix, before = step
    weights, states = np.exp(matrix), np.exp(before / 10)
    found = np.empty(states.shape)
    SumProduct(weights).into(states, found)
    np.testing.assert_allclose(found, states @ weights, rtol=1e-12)


def test_parts_of_the_biluo_scheme():
    """Only tags that do not go on with an entity are in the block: O, B and U of each label."""
    n_labels = 60
    allowed = biluo_constraints(1 + 4 * n_labels).transitions
    parts = split(np.where(allowed, 0.5, -np.inf), -np.inf)
    assert parts.block.shape == (2 * n_labels + 1, 2 * n_labels + 1)
    assert parts.weights.shape == (2, 2 * n_labels)
    assert (parts.block == 0.5).all()
    assert (parts.weights == 0.5).all()


def make_chain(seed, scale, n_labels=5):
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 9, size=6)
    size = 1 + 4 * n_labels
    allowed = biluo_constraints(size)
    emissions = scale * random.normal(size=(lengths.sum(), size))
    emissions[random.random(emissions.shape) < 0.1] = -np.inf
    emissions[:, 0] = random.normal(size=len(emissions))  # so that some sequence is possible
    scores = [random.normal(size=mask.shape) for mask in (allowed.transitions, allowed.start)]
    return LinearChain(
        emissions,
        np.where(allowed.transitions, scores[0], -np.inf),
        np.where(allowed.start, scores[1], -np.inf),
        np.where(allowed.end, scores[1], -np.inf),
        make_packing(lengths),
    )


@pytest.mark.parametrize("scale", [0.0, 1.0, 8.0, 1000.0])
@pytest.mark.parametrize("seed", range(5))
def test_chains_are_what_they_are_with_the_whole_matrix(seed, scale, monkeypatch):
    chain = make_chain(seed, scale)
    tags, (log_z, counts) = viterbi(chain), expected_counts(chain)
    monkeypatch.setattr(transitions, "SPLIT_TAGS", 10**9)
    np.testing.assert_array_equal(tags, viterbi(chain))
    expected_z, expected = expected_counts(chain)
    np.testing.assert_allclose(log_z, expected_z)
    for name in SCORES:
        np.testing.assert_allclose(getattr(counts, name), getattr(expected, name), atol=1e-9)
