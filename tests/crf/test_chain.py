"""Every quantity of the chain against brute-force enumeration of all tag sequences."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchcrf import CRF as TorchCRF

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf import decoding, expectations, recursion, transitions
from spacy_seqrnn.crf.chain import SCORES, LinearChain, finite_max, log_sum_exp, mean_chain
from spacy_seqrnn.crf.decoding import k_best, viterbi
from spacy_seqrnn.crf.expectations import (
    Segments,
    expected_counts,
    marginals,
    path_counts,
    segment_log_posteriors,
)
from spacy_seqrnn.crf.recursion import log_partition
from spacy_seqrnn.ner.biluo import biluo_constraints

LENGTHS = [3, 0, 1, 5, 2, 4, 0]


@pytest.fixture(autouse=True, params=["whole", "in parts"])
def _way(request, monkeypatch):
    """All with the matrix of transitions as a whole, and in parts as with hundreds of tags."""
    smallest = np.inf if request.param == "whole" else 0
    monkeypatch.setattr(transitions, "SPLIT_TAGS", smallest)
    monkeypatch.setattr(transitions, "PRUNED_PAIRS", smallest)
    monkeypatch.setattr(transitions, "DENSE_SHARE", 0.7)
    monkeypatch.setattr(decoding, "HELD_PAIRS", decoding.HELD_PAIRS if smallest else 10)


def make_chain(lengths, n_tags=3, scale=1.0, forbidden=0.2, seed=0):
    """A random chain, some of whose transitions are forbidden."""
    random = np.random.default_rng(seed)
    transitions = random.normal(size=(n_tags, n_tags)) * scale
    transitions[random.random(transitions.shape) < forbidden] = -np.inf
    np.fill_diagonal(transitions, 0.1)  # so that some sequence is always possible
    return LinearChain(
        random.normal(size=(sum(lengths), n_tags)) * scale,
        transitions,
        random.normal(size=n_tags) * scale,
        random.normal(size=n_tags) * scale,
        make_packing(lengths),
    )


def doc_major(chain, packed):
    return packed[chain.packing.from_packed]


def enumerate_paths(chain, doc):
    """All tag sequences of a document with their scores."""
    lengths = chain.packing.lengths
    start = int(lengths[:doc].sum())
    emissions = doc_major(chain, chain.emissions)[start : start + lengths[doc]]
    paths = []
    for tags in product(range(emissions.shape[1]), repeat=len(emissions)):
        score = sum(emissions[t, tag] for t, tag in enumerate(tags))
        score += sum(chain.transitions[a, b] for a, b in pairwise(tags))
        if tags:
            score += chain.start[tags[0]] + chain.end[tags[-1]]
        paths.append((float(score), tags))
    return paths


def brute_log_partition(chain, doc):
    return np.logaddexp.reduce([score for score, _ in enumerate_paths(chain, doc)])


chains = st.builds(
    make_chain,
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    n_tags=st.integers(1, 4),
    # Up to differences that float64 cannot hold as a product of exponentials.
    scale=st.sampled_from([0.1, 1.0, 30.0, 1e3, 1e4]),
    forbidden=st.sampled_from([0.0, 0.3, 0.9]),
    seed=st.integers(0, 10_000),
)


@given(chains)
def test_partition(chain):
    expected = [brute_log_partition(chain, i) for i in range(len(chain.packing.lengths))]
    np.testing.assert_allclose(log_partition(chain), expected, rtol=1e-9, atol=1e-9)


@given(chains)
def test_marginals(chain):
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
def test_expected_counts(chain):
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
def test_counts_of_one_path_are_those_where_no_other_is_possible(lengths, seed):
    chain = make_chain(lengths, seed=seed)
    tags = np.random.default_rng(seed).integers(0, 3, sum(lengths))
    scores, counts = path_counts(chain, tags)
    expected_scores, expected = expected_counts(chain.restrict(np.eye(3, dtype=bool)[tags]))
    np.testing.assert_allclose(scores, expected_scores, atol=1e-9)
    assert counts.packing is chain.packing
    for doc in np.flatnonzero(np.isfinite(scores)):
        path = tuple(doc_major(chain, tags)[sum(lengths[:doc]) : sum(lengths[: doc + 1])].tolist())
        assert dict(map(reversed, enumerate_paths(chain, doc)))[path] == pytest.approx(scores[doc])
    if np.isfinite(scores).all():
        for name in ("emissions", "transitions", "start", "end"):
            np.testing.assert_allclose(getattr(counts, name), getattr(expected, name), atol=1e-9)


def test_counts_can_weigh_documents():
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


def test_transitions_are_counted_the_same_by_either_way(monkeypatch):
    """By one product, and pair by pair where exponentials would overflow, some tokens at a time."""
    chain, weights = make_chain(LENGTHS), np.arange(1.0, 1.0 + len(LENGTHS))
    _, fast = expected_counts(chain, weights)
    monkeypatch.setattr(expectations, "LARGEST_EXPONENT", -np.inf)
    monkeypatch.setattr(expectations, "HELD_PAIRS", 30)
    _, exact = expected_counts(chain, weights)
    assert exact.packing is fast.packing is chain.packing
    np.testing.assert_allclose(exact.transitions, fast.transitions, atol=1e-12)


@given(chains)
def test_viterbi(chain):
    tags = doc_major(chain, viterbi(chain))
    row = 0
    for i, length in enumerate(chain.packing.lengths):
        paths = {path: score for score, path in enumerate_paths(chain, i)}
        best = max(paths.values())
        assert paths[tuple(tags[row : row + length])] == pytest.approx(best, rel=1e-9)
        row += length


@given(chains, st.integers(1, 6))
def test_k_best(chain, k):
    for i, found in enumerate(k_best(chain, k)):
        log_z = brute_log_partition(chain, i)
        paths = enumerate_paths(chain, i)
        best = sorted((score for score, _ in paths if score > -np.inf), reverse=True)[:k]
        assert len(found) == len(best)
        scores = {path: score for score, path in paths}
        for (log_p, tags), score in zip(found, best, strict=True):
            assert log_p == pytest.approx(score - log_z, rel=1e-9, abs=1e-7)
            assert tags.dtype == "int64"
            assert scores[tuple(tags)] == pytest.approx(score, rel=1e-9, abs=1e-9)
        assert len({tuple(tags) for _, tags in found}) == len(found)


def test_k_best_takes_ties_in_the_order_of_the_tags():
    """Of the last token first, so that an answer does not depend on how NumPy sorts."""
    random = np.random.default_rng(0)
    scores = (random.integers(0, 2, size).astype(float) for size in ((3, 6), (6, 6), 6, 6))
    chain = LinearChain(*scores, make_packing([3]))
    (found,) = k_best(chain, 300)
    paths = sorted((-score, path[::-1]) for score, path in enumerate_paths(chain, 0))
    assert [tuple(tags[::-1]) for _, tags in found] == [path for _, path in paths]


@given(chains, st.data())
def test_segment_posteriors(chain, data):
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


@pytest.mark.parametrize("n_chains", [1, 3])
def test_mean_of_chains_is_the_geometric_mean_of_their_distributions(n_chains):
    chains = [make_chain([2, 3], forbidden=0.0, seed=seed) for seed in range(n_chains)]
    mean = mean_chain(chains)
    for doc in range(2):
        scores = [[score for score, _ in enumerate_paths(chain, doc)] for chain in (*chains, mean)]
        *logs, own = [np.asarray(s) - np.logaddexp.reduce(s) for s in scores]
        expected = np.mean(logs, axis=0)
        np.testing.assert_allclose(own, expected - np.logaddexp.reduce(expected), atol=1e-9)
    assert mean.members == tuple(chains)
    assert mean.scale(2.0).members == mean.restrict(np.ones(3, dtype=bool)).members == ()


def test_sums_and_multiples_of_gradients_in_every_score():
    one, other = make_chain([2, 3], forbidden=0.0), make_chain([2, 3], forbidden=0.0, seed=1)
    for name in SCORES:
        a, b = getattr(one, name), getattr(other, name)
        np.testing.assert_array_equal(getattr(one.scale(3.0), name), 3.0 * a)
        np.testing.assert_array_equal(getattr(one.plus(other), name), a + b)
        np.testing.assert_array_equal(getattr(one.plus(other, -2.0), name), a - 2.0 * b)


def test_the_maximum_of_nothing_is_0():
    assert finite_max(np.zeros((0, 3))) == 0.0
    assert finite_max(np.zeros((2, 0)), axis=1).tolist() == [[0.0], [0.0]]
    assert finite_max(np.full((2, 2), -np.inf), axis=1).tolist() == [[0.0], [0.0]]


def test_log_sum_exp_leaves_out_its_axis_only():
    np.testing.assert_allclose(log_sum_exp(np.zeros((2, 3, 1)), axis=1), np.log([[3.0], [3.0]]))


def test_restrict_leaves_allowed_sequences_only():
    chain = make_chain([3, 2], n_tags=3, forbidden=0.0)
    allowed = np.ones(chain.emissions.shape, dtype=bool)
    allowed[0] = [False, True, False]  # the first token of the longer document
    tags = marginals(chain.restrict(allowed))
    assert tags[0].tolist() == [0.0, pytest.approx(1.0), 0.0]


def test_scores_of_an_impossible_document():
    chain = make_chain([2, 3], forbidden=0.0)
    allowed = np.ones(chain.emissions.shape, dtype=bool)
    allowed[chain.packing.from_packed[0]] = False
    log_z = log_partition(chain.restrict(allowed))
    assert log_z[0] == -np.inf
    assert np.isfinite(log_z[1])


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("token", [0, 1])
def test_an_impossible_document_gives_no_numeric_warning(scale, token):
    """In none of the ways to sum; the second scale needs the logarithms."""
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


def test_ordinary_scores_do_without_logarithms(monkeypatch):
    """The slow way is taken only where a path could be lost."""
    chain = make_chain(LENGTHS)
    expected = log_partition(chain)
    monkeypatch.setattr(recursion, "TransitionWeights", None)
    np.testing.assert_array_equal(log_partition(chain), expected)
    with pytest.raises(TypeError):
        log_partition(make_chain(LENGTHS, scale=1e3))


def test_what_a_scheme_forbids_does_without_logarithms(monkeypatch):
    """Nor do tags count as lost that nothing leads to, or that single tokens may not have."""
    rules = biluo_constraints(9)
    chain = make_chain(LENGTHS, n_tags=9, forbidden=0.0)
    chain.transitions[~rules.transitions] = -np.inf
    chain.start[~rules.start] = chain.end[~rules.end] = -np.inf
    allowed = np.random.default_rng(0).random(chain.emissions.shape) < 0.7
    allowed[:, 0] = True
    expected = [brute_log_partition(chain.restrict(allowed), i) for i in range(len(LENGTHS))]
    monkeypatch.setattr(recursion, "TransitionWeights", None)
    np.testing.assert_allclose(log_partition(chain.restrict(allowed)), expected, atol=1e-9)


def test_an_impossible_tag_gives_no_numeric_warning():
    chain = make_chain([2, 3], forbidden=0.0)
    chain.start[0] = -np.inf
    with np.errstate(divide="raise", invalid="raise"):
        tags = marginals(chain)
    assert not tags[:2, 0].any()
    np.testing.assert_allclose(tags.sum(axis=1), 1.0)


@pytest.mark.parametrize("turned", [False, True])
def test_the_only_path_may_vanish_little_by_little(turned):
    """Two tags that never mix, the one with the score of 0 forbidden at one end of the document."""
    emissions = np.zeros((30, 2))
    emissions[:, 1] = -50.0
    transitions = np.asarray([[0.0, -np.inf], [-np.inf, 0.0]])
    ends = [np.zeros(2), np.asarray([-np.inf, 0.0])]
    start, end = reversed(ends) if turned else ends
    chain = LinearChain(emissions, transitions, start, end, make_packing([30]))
    assert log_partition(chain) == pytest.approx(-30 * 50.0)
    np.testing.assert_array_equal(marginals(chain), [[0.0, 1.0]] * 30)


def test_spread_is_of_what_is_allowed():
    assert recursion._spread(np.asarray([-3.0, 0.0])) == 3.0
    assert recursion._spread(np.asarray([-np.inf, -2.0, 0.0])) == 2.0
    assert recursion._spread(np.asarray([-np.inf, -np.inf])) == 0.0


def test_scores_are_brought_to_float64():
    chain = make_chain([2, 3])
    half = chain._map(lambda name: getattr(chain, name).astype("float32"))
    for name in SCORES:
        own = getattr(half.as_float64(), name)
        assert own.dtype == "float64"
        np.testing.assert_array_equal(own, getattr(half, name))


def test_the_only_path_may_begin_with_what_is_very_improbable():
    """Its first tag vanishes beside the other one, from which no way leads to the end."""
    forbidden = -np.inf
    chain = LinearChain(
        np.asarray([[-800.0, 0.0], [0.0, 0.0]]),
        np.asarray([[0.0, 0.0], [forbidden, 0.0]]),
        np.zeros(2),
        np.asarray([0.0, forbidden]),
        make_packing([2]),
    )
    assert log_partition(chain) == pytest.approx(-800.0)
    assert marginals(chain).tolist() == [[1.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("n_tokens", [2000])
def test_long_documents_do_not_drift(n_tokens):
    """Two tags that never mix: a closed form for Z, far beyond the range of exp()."""
    packing = make_packing([n_tokens])
    emissions = np.zeros((n_tokens, 2))
    emissions[: n_tokens // 2, 0] = 1.0
    emissions[n_tokens // 2 :, 1] = 1.5
    transitions = np.asarray([[0.0, -np.inf], [-np.inf, 0.0]])
    chain = LinearChain(emissions, transitions, np.zeros(2), np.zeros(2), packing)
    expected = np.logaddexp(*emissions.sum(axis=0))
    np.testing.assert_allclose(log_partition(chain), [expected], rtol=1e-12)
    assert viterbi(chain).tolist() == [1] * n_tokens


def _torch_crf(chain, batch_first_lengths):
    crf = TorchCRF(chain.emissions.shape[1], batch_first=True).double()
    with torch.no_grad():
        crf.transitions.copy_(torch.from_numpy(chain.transitions))
        crf.start_transitions.copy_(torch.from_numpy(chain.start))
        crf.end_transitions.copy_(torch.from_numpy(chain.end))
    longest = max(batch_first_lengths)
    padded = torch.zeros((len(batch_first_lengths), longest, chain.emissions.shape[1])).double()
    mask = torch.zeros(padded.shape[:2], dtype=torch.bool)
    row = 0
    for i, n in enumerate(batch_first_lengths):
        own = doc_major(chain, chain.emissions)[row : row + n]
        padded[i, :n], mask[i, :n] = torch.from_numpy(own), True
        row += n
    return crf, padded, mask


def test_agrees_with_pytorch_crf():
    """Where pytorch-crf has the same quantity: documents with tokens, nothing forbidden."""
    lengths = [4, 1, 7, 2, 30]
    chain = make_chain(lengths, n_tags=9, forbidden=0.0)
    crf, padded, mask = _torch_crf(chain, lengths)
    tags = torch.randint(0, 9, mask.shape)
    log_likelihood = crf(padded, tags, mask=mask, reduction="none")
    score = crf._compute_score(padded.transpose(0, 1), tags.transpose(0, 1), mask.transpose(0, 1))
    expected = (score - log_likelihood).detach().numpy()
    np.testing.assert_allclose(log_partition(chain), expected, rtol=1e-9)
    own = doc_major(chain, viterbi(chain)).tolist()
    assert own == [tag for path in crf.decode(padded, mask=mask) for tag in path]
