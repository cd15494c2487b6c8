"""Forms with their lemmas: which there are, the dictionary, and what the network writes."""

from collections import Counter

import spacy
from hypothesis import assume, example, given
from hypothesis.strategies import text
from spacy.tokens import Doc
from spacy.training import Example

from spacy_seqrnn.seq2seq.forms import (
    AS_IT_IS,
    IN_LOWER_CASE,
    SIGNS,
    expand,
    find_forms,
    lemmas_of,
    make_dictionary,
    shorten,
)

from .test_lemmatizer import tagged


def test_tags_of_earlier_components_come_before_those_of_the_reference() -> None:
    nlp = spacy.blank("xx")
    reference = Doc(nlp.vocab, words=["a", "b"], tags=["X", "Y"], lemmas=["1", "2"])
    predicted = Doc(nlp.vocab, words=["a", "b"], tags=["Z", ""])
    found = list(lemmas_of(Example(predicted, reference), tagged=True))
    assert found == [(("a", "Z"), "1"), (("b", "Y"), "2")]
    assert list(lemmas_of(Example(predicted, reference), tagged=False)) == [
        (("a", ""), "1"),
        (("b", ""), "2"),
    ]


def test_forms_without_a_lemma_teach_nothing() -> None:
    nlp = spacy.blank("xx")
    reference = Doc(nlp.vocab, words=["a", "b", " "], lemmas=["1", "", " "])
    example = Example(Doc(nlp.vocab, words=["a", "b", " "]), reference)
    assert list(lemmas_of(example, tagged=True)) == [(("a", ""), "1")]


def test_parts_of_a_token_do_not_get_its_lemma() -> None:
    nlp = spacy.blank("xx")
    reference = Doc(nlp.vocab, words=["<<", "re-typed", "it"], lemmas=["<<", "re-type", "it"])
    predicted = Doc(nlp.vocab, words=["<", "<", "re", "-", "typed", "it"])
    example = Example(predicted, reference)
    assert list(lemmas_of(example, tagged=False)) == [(("it", ""), "it")]


@given(word=text(min_size=1), lemma=text(min_size=1))
@example("Went", "Went")
@example("Went", "went")
@example("Went", "go")
@example("İ", "i̇")
def test_what_is_shortened_is_expanded_again(word: str, lemma: str) -> None:
    assume(not any(sign in word + lemma for sign in SIGNS))
    assert expand(word, shorten(word, lemma)) == lemma


def test_forms_are_written_by_a_sign() -> None:
    assert shorten("it", "it") == AS_IT_IS
    assert shorten("It", "it") == IN_LOWER_CASE
    assert shorten("it", "It") == "It"


def test_the_most_frequent_lemma_is_in_the_dictionary() -> None:
    counts = Counter(
        {(("saw", "V"), "see"): 3, (("saw", "V"), "sew"): 1, (("saw", "N"), "saw"): 2}
        | {(("axes", "N"), "ax"): 1, (("axes", "N"), "axis"): 1}
    )
    assert make_dictionary(counts) == {
        "": {"saw": "see", "axes": "ax"},
        "V": {"saw": "see"},
        "N": {"saw": "saw", "axes": "ax"},
    }


def test_distinct_forms_of_documents_of_two_vocabularies() -> None:
    docs = [
        tagged(spacy.blank("xx"), [("a", "X", ""), ("b", "X", ""), ("a", "Y", "")]),
        Doc(spacy.blank("xx").vocab),
        tagged(spacy.blank("xx"), [("b", "X", ""), ("a", "X", "")]),
    ]
    found = find_forms(docs, tagged=True)
    assert len(found.forms) == len(set(found.forms)) == 3
    read = [[found.forms[number] for number in index] for index in found.index]
    assert read == [[(token.text, token.tag_) for token in doc] for doc in docs]
    assert {tag for _, tag in find_forms(docs, tagged=False).forms} == {""}
