"""Probabilities of parts of sequences, against enumeration."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf import expectations
from spacy_seqrnn.crf.chain import LinearChain
from spacy_seqrnn.crf.expectations import (
    Segments,
    expected_counts,
    marginals,
    path_counts,
    segment_log_posteriors,
)

from .paths import (
    LENGTHS,
    brute_log_partition,
    chains,
    doc_major,
    enumerate_paths,
    make_chain,
)

pytestmark = pytest.mark.usefixtures("_both_ways")


@given(chains)
def test_marginals(chain: LinearChain) -> None:
    own = doc_major(chain, marginals(chain))
    expected = np.zeros_like(own)
    row = 0
    for i, length in enumerate(chain.packing.lengths):
        log_z = brute_log_partition(chain, i)
        for score, tags in enumerate_paths(chain, i):
            expected[row + np.arange(length), list(tags)] += np.exp(score - log_z)
        row += length
    np.testing.assert_allclose(own, expected, atol=1e-7)


@given(chains)
def test_expected_counts(chain: LinearChain) -> None:
    log_z, counts = expected_counts(chain)
    transitions = np.zeros_like(chain.transitions)
    start, end = np.zeros_like(chain.start), np.zeros_like(chain.end)
    for i in range(len(chain.packing.lengths)):
        for score, tags in enumerate_paths(chain, i):
            p = np.exp(score - log_z[i])
            if tags:
                start[tags[0]] += p
                end[tags[-1]] += p
            for pair in pairwise(tags):
                transitions[pair] += p
    np.testing.assert_allclose(counts.transitions, transitions, atol=1e-7)
    np.testing.assert_allclose(counts.start, start, atol=1e-7)
    np.testing.assert_allclose(counts.end, end, atol=1e-7)


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(0, 100))
def test_counts_of_one_path_are_those_where_no_other_is_possible(
    lengths: list[int], seed: int
) -> None:
    chain = make_chain(lengths, seed=seed)
    tags = np.random.default_rng(seed).integers(0, 3, sum(lengths))
    scores, counts = path_counts(chain, tags)
    expected_scores, expected = expected_counts(chain.restrict(np.eye(3, dtype=bool)[tags]))
    np.testing.assert_allclose(scores, expected_scores, atol=1e-9)
    assert counts.packing is chain.packing
    for doc in np.flatnonzero(np.isfinite(scores)).tolist():
        path = tuple(doc_major(chain, tags)[sum(lengths[:doc]) : sum(lengths[: doc + 1])].tolist())
        assert dict(map(reversed, enumerate_paths(chain, doc)))[path] == pytest.approx(scores[doc])
    if np.isfinite(scores).all():
        for name in ("emissions", "transitions", "start", "end"):
            np.testing.assert_allclose(getattr(counts, name), getattr(expected, name), atol=1e-9)


def test_counts_can_weigh_documents() -> None:
    chain = make_chain(LENGTHS)
    weights = np.arange(len(LENGTHS), dtype=float)
    _, weighted = expected_counts(chain, weights)
    total = np.zeros_like(chain.transitions)
    row = 0
    for i, length in enumerate(LENGTHS):
        emissions = doc_major(chain, chain.emissions)[row : row + length]
        scores = (chain.transitions, chain.start, chain.end)
        alone = LinearChain(emissions, *scores, make_packing([length]))
        total += weights[i] * expected_counts(alone)[1].transitions
        row += length
    np.testing.assert_allclose(weighted.transitions, total, atol=1e-12)


def test_transitions_are_counted_the_same_by_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one product, and pair by pair where exponentials would overflow, some tokens at a time."""
    chain, weights = make_chain(LENGTHS), np.arange(1.0, 1.0 + len(LENGTHS))
    _, fast = expected_counts(chain, weights)
    monkeypatch.setattr(expectations, "LARGEST_EXPONENT", -np.inf)
    monkeypatch.setattr(expectations, "HELD_PAIRS", 30)
    _, exact = expected_counts(chain, weights)
    assert exact.packing is fast.packing is chain.packing
    np.testing.assert_allclose(exact.transitions, fast.transitions, atol=1e-12)


@given(chains, st.data())
def test_segment_posteriors(chain: LinearChain, data: DataObject) -> None:
    docs = [i for i, length in enumerate(chain.packing.lengths) if length]
    rows = []
    for i in data.draw(st.lists(st.sampled_from(docs), max_size=4)) if docs else []:
        length = int(chain.packing.lengths[i])
        start = data.draw(st.integers(0, length - 1))
        size = data.draw(st.integers(1, length - start))
        n_tags = chain.emissions.shape[1]
        tags = data.draw(st.lists(st.integers(0, n_tags - 1), min_size=size, max_size=size))
        rows.append((i, start, size, tags))
    segments = Segments(
        np.asarray([row[0] for row in rows], dtype=int),
        np.asarray([row[1] for row in rows], dtype=int),
        np.asarray([row[2] for row in rows], dtype=int),
        np.asarray([tag for row in rows for tag in row[3]], dtype=int),
    )
    own = np.exp(segment_log_posteriors(chain, segments))
    for p, (i, start, size, tags) in zip(own, rows, strict=True):
        log_z = brute_log_partition(chain, i)
        expected = sum(
            np.exp(score - log_z)
            for score, path in enumerate_paths(chain, i)
            if list(path[start : start + size]) == tags
        )
        assert p == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("token", [0, 1])
def test_an_impossible_document_gives_no_numeric_warning(scale: float, token: int) -> None:
    """By either way to sum; the second scale needs the logarithms."""
    chain = make_chain([2, 3], forbidden=0.0, scale=scale)
    allowed = np.ones(chain.emissions.shape, dtype=bool)
    allowed[chain.packing.from_packed[token]] = False
    impossible = chain.restrict(allowed)
    with np.errstate(divide="raise", invalid="raise"):
        _, counts = expected_counts(impossible)
        tags = doc_major(chain, marginals(impossible))
    assert np.isnan(counts.transitions).all()
    assert np.isnan(tags[:2]).all()
    np.testing.assert_allclose(tags[2:].sum(axis=1), 1.0)


def test_an_impossible_tag_gives_no_numeric_warning() -> None:
    chain = make_chain([2, 3], forbidden=0.0)
    chain.start[0] = -np.inf
    with np.errstate(divide="raise", invalid="raise"):
        tags = marginals(chain)
    assert not tags[:2, 0].any()
    np.testing.assert_allclose(tags.sum(axis=1), 1.0)
