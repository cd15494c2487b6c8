"""Words, characters, characters with tags, and subwords."""

import pickle
import sys

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.util import load_model_from_config
from thinc.api import Adam

from spacy_seqrnn.seq2seq.units import (
    Characters,
    CharactersAndTags,
    Subwords,
    Words,
    learn_subwords,
)

from ..pipes import get_pipe
from .models import pair, small_seq2seq

TEXTS = [
    "the house is green",
    "a green dog is in the house",
    "the green dog",
    "a house in the green",
    "dogs and houses",
]


@given(st.text() | st.text(alphabet="<>a "))
def test_characters_are_joined_to_the_same_text(text: str) -> None:
    for kind in (Characters(), CharactersAndTags()):
        assert kind.join(kind.split(text)) == text
        assert all(kind.has(unit) for unit in kind.split(text))


def test_tags_are_units() -> None:
    split = CharactersAndTags().split
    assert split("<V;PST>a b\n<1>") == ["<V;PST>", "a", " ", "b", "\n", "<1>"]
    assert split("<<a>> <> <a b>") == ["<", "<a>", ">", " ", *"<> <a b>"]


@given(st.lists(st.text(alphabet="abc.", min_size=1)))
def test_words_are_joined_to_the_same_text(words: list[str]) -> None:
    text = " ".join(words)
    assert Words().split(text) == words
    assert Words().join(words) == text
    assert Words().split(f"  {text}\n") == words


def test_what_can_be_a_unit() -> None:
    assert [Words().has(text) for text in ("a", "a b", " ", "")] == [True, False, False, False]
    assert [Characters().has(text) for text in ("a", "ab", " ", "")] == [True, False, True, False]
    tags = [CharactersAndTags().has(text) for text in ("a", "ab", "<a>", "<a", "<a>b", "")]
    assert tags == [True, False, True, False, False, False]


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


def test_a_component_of_characters_and_tags() -> None:
    """One source unit for each tag, whatever its length, and one target unit."""
    nlp = spacy.blank("en")
    kind = "characters_and_tags"
    model = small_seq2seq(source_unit=kind, target_unit=kind, copy=True)
    nlp.add_pipe("seqrnn_text2text", config={"model": model, "max_growth": 0})
    texts = {f"<{tag}>{word}": f"{word}<{tag}>" for tag in ("PST", "PRS") for word in ("a", "b")}
    batch = [pair(nlp.make_doc(text), target) for text, target in texts.items()]
    nlp.initialize(lambda: batch)
    component = get_pipe(nlp, "seqrnn_text2text")
    assert sorted(component.vocabulary.units) == ["<PRS>", "<PST>", "a", "b"]
    sources = component.sources([nlp.make_doc("<PST>a b")])
    assert [token.text for token in sources[0]] == ["<PST>", "a", " ", "b"]
    optimizer = Adam(0.01)
    for _ in range(80):
        nlp.update(batch, sgd=optimizer, losses={})
    assert [doc._.output for doc in nlp.pipe(texts)] == list(texts.values())


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
