"""Units of targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_seqrnn.seq2seq.vocab import (
    CHARACTERS,
    N_SPECIAL,
    UNKNOWN,
    WORDS,
    TargetVocabulary,
    count_units,
    join_units,
    split_text,
)


@given(st.text())
def test_characters_are_joined_to_the_same_text(text: str) -> None:
    assert join_units(split_text(text, CHARACTERS), CHARACTERS) == text


@given(st.lists(st.text(alphabet="abc.", min_size=1)))
def test_words_are_joined_to_the_same_text(words: list[str]) -> None:
    text = " ".join(words)
    assert split_text(text, WORDS) == words
    assert join_units(words, WORDS) == text
    assert split_text(f"  {text}\n", WORDS) == words


@pytest.mark.parametrize("unit", [WORDS, CHARACTERS])
def test_numbers_and_back(unit: str) -> None:
    texts = ["a b a", "c a", ""]
    units = count_units(texts, unit, most=10, min_count=1)
    vocabulary = TargetVocabulary(units, unit)
    assert vocabulary.size == len(units) + N_SPECIAL
    for text in texts:
        numbers = vocabulary.numbers_of(text)
        assert UNKNOWN not in numbers
        assert vocabulary.text_of(numbers.tolist()) == text
    assert UNKNOWN in vocabulary.numbers_of("a d")


def test_the_most_frequent_units_are_kept() -> None:
    texts = ["b a", "a c", "a c"]
    assert count_units(texts, WORDS, most=10, min_count=1) == ["a", "c", "b"]
    assert count_units(texts, WORDS, most=2, min_count=1) == ["a", "c"]
    assert count_units(texts, WORDS, most=10, min_count=2) == ["a", "c"]


def test_units_of_a_source_that_are_not_in_the_vocabulary() -> None:
    vocab = Vocab()
    vocabulary = TargetVocabulary(["a", "b"], CHARACTERS)
    sources = [Doc(vocab, words=["TAG=X", *"axbyx"]), Doc(vocab), Doc(vocab, words=["y"])]
    copied = vocabulary.find_copied(sources)
    assert copied.others == [["x", "y"], [], ["y"]]
    assert copied.numbers is not None
    assert copied.numbers.tolist() == [UNKNOWN, 2, 4, 3, 5, 4, 4]
    numbers = vocabulary.numbers_of("bxz", copied.others[0])
    assert numbers.tolist() == [3, 4, UNKNOWN]
    assert vocabulary.text_of([4, 2, 5], copied.others[0]) == "xay"
    words = TargetVocabulary(["a"], WORDS).find_copied([Doc(vocab, words=["a", " ", "b c", "d"])])
    assert words.others == [["d"]]
