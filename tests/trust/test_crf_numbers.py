"""Every number of the CRF against all sequences, and against a recursion in extended precision.

The reference has 64 bits of mantissa and an exponent of 15 bits, and works in logarithms
throughout, so it is right where products of exponentials are not.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf.chain import LinearChain
from spacy_seqrnn.crf.decoding import viterbi
from spacy_seqrnn.crf.expectations import (
    Segments,
    expected_counts,
    marginals,
    segment_log_posteriors,
)
from spacy_seqrnn.crf.losses import negative_log_likelihood
from spacy_seqrnn.crf.recursion import log_partition
from spacy_seqrnn.ner.biluo import biluo_constraints

EXTENDED = np.longdouble
TOLERANCE = 1e-4  # relative
SCALES = [0.01, 1.0, 100.0, 1e4]


def make_chain(lengths: list[int], n_tags: int, scale: float, seed: int = 0) -> LinearChain:
    """A chain over BILUO tags, with the float32 scores that layers give."""
    chance = np.random.default_rng(seed)
    allowed = biluo_constraints(n_tags)
    emissions = chance.uniform(-scale, scale, size=(sum(lengths), n_tags)).astype("float32")
    start, end = chance.normal(size=(2, n_tags)).astype("float32")
    transitions = chance.normal(size=(n_tags, n_tags)).astype("float32")
    return LinearChain(
        emissions,
        np.where(allowed.transitions, transitions, -np.inf),
        np.where(allowed.start, start, -np.inf),
        np.where(allowed.end, end, -np.inf),
        make_packing(lengths),
    )


def emissions_of(chain: LinearChain, doc: int) -> np.ndarray:
    """The emissions of one document, token by token."""
    lengths = chain.packing.lengths
    first = lengths[:doc].sum()
    rows = chain.packing.from_packed[first : first + lengths[doc]]
    emissions: np.ndarray = chain.emissions[rows].astype(EXTENDED)
    return emissions


def log_sum(scores: np.ndarray, axis: int) -> np.ndarray:
    peak = scores.max(axis=axis, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0)
    with np.errstate(divide="ignore"):
        sums: np.ndarray = np.log(np.exp(scores - peak).sum(axis=axis)) + peak.squeeze(axis)
        return sums


def reference(chain: LinearChain, doc: int) -> tuple[Any, np.ndarray, Any]:
    """log Z, marginals and the best score of one document."""
    emissions = emissions_of(chain, doc)
    if not len(emissions):
        return EXTENDED(0), np.zeros(emissions.shape), EXTENDED(0)
    into = chain.transitions.astype(EXTENDED)
    forward, backward = np.empty_like(emissions), np.empty_like(emissions)
    forward[0] = best = chain.start.astype(EXTENDED) + emissions[0]
    for t in range(1, len(emissions)):
        forward[t] = log_sum(forward[t - 1][:, None] + into, axis=0) + emissions[t]
        best = (best[:, None] + into).max(axis=0) + emissions[t]
    backward[-1] = chain.end.astype(EXTENDED)
    for t in range(len(emissions) - 2, -1, -1):
        backward[t] = log_sum(into + emissions[t + 1] + backward[t + 1], axis=1)
    log_z = log_sum(forward[-1] + backward[-1], axis=0)
    return log_z, np.exp(forward + backward - log_z), (best + backward[-1]).max()


def score_of(chain: LinearChain, doc: int, tags: np.ndarray) -> Any:
    """The score of one tag sequence."""
    emissions = emissions_of(chain, doc)
    if not len(tags):
        return EXTENDED(0)
    steps = chain.transitions.astype(EXTENDED)[tags[:-1], tags[1:]].sum()
    ends = EXTENDED(chain.start[tags[0]]) + EXTENDED(chain.end[tags[-1]])
    return emissions[np.arange(len(tags)), tags].sum() + steps + ends


def check(chain: LinearChain) -> None:
    """Compare all documents of a batch with the reference."""
    packing = chain.packing
    log_z = log_partition(chain)
    tags = viterbi(chain)[packing.from_packed]
    probabilities = marginals(chain)[packing.from_packed]
    losses, gradient = negative_log_likelihood(chain, gold_lattice(chain))
    _, counts = expected_counts(chain)
    assert np.isfinite(losses).all()
    assert (losses >= -TOLERANCE).all()
    for part in (gradient, counts):
        for name in ("emissions", "transitions", "start", "end"):
            assert np.isfinite(getattr(part, name)).all()
    first = 0
    for doc, length in enumerate(packing.lengths.tolist()):
        own = slice(first, first := first + length)
        expected_z, expected, best = reference(chain, doc)
        assert float(log_z[doc]) == pytest.approx(float(expected_z), rel=TOLERANCE, abs=1e-6)
        np.testing.assert_allclose(probabilities[own], expected, rtol=0, atol=TOLERANCE)
        likely = expected > 1e-12
        np.testing.assert_allclose(
            probabilities[own][likely], expected[likely].astype("float64"), rtol=TOLERANCE
        )
        found = score_of(chain, doc, tags[own])
        assert float(found) == pytest.approx(float(best), rel=1e-12, abs=1e-9)


def gold_lattice(chain: LinearChain) -> np.ndarray:
    """One known path for half of the tokens, here that of no entity."""
    gold = np.ones(chain.emissions.shape, dtype=bool)
    gold[::2, 1:] = False
    return gold


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n_tags", [1, 5, 9])
def test_reference_against_all_sequences(n_tags: int, scale: float) -> None:
    """The reference itself, for every length from 0 to 5 and up to 9 tags."""
    lengths = list(range(6))
    chain = make_chain(lengths, n_tags, scale)
    for doc, length in enumerate(lengths):
        paths = np.asarray(list(product(range(n_tags), repeat=length)), dtype=int)
        paths = paths.reshape(n_tags**length, length)
        scores = all_scores(chain, doc, paths)
        log_z, probabilities, best = reference(chain, doc)
        assert float(log_z) == pytest.approx(float(log_sum(scores, axis=0)), rel=1e-15, abs=1e-15)
        assert float(best) == pytest.approx(float(scores.max()), rel=1e-15)
        weights = np.exp(scores - log_z)
        for t in range(length):
            summed = np.bincount(paths[:, t], weights.astype("float64"), n_tags)
            np.testing.assert_allclose(probabilities[t].astype("float64"), summed, atol=1e-12)


def all_scores(chain: LinearChain, doc: int, paths: np.ndarray) -> np.ndarray:
    """The score of every path. paths: shape (n_paths, n_tokens)."""
    emissions = emissions_of(chain, doc)
    scores = np.zeros(len(paths), dtype=EXTENDED)
    for t in range(paths.shape[1]):
        scores += emissions[t, paths[:, t]]
        scores += chain.transitions[paths[:, t - 1], paths[:, t]] if t else chain.start[paths[:, 0]]
    return scores + chain.end[paths[:, -1]] if paths.shape[1] else scores


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n_tags", [1, 5, 9])
def test_all_short_documents(n_tags: int, scale: float) -> None:
    for seed in range(3):
        check(make_chain([3, 0, 5, 1, 2, 4, 1, 0, 5, 2], n_tags, scale, seed))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("lengths", "n_tags"), [([300, 0, 7, 1], 9), ([40, 2], 201)])
def test_longer_documents_and_many_tags(lengths: list[int], n_tags: int, scale: float) -> None:
    check(make_chain(lengths, n_tags, scale))


@pytest.mark.slow
@pytest.mark.parametrize(("lengths", "n_tags"), [([100_000, 3], 9), ([300], 201)])
def test_very_long_documents(lengths: list[int], n_tags: int) -> None:
    """Large scores make log Z a number of ten digits, whose rounding must not affect the others."""
    check(make_chain(lengths, n_tags, SCALES[-1]))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("length", [1, 2, 50, 5000])
def test_a_lattice_with_a_single_path(length: int, scale: float) -> None:
    """Whatever its score, it has all the probability."""
    chain = make_chain([length, 2, length], 9, scale)
    path = np.zeros(chain.emissions.shape[0], dtype=int)  # outside of entities everywhere
    single = chain.restrict(np.eye(9, dtype=bool)[path])
    assert (viterbi(single) == path).all()
    np.testing.assert_allclose(marginals(single), np.eye(9)[path], atol=TOLERANCE)
    losses, gradient = negative_log_likelihood(single, np.eye(9, dtype=bool)[path])
    expected = [float(score_of(chain, doc, path[:n])) for doc, n in enumerate((length, 2, length))]
    np.testing.assert_allclose(log_partition(single), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(losses, 0.0, atol=1e-9 * max(map(abs, expected)) + 1e-9)
    assert np.isfinite(gradient.emissions).all()
    doc, start, size = (np.asarray([n]) for n in (0, 0, length))
    whole = Segments(doc, start, size, tags=path[:length])
    np.testing.assert_allclose(segment_log_posteriors(single, whole), 0.0, atol=TOLERANCE)


@pytest.mark.parametrize("n_tags", [1, 9])
def test_a_lattice_without_any_path(n_tags: int) -> None:
    """It has no probability, is reported as impossible, and does not affect the others."""
    chain = make_chain([4, 3, 0], n_tags, 1.0)
    allowed = np.ones(chain.emissions.shape, dtype=bool)
    allowed[chain.packing.from_packed[2]] = False  # a token of the first document
    forbidden = chain.restrict(allowed)
    log_z, whole = log_partition(forbidden), log_partition(chain)
    assert log_z[0] == -np.inf
    assert log_z[1:] == pytest.approx(whole[1:])
    own = chain.packing.from_packed[4:7]
    np.testing.assert_allclose(marginals(forbidden)[own], marginals(chain)[own], atol=1e-9)
    assert (viterbi(forbidden)[own] == viterbi(chain)[own]).all()
    with pytest.raises(ValueError, match="annotation of document 0 of the batch"):
        negative_log_likelihood(chain, allowed)
