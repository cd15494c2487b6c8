"""Operations on chains, of one model and of several."""

from collections.abc import Callable
from dataclasses import replace
from operator import methodcaller
from typing import Any

import numpy as np
import pytest

from spacy_seqrnn.crf.chain import SCORES, PooledChain, members_of, pooled
from spacy_seqrnn.crf.decoding import k_best, viterbi
from spacy_seqrnn.crf.expectations import (
    Segments,
    expected_counts,
    marginals,
    path_counts,
    segment_log_posteriors,
)
from spacy_seqrnn.crf.losses import (
    negative_log_likelihood,
    squared_difference,
    wrong_segments_loss,
)
from spacy_seqrnn.crf.recursion import forward_backward, log_partition

from .paths import LENGTHS, doc_major, enumerate_paths, make_chain


def test_sums_and_multiples_of_gradients_in_every_score() -> None:
    one, other = make_chain([2, 3], forbidden=0.0), make_chain([2, 3], forbidden=0.0, seed=1)
    for name in SCORES:
        a, b = getattr(one, name), getattr(other, name)
        np.testing.assert_array_equal(getattr(one.scale(3.0), name), 3.0 * a)
        np.testing.assert_array_equal(getattr(one.plus(other), name), a + b)
        np.testing.assert_array_equal(getattr(one.plus(other, -2.0), name), a - 2.0 * b)


def test_restrict_leaves_allowed_sequences_only() -> None:
    chain = make_chain([3, 2], n_tags=3, forbidden=0.0)
    allowed = np.ones(chain.emissions.shape, dtype=bool)
    allowed[0] = [False, True, False]  # the first token of the longer document
    tags = marginals(chain.restrict(allowed))
    assert tags[0].tolist() == [0.0, pytest.approx(1.0), 0.0]


def test_scores_are_brought_to_float64() -> None:
    chain = make_chain([2, 3])
    half = replace(chain, **{name: getattr(chain, name).astype("float32") for name in SCORES})
    for name in SCORES:
        own = getattr(half.as_float64(), name)
        assert own.dtype == "float64"
        np.testing.assert_array_equal(own, getattr(half, name))


def test_last_rows_are_those_of_the_last_tokens_of_the_longest_document_first() -> None:
    chain = make_chain(LENGTHS)
    numbers = doc_major(chain, np.arange(sum(LENGTHS)))
    ends = np.cumsum(LENGTHS) - 1
    order = sorted((i for i, n in enumerate(LENGTHS) if n), key=lambda i: -LENGTHS[i])
    assert chain.last_rows.tolist() == [numbers[ends[i]] for i in order]


def make_pool(n_members: int = 3) -> PooledChain:
    members = [make_chain([2, 3], forbidden=0.0, seed=seed) for seed in range(n_members)]
    return PooledChain(tuple(members))


@pytest.mark.parametrize("n_members", [1, 3])
def test_mean_of_chains_is_the_geometric_mean_of_their_distributions(n_members: int) -> None:
    pool = make_pool(n_members)
    for doc in range(2):
        chains = (*pool.members, pooled(pool))
        scores = [[score for score, _ in enumerate_paths(chain, doc)] for chain in chains]
        *logs, own = [np.asarray(s) - np.logaddexp.reduce(s) for s in scores]
        expected = np.mean(logs, axis=0)
        np.testing.assert_allclose(own, expected - np.logaddexp.reduce(expected), atol=1e-9)
    assert pooled(pool).packing is pool.members[0].packing


def test_the_chain_of_one_model_is_the_one_to_predict_from() -> None:
    chain = make_chain([2])
    assert pooled(chain) is chain
    assert members_of(chain) == (chain,)


def test_each_member_of_an_ensemble_is_trained() -> None:
    pool = make_pool()
    assert members_of(pool) is pool.members


def test_multiples_are_of_every_member() -> None:
    pool = make_pool()
    tripled = pool.scale(3.0)
    assert len(tripled.members) == 3
    for old, new in zip((*pool.members, pool.mean), (*tripled.members, tripled.mean), strict=True):
        for name in SCORES:
            np.testing.assert_allclose(getattr(new, name), 3.0 * getattr(old, name))


SEGMENTS = Segments(*(np.asarray([n]) for n in (0, 0, 1, 0)))
ALL = np.ones((5, 3), dtype=bool)


@pytest.mark.parametrize(
    "operation",
    [
        methodcaller("restrict", np.ones(3, dtype=bool)),
        methodcaller("as_float64"),
        methodcaller("plus", make_chain([2, 3])),
        lambda chain: make_chain([2, 3]).plus(chain),
        lambda chain: replace(chain, emissions=np.zeros((5, 3))),
        viterbi,
        lambda chain: k_best(chain, 1),
        forward_backward,
        log_partition,
        marginals,
        expected_counts,
        lambda chain: path_counts(chain, np.zeros(5, dtype=int)),
        lambda chain: segment_log_posteriors(chain, SEGMENTS),
        lambda chain: negative_log_likelihood(chain, ALL),
        lambda chain: wrong_segments_loss(chain, SEGMENTS),
        lambda chain: squared_difference(chain, make_chain([2, 3])),
        lambda chain: squared_difference(make_chain([2, 3]), chain),
    ],
)
def test_nothing_reads_or_changes_the_mean_and_leaves_out_the_members(
    operation: Callable[..., Any],
) -> None:
    """They work on a single member, but the ensemble itself has no scores to mistake for it."""
    pool = make_pool()
    operation(pool.members[0])
    with pytest.raises((AttributeError, TypeError)):
        operation(pool)
