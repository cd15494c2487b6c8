"""The vocabulary of targets."""

import pytest
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_seqrnn.seq2seq.units import Characters, Units, Words
from spacy_seqrnn.seq2seq.vocab import N_SPECIAL, UNKNOWN, TargetVocabulary, count_units

KINDS: dict[str, Units] = {"words": Words(), "characters": Characters()}


@pytest.mark.parametrize("name", KINDS)
def test_numbers_and_back(name: str) -> None:
    texts = ["a b a", "c a", ""]
    kind = KINDS[name]
    vocabulary = TargetVocabulary(count_units(texts, kind, most=10, min_count=1), kind)
    assert vocabulary.size == len(vocabulary.units) + N_SPECIAL
    for text in texts:
        numbers = vocabulary.numbers_of(text)
        assert UNKNOWN not in numbers
        assert vocabulary.text_of(numbers.tolist()) == text
    assert UNKNOWN in vocabulary.numbers_of("a d")


def test_the_most_frequent_units_are_kept() -> None:
    texts = ["b a", "a c", "a c"]
    assert count_units(texts, Words(), most=10, min_count=1) == ["a", "c", "b"]
    assert count_units(texts, Words(), most=2, min_count=1) == ["a", "c"]
    assert count_units(texts, Words(), most=10, min_count=2) == ["a", "c"]


def test_units_of_a_source_that_are_not_in_the_vocabulary() -> None:
    vocab = Vocab()
    vocabulary = TargetVocabulary(["a", "b"], Characters())
    sources = [Doc(vocab, words=["TAG=X", *"axbyx"]), Doc(vocab), Doc(vocab, words=["y"])]
    copied = vocabulary.find_copied(sources)
    assert copied.others == [["x", "y"], [], ["y"]]
    assert copied.numbers is not None
    assert copied.numbers.tolist() == [UNKNOWN, 2, 4, 3, 5, 4, 4]
    numbers = vocabulary.numbers_of("bxz", copied.others[0])
    assert numbers.tolist() == [3, 4, UNKNOWN]
    assert vocabulary.text_of([4, 2, 5], copied.others[0]) == "xay"
    words = TargetVocabulary(["a"], Words()).find_copied([Doc(vocab, words=["a", " ", "b c", "d"])])
    assert words.others == [["d"]]
