"""The sentences of the benchmark of agreement, and how their verbs are counted."""

import random

import numpy as np
import pytest

from benchmarks.agreement import models
from benchmarks.agreement.__main__ import halving
from benchmarks.agreement.grammar import (
    NOUNS,
    VERBS,
    WORDS_PER_MODIFIER,
    Sentence,
    make_sentence,
)
from benchmarks.agreement.models import share_right, train, verb_bits
from spacy_seqrnn import compare_continuations

PLURAL = {f"{noun}s" for noun in NOUNS}


@pytest.mark.parametrize("attracts", [True, False])
@pytest.mark.parametrize("n_modifiers", [0, 1, 5])
def test_the_verb_agrees_with_the_first_noun(n_modifiers: int, attracts: bool) -> None:
    chance = random.Random(0)
    for _ in range(50):
        made = make_sentence(chance, n_modifiers, attracts=attracts)
        nouns = [word for word in made.words if word in PLURAL.union(NOUNS)]
        assert made.prefix[:2] == ("the", nouns[0])
        plural = [noun in PLURAL for noun in nouns]
        assert (made.right, made.wrong) in [pair[:: -1 if plural[0] else 1] for pair in VERBS]
        assert len(nouns) == 1 + n_modifiers
        assert len(made.prefix) == 2 + WORDS_PER_MODIFIER * n_modifiers
        if attracts:
            assert not set(plural[1:]) & {plural[0]}


def test_short_sentences_are_more_frequent() -> None:
    chance = random.Random(0)
    found = np.bincount([halving(chance) for _ in range(4000)], minlength=9)
    assert len(found) == 9
    np.testing.assert_allclose(found[:3] / 4000, [0.5, 0.25, 0.125], atol=0.03)


def test_the_more_probable_verb_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "STEPS", 2)
    monkeypatch.setattr(models, "N_COUNTED", 300)
    nlp = train("gru", 0, lambda chance: chance.randint(0, 1))
    prefix = ("the", "cat")
    bits = verb_bits(nlp, [(prefix, "was"), (prefix, "were")])
    compared = compare_continuations(nlp, "the cat", ["was", "were"]).continuations
    assert bits == pytest.approx([each.surprisal for each in compared], abs=1e-5)
    better, worse = ("was", "were") if bits[0] < bits[1] else ("were", "was")
    sentences = [
        Sentence(prefix, right, wrong, "late", 0)
        for right, wrong in [(better, worse), (better, worse), (better, worse), (worse, better)]
    ]
    assert share_right(nlp, sentences) == 75.0
