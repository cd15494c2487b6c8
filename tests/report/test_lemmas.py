"""Lemmas in a report, against spaCy's own score."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example

from spacy_seqrnn.report.analysis import analyse
from spacy_seqrnn.report.lemmas import WrongLemma
from spacy_seqrnn.report.page import report_page
from spacy_seqrnn.report.tokens import TokenDoc, read_tokens

from ..seq2seq.models import small_seq2seq

WORDS = ["axes", "saw", "b", "it"]
LEARNED = ["axis", "saw", "<i>", "it"]
RIGHT = [["ax", "saw", "b", ""], ["ax", "see", "<i>", "it"]]


@pytest.fixture
def nlp() -> Language:
    """A pipeline whose lemmas are all in its dictionary."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("seqrnn_lemmatizer", config={"model": small_seq2seq()})
    doc = Doc(nlp.vocab, words=WORDS, lemmas=LEARNED)
    nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc)])
    return nlp


def save(nlp: Language, lemmas: list[list[str]], path: Path) -> Path:
    docs = [Doc(nlp.vocab, words=WORDS, lemmas=each) for each in lemmas]
    DocBin(attrs=["LEMMA"], docs=docs).to_disk(path)
    return path


def test_they_are_scored_as_by_spacy(nlp: Language, tmp_path: Path) -> None:
    data = save(nlp, RIGHT, tmp_path / "dev.spacy")
    train = save(nlp, [["a", "b", "", ""]], tmp_path / "train.spacy")
    found = analyse(tmp_path, nlp, "model-best", data=data, train=train)
    assert found.lemmas
    assert found.lemmas.accuracy.value == pytest.approx(3 / 7)
    scores = nlp.evaluate(list(Corpus(data)(nlp)))
    assert found.lemmas.accuracy.value == pytest.approx(scores["lemma_acc"])
    assert found.lemmas.n_tokens == 7
    assert found.lemmas.wrong == [
        WrongLemma("axes", "ax", "axis", 2),
        WrongLemma("b", "b", "<i>", 1),
        WrongLemma("saw", "see", "saw", 1),
    ]
    assert found.lemmas.seen
    assert [(group.name, group.n) for group in found.lemmas.seen] == [("seen word", 7)]


def test_parts_of_a_token_are_left_out(nlp: Language) -> None:
    """And a token that is several of the reference."""
    predicted = Doc(nlp.vocab, words=["=", "=", "it", "bc"], lemmas=["=", "=", "x", "bc"])
    reference = Doc(nlp.vocab, words=["==", "it", "b", "c"], lemmas=["==", "it", "b", "c"])
    assert read_tokens(Example(predicted, reference), "lemma", None) == TokenDoc(
        words=("it",), found=("x",), annotated=("it",), seen=()
    )
    assert read_tokens(Example(predicted[:2].as_doc(), reference[:1].as_doc()), "lemma", None) is (
        None
    )


def test_the_page_shows_them(nlp: Language, tmp_path: Path) -> None:
    data = save(nlp, RIGHT, tmp_path / "dev.spacy")
    html = report_page(analyse(tmp_path, nlp, "model-best", data=data))
    assert "lemma accuracy <strong>0.429</strong>" in html
    assert "<h2>Most frequent wrong lemmas</h2>" in html
    assert "Counted are the 7 annotated tokens that the tokenizer finds too" in html
    assert "<td>axis</td>" in html
    assert "&lt;i&gt;" in html
    assert "<i>" not in html


def test_data_without_lemmas(nlp: Language, tmp_path: Path) -> None:
    data = save(nlp, [[""] * 4], tmp_path / "dev.spacy")
    with pytest.raises(ValueError, match="but no annotated lemma"):
        analyse(tmp_path, nlp, "model-best", data=data)
