"""Steps through many tags, in parts and pruned, against the whole matrix."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf import decoding, transitions
from spacy_seqrnn.crf.chain import SCORES, LinearChain
from spacy_seqrnn.crf.decoding import viterbi
from spacy_seqrnn.crf.expectations import expected_counts
from spacy_seqrnn.crf.transitions import MaxProduct, SumProduct, split
from spacy_seqrnn.ner.biluo import biluo_constraints


@st.composite
def steps(draw: DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores of transitions and of previous tags, in which ties and -inf are common."""
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
def _always_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "SPLIT_TAGS", 0)
    monkeypatch.setattr(transitions, "PRUNED_PAIRS", 0)
    monkeypatch.setattr(transitions, "HELD_PAIRS", 20)


@given(steps())
def test_the_best_ways(step: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, before = step
    expected = (before[:, :, None] + matrix).max(axis=1)
    found = np.zeros(before.shape)
    MaxProduct(matrix, max(len(before), 1), len(before)).into(before, found)
    np.testing.assert_array_equal(found, expected)


@given(steps())
def test_sums_of_products(step: tuple[np.ndarray, np.ndarray]) -> None:
    matrix, before = step
    weights, states = np.exp(matrix), np.exp(before / 10)
    found = np.empty(states.shape)
    SumProduct(weights).into(states, found)
    np.testing.assert_allclose(found, states @ weights, rtol=1e-12)


@given(steps(), st.integers(0, 100))
def test_outer_products(step: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    matrix, before = step
    weights = np.exp(matrix)
    after = np.random.default_rng(seed).random(before.shape)
    before = np.exp(before / 10)
    found = SumProduct(weights).outer(before, after)
    np.testing.assert_allclose(found, before.T @ after * weights, rtol=1e-12, atol=1e-12)


@given(steps(), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from([0.0, -np.inf]))
def test_parts_have_all_that_is_not_forbidden(
    step: tuple[np.ndarray, np.ndarray], share: float, empty: float
) -> None:
    matrix = np.where(step[0] == -np.inf, empty, step[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transitions, "DENSE_SHARE", share)
        parts = split(matrix, empty)
    found = np.full(matrix.shape, empty)
    found[np.ix_(parts.rows, parts.columns)] = parts.block
    for source, weights in zip(parts.sources, parts.weights, strict=True):
        has_entry = weights != empty
        found[source[has_entry], parts.others[has_entry]] = weights[has_entry]
    np.testing.assert_array_equal(found, matrix)
    assert sorted([*parts.columns, *parts.others]) == list(range(len(matrix)))


def test_a_place_without_effect_takes_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tag 1 only follows tag 0, and its padding names tag 0, too."""
    monkeypatch.setattr(transitions, "DENSE_SHARE", 0.5)
    weights = np.ones((6, 6))
    weights[1:, 1] = weights[2:, 2] = 0.0
    assert split(weights, 0.0).sources.tolist() == [[0, 0], [0, 1]]
    sums = SumProduct(weights).outer(np.ones((1, 6)), np.ones((1, 6)))
    np.testing.assert_array_equal(sums, weights)


def test_what_cannot_win_is_not_looked_at() -> None:
    product = MaxProduct(np.random.default_rng(0).uniform(-1, 1, (21, 21)), 4, 4)
    before = np.zeros((4, 21))
    before[0, 5] = before[1, 2] = before[1, 7] = 100.0
    before[2] = np.arange(21) * 1e-3  # these cannot be pruned
    before[3] = -np.inf
    assert product._within_reach(before).sum(axis=1).tolist() == [1, 2, 21, 1]


@pytest.mark.parametrize("seed", range(20))
def test_worst_and_best_transitions_decide_what_is_looked_at(seed: int) -> None:
    """Scores that differ as much as transitions, so that either can decide."""
    random = np.random.default_rng(seed)
    allowed = biluo_constraints(41).transitions
    matrix = np.where(allowed, 3 * random.normal(size=allowed.shape), -np.inf)
    before = random.normal(size=(50, 41)) * random.choice([1.0, 3.0, 9.0], size=(50, 1))
    product, found = MaxProduct(matrix, 50, 50), np.zeros(before.shape)
    product.into(before, found)
    np.testing.assert_array_equal(found, (before[:, :, None] + matrix).max(axis=1))
    assert product.parts
    within = product._within_reach(before[:, product.parts.rows])
    assert within.mean() < 0.9


def test_rounding_decides_nothing() -> None:
    """Previous tags that are equal up to the last bit."""
    random = np.random.default_rng(0)
    own = random.normal(size=6)
    matrix = np.tile(own[:, None], 6)
    before = 100.0 + random.normal(size=(1000, 1)) - own
    found = np.zeros(before.shape)
    MaxProduct(matrix, 1000, 1000).into(before, found)
    np.testing.assert_array_equal(found, (before[:, :, None] + matrix).max(axis=1))


def test_a_score_that_is_no_number_stays_in_its_document() -> None:
    before = np.zeros((3, 5))
    before[1, 2] = np.nan
    found = np.zeros(before.shape)
    MaxProduct(np.zeros((5, 5)), 3, 3).into(before, found)
    assert np.isnan(found).tolist() == [[False] * 5, [True] * 5, [False] * 5]


def test_few_tags_and_documents_are_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    small, large = np.zeros((17, 17)), np.zeros((401, 401))
    assert SumProduct(small).parts is MaxProduct(small, 96, 96).parts is None
    assert MaxProduct(np.zeros((73, 73)), 1, 1).parts is None
    assert MaxProduct(np.zeros((73, 73)), 96, 96).parts is not None
    assert SumProduct(large).parts is not None
    assert MaxProduct(large, 1, 1).parts is not None


def test_parts_of_the_biluo_scheme() -> None:
    """Only tags that do not continue an entity are in the block: O, B and U of each label."""
    n_labels = 60
    allowed = biluo_constraints(1 + 4 * n_labels).transitions
    parts = split(np.where(allowed, 0.5, -np.inf), -np.inf)
    assert parts.block.shape == (2 * n_labels + 1, 2 * n_labels + 1)
    assert parts.weights.shape == (2, 2 * n_labels)
    assert (parts.block == 0.5).all()
    assert (parts.weights == 0.5).all()


def make_chain(seed: int, scale: float, n_labels: int = 5) -> LinearChain:
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


def plain_viterbi(chain: LinearChain) -> list[int]:
    """One document after the other, over all pairs of tags; of ties the lowest tag."""
    chain = chain.as_float64()
    emissions = chain.emissions[chain.packing.from_packed]
    result = []
    for begin, end in pairwise([0, *np.cumsum(chain.packing.lengths)]):
        best: list[np.ndarray] = []
        for t, row in enumerate(emissions[begin:end]):
            arriving = (best[-1][:, None] + chain.transitions).max(axis=0) if t else chain.start
            best.append(row + arriving)
        totals = best[-1] + chain.end if best else chain.end
        own: list[int] = []
        while best:
            own.append(int(totals.argmax()))
            best.pop()
            totals = best[-1] + chain.transitions[:, own[-1]] if best else chain.end
        result += own[::-1]
    return result


@given(steps(), st.lists(st.integers(0, 6), max_size=6), st.integers(0, 1000))
def test_pruned_tags_are_those_of_all_pairs(
    step: tuple[np.ndarray, np.ndarray], lengths: list[int], seed: int
) -> None:
    """To the last tie, also for documents that allow no sequence."""
    random = np.random.default_rng(seed)
    n_tags = len(step[0])
    emissions = random.normal(size=(sum(lengths), n_tags)).round(random.integers(0, 2))
    emissions[random.random(emissions.shape) < random.choice([0.0, 0.1, 0.9])] = -np.inf
    start, end = random.integers(0, 2, (2, n_tags)).astype("float32")
    scores = (emissions.astype("float32"), step[0].astype("float32"), start, end)
    chain = LinearChain(*scores, packing=make_packing(lengths))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK_DOCS", 3)
        found = viterbi(chain)[chain.packing.from_packed].tolist()
        patch.setattr(transitions, "PRUNED_PAIRS", np.inf)
        whole = viterbi(chain)[chain.packing.from_packed].tolist()
    assert found == whole == plain_viterbi(chain)


@pytest.mark.parametrize("scale", [0.0, 1.0, 8.0, 1000.0])
@pytest.mark.parametrize("seed", range(5))
def test_chains_are_what_they_are_with_the_whole_matrix(
    seed: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make_chain(seed, scale)
    tags, (log_z, counts) = viterbi(chain), expected_counts(chain)
    monkeypatch.setattr(transitions, "SPLIT_TAGS", np.inf)
    monkeypatch.setattr(transitions, "PRUNED_PAIRS", np.inf)
    np.testing.assert_array_equal(tags, viterbi(chain))
    expected_z, expected = expected_counts(chain)
    np.testing.assert_allclose(log_z, expected_z)
    for name in SCORES:
        np.testing.assert_allclose(getattr(counts, name), getattr(expected, name), atol=1e-9)
