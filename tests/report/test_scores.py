"""Scores and their intervals."""

import numpy as np
import pytest
from spacy.scorer import PRFScore

from spacy_seqrnn.report.groups import by_kind, by_length, by_unseen_share
from spacy_seqrnn.report.reliability import reliability
from spacy_seqrnn.report.scores import (
    BLOCK,
    RESAMPLES,
    accuracy,
    f1,
    label_scores,
    macro_f1,
    precision,
    recall,
    resampled_sums,
    score,
)


def random_counts(n_docs: int, *shape: int) -> np.ndarray:
    random = np.random.default_rng(0)
    gold = random.integers(1, 4, (n_docs, *shape))
    return np.stack([random.binomial(gold, 0.8), gold, gold], axis=-1)


def test_metrics_are_those_of_spacy() -> None:
    for right, found, annotated in [(3, 5, 4), (0, 0, 2), (0, 3, 0), (0, 0, 0)]:
        prf = PRFScore()
        prf.tp, prf.fp, prf.fn = right, found - right, annotated - right
        counts = np.asarray([right, found, annotated])
        for metric, value in [(precision, prf.precision), (recall, prf.recall), (f1, prf.fscore)]:
            assert metric(counts) == pytest.approx(value)


def test_macro_f1_is_the_mean_of_the_labels() -> None:
    assert macro_f1(np.asarray([[1, 1, 1], [0, 1, 1]])) == 0.5


def test_interval_holds_the_score_and_shrinks_with_more_documents() -> None:
    widths = []
    for n in (100, 10_000):
        found = score(random_counts(n), f1)
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 5


def test_interval_is_that_of_the_normal_distribution() -> None:
    # The share of n independent documents that are right has a known deviation.
    right = np.zeros((2000, 2), dtype=int)
    right[:, 1] = 1
    right[:600, 0] = 1
    found = score(right, accuracy)
    deviation = np.sqrt(0.3 * 0.7 / 2000)
    assert found.value == 0.3
    assert found.low == pytest.approx(0.3 - 1.96 * deviation, abs=0.15 * deviation)
    assert found.high == pytest.approx(0.3 + 1.96 * deviation, abs=0.15 * deviation)


def test_every_resample_has_as_many_documents_and_they_differ() -> None:
    sums = resampled_sums(np.eye(7, dtype=int))
    assert sums.shape == (RESAMPLES, 7)
    assert (sums.sum(axis=1) == 7).all()
    assert not np.array_equal(sums[:BLOCK], sums[BLOCK : 2 * BLOCK])
    assert np.array_equal(sums, resampled_sums(np.eye(7, dtype=int)))


def test_labels_are_scored_each_by_itself() -> None:
    counts = random_counts(40, 2)
    for i, found in enumerate(label_scores(counts, ["A", "B"])):
        assert found.label == "AB"[i]
        assert (found.right, found.found, found.annotated) == tuple(counts[:, i].sum(axis=0))
        assert found.f1 == score(counts[:, i], f1)


def test_groups_of_lengths_have_all_documents_once() -> None:
    lengths = np.asarray([1, 1, 1, 1, 2, 3, 3, 9, 10, 11])
    right = np.asarray([[1, 1]] * 5 + [[0, 1]] * 5)
    groups = by_length(lengths, right, accuracy)
    assert sum(group.n for group in groups) == len(lengths)
    assert groups[0].name == "1 token"
    assert (groups[0].n, groups[0].score.value) == (4, 1.0)
    assert groups[-1].name.endswith("11 tokens")
    assert by_length(lengths[:1], right[:1], accuracy)[0].n == 1


def test_groups_of_shares_have_their_edges_below() -> None:
    shares = np.asarray([0.0, 0.05, 0.051, 1.0])
    right = np.asarray([[1, 1], [0, 1], [1, 1], [0, 1]])
    groups = by_unseen_share(shares, right, accuracy)
    names = ["no unseen word", "up to 5% unseen", "5% to 10% unseen", "20% to 100% unseen"]
    assert [group.name for group in groups] == names
    assert [group.score.value for group in groups] == [1, 0, 1, 0]


def test_groups_of_kinds_leave_out_empty_ones() -> None:
    counts = random_counts(20, 3)
    counts[:, 1] = 0
    groups = by_kind(["a", "b", "c"], counts, counts.sum(axis=0)[:, 2], f1)
    assert [group.name for group in groups] == ["a", "c"]
    assert groups[1].score == score(counts[:, 2], f1)


def test_reliability_of_perfect_scores() -> None:
    random = np.random.default_rng(0)
    scores = random.random(200_000)
    found = reliability(scores, random.random(200_000) < scores)
    assert found.error < 0.005
    assert found.brier == pytest.approx(1 / 6, abs=0.003)  # the mean of p (1 - p)
    assert sum(each.n for each in found.bins) == found.n == 200_000
    worse = reliability(scores, random.random(200_000) < scores / 2)
    assert worse.error == pytest.approx(0.25, abs=0.01)
