"""The tables at the end of the quickstart."""

import importlib
from types import ModuleType

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from .conftest import ROOT


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("show")


def tag(doc: Doc, scores: list[float]) -> Doc:
    """Make the first words of a doc entities with these scores."""
    spans = [Span(doc, i, i + 1, label="PER") for i in range(len(scores))]
    doc.spans["seqrnn_ner"] = SpanGroup(doc, spans=spans, attrs={"scores": scores})
    return doc


@pytest.fixture
def nlp() -> Language:
    """A pipeline that predicts two entities in each text, or none in a short one, and likes all."""
    nlp = spacy.blank("en")

    @Language.component("test_show")
    def annotate(doc: Doc) -> Doc:
        doc.cats = {"positive": 0.75, "negative": 0.25}
        return tag(doc, [0.987, 0.5] if len(doc) > 3 else [])

    nlp.add_pipe("test_show")
    return nlp


def test_each_entity_has_a_row_with_its_score(
    show: ModuleType, nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "NEWS", ["Ann met Bo here .", "Nothing ."])
    assert show.entity_rows(nlp) == [
        ["Ann met Bo here .", "Ann", "PER", "0.99"],
        ["", "met", "PER", "0.50"],
        ["Nothing .", "-", "", ""],
    ]


def test_each_text_has_a_row_with_its_probabilities(
    show: ModuleType, nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "OPINIONS", ["Good ."])
    assert show.sentiment_rows(nlp) == [["Good .", "0.75", "0.25"]]


def test_table_keeps_whole_sentences(
    show: ModuleType, nlp: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    show.print_table(["Sentence", "Entity", "Label", "Score"], show.entity_rows(nlp), "lllr")
    printed = capsys.readouterr().out
    assert all(text in printed for text in show.NEWS)
