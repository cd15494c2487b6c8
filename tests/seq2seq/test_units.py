"""Words, characters and subwords."""

import pickle
import sys

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.util import load_model_from_config
from thinc.api import Adam

from spacy_seqrnn.seq2seq.units import Characters, Subwords, Words, learn_subwords

from ..pipes import get_pipe
from .models import pair, small_seq2seq

TEXTS = [
    "the house is green",
    "a green dog is in the house",
    "the green dog",
    "a house in the green",
    "dogs and houses",
]


@given(st.text())
def test_characters_are_joined_to_the_same_text(text: str) -> None:
    assert Characters().join(Characters().split(text)) == text


@given(st.lists(st.text(alphabet="abc.", min_size=1)))
def test_words_are_joined_to_the_same_text(words: list[str]) -> None:
    text = " ".join(words)
    assert Words().split(text) == words
    assert Words().join(words) == text
    assert Words().split(f"  {text}\n") == words


def test_what_can_be_a_unit() -> None:
    assert [Words().has(text) for text in ("a", "a b", " ", "")] == [True, False, False, False]
    assert [Characters().has(text) for text in ("a", "ab", " ", "")] == [True, False, True, False]


@pytest.fixture(scope="module")
def subwords() -> Subwords:
    pytest.importorskip("sentencepiece")
    return Subwords(learn_subwords([*TEXTS, ""], 30))


def test_subwords_are_joined_to_the_same_text(subwords: Subwords) -> None:
    for text in [*TEXTS, "", "unheard-of ☃ wörds", "  two  spaces "]:
        assert subwords.join(subwords.split(text)) == " ".join(text.split())
    assert max(map(len, subwords.split("the green house"))) > 1
    assert len(subwords.split("the green house")) < len("the green house")


def test_subwords_are_pickled(subwords: Subwords) -> None:
    again = pickle.loads(pickle.dumps(subwords))
    assert again.split(TEXTS[0]) == subwords.split(TEXTS[0])


def test_subwords_are_the_same_each_time(subwords: Subwords) -> None:
    assert learn_subwords([*TEXTS, ""], 30) == subwords.model


def test_subwords_that_cannot_be_learned() -> None:
    pytest.importorskip("sentencepiece")
    with pytest.raises(ValueError, match="`max_subwords = 3` subwords cannot be learned from"):
        learn_subwords(TEXTS, 3)
    with pytest.raises(ValueError, match="`max_subwords = 30` subwords cannot be learned from"):
        learn_subwords(["", " "], 30)


def make_component(source: str, target: str, n: int = 30) -> Language:
    nlp = spacy.blank("en")
    model = small_seq2seq(source_unit=source, target_unit=target, copy=source == target)
    nlp.add_pipe("seqrnn_text2text", config={"model": model, "max_subwords": n})
    nlp.initialize(lambda: [pair(nlp.make_doc(text), text.upper()) for text in TEXTS])
    return nlp


@pytest.mark.parametrize(
    ("source", "target"),
    [("subwords", "subwords"), ("words", "subwords"), ("subwords", "characters")],
)
def test_a_component_of_subwords(source: str, target: str) -> None:
    pytest.importorskip("sentencepiece")
    nlp = make_component(source, target)
    units = get_pipe(nlp, "seqrnn_text2text").vocabulary.units
    assert any(len(unit) > 1 for unit in units) == (target == "subwords")
    assert all(unit == unit.upper() for unit in units)  # counted in targets
    batch = [pair(nlp.make_doc(text), text.upper()) for text in TEXTS]
    optimizer = Adam(0.01)
    for _ in range(160):
        nlp.update(batch, sgd=optimizer, losses={})
    assert [doc._.output for doc in nlp.pipe(TEXTS)] == [text.upper() for text in TEXTS]
    loaded = load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    texts = [*TEXTS, "a cat", "", " "]
    assert [d._.output for d in loaded.pipe(texts)] == [d._.output for d in nlp.pipe(texts)]


def test_the_number_of_subwords() -> None:
    pytest.importorskip("sentencepiece")
    kinds = [
        get_pipe(make_component("words", "subwords", n), "seqrnn_text2text").vocabulary.kind
        for n in (16, 40)
    ]
    few, many = (sum(len(kind.split(text.upper())) for text in TEXTS) for kind in kinds)
    assert few > many  # units that the texts consist of


def test_without_sentencepiece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ValueError, match=r"`target_unit = 'subwords'` needs sentencepiece: `pip "):
        make_component("words", "subwords")
