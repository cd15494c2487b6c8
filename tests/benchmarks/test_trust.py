"""The parts of the trust benchmark that its figures depend on."""

import random

import pytest
import spacy
from spacy.tokens import Doc

from benchmarks.trust import calibration, partial

NLP = spacy.blank("xx")


def make_docs(n: int) -> list[Doc]:
    ents = ["B-PER", "I-PER", "O", "B-LOC"]
    return [Doc(NLP.vocab, words=["Ann", "Lee", "in", "Oslo"], ents=ents) for _ in range(n)]


def lost(percent: int, *, missing: bool) -> list[tuple[int, int]]:
    """Which tokens are no longer in an entity."""
    chance, docs = random.Random(0), make_docs(100)
    for doc in docs:
        partial.forget(doc, chance, percent / 100, missing=missing)
    kind = "" if missing else "O"
    assert all(doc[2].ent_iob_ == "O" for doc in docs)
    return [(i, t.i) for i, doc in enumerate(docs) for t in doc if t.i != 2 and t.ent_iob_ == kind]


@pytest.mark.parametrize("missing", [True, False])
def test_whole_entities_are_forgotten(missing: bool) -> None:
    half, most = (lost(percent, missing=missing) for percent in (50, 80))
    assert set(half) < set(most)
    assert 0.4 * 300 < len(half) < 0.6 * 300
    assert {i for i, token in half if token == 0} == {i for i, token in half if token == 1}


def test_calibration_error_is_the_mean_distance_of_scores_from_shares() -> None:
    # Ten entities scored 0.9 seven of them right; ten scored 0.3, three of them right.
    scores = {(i, 0, 1, "X"): 0.9 if i < 10 else 0.3 for i in range(20)}
    gold = {(i, 0, 1, "X") for i in (*range(7), *range(10, 13), 30)}
    result = calibration.summary(scores, gold)
    assert result["error"] == pytest.approx(0.5 * 0.2 + 0.5 * 0.0)
    assert result["brier"] == pytest.approx((7 * 0.01 + 3 * 0.81 + 3 * 0.49 + 7 * 0.09) / 20)
    assert result["f1"] == pytest.approx(100 * 2 * 10 / (20 + 11), abs=0.01)
    assert [row["n"] for row in result["bins"]] == [10, 10]


def test_a_score_of_one_is_in_the_last_bin() -> None:
    result = calibration.summary({(0, 0, 1, "X"): 1.0}, {(0, 0, 1, "X")})
    assert result["bins"] == [{"n": 1, "score": 1.0, "right": 1.0}]
    assert result["error"] == 0.0
