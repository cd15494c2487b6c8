from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_seqrnn.ner.biluo import Entities, no_entities
from spacy_seqrnn.ner.predictions import Predictions, set_entities, set_scores

NLP = spacy.blank("xx")
LABELS = [NLP.vocab.strings.add(label) for label in ("PER", "LOC")]


def make_docs(*lengths: int) -> list[Doc]:
    return [Doc(NLP.vocab, words=list("abcdefgh")[:n]) for n in lengths]


def shown(spans: Any) -> list[tuple[int, int, str]]:
    return [(span.start, span.end, span.label_) for span in spans]


@pytest.mark.parametrize("scores", [np.asarray([0.25, 0.5, 0.75]), None])
def test_each_document_gets_its_own_entities(scores: np.ndarray | None) -> None:
    """With their scores, if there are any; also documents with none and without tokens."""
    docs = make_docs(4, 0, 2, 3)
    rows = np.asarray([(0, 0, 2, 1), (0, 3, 1, 0), (3, 1, 2, 0)])
    found = list(Predictions(Entities(*rows.T), scores).spans(docs, LABELS))
    assert all(own is doc for (own, _, _), doc in zip(found, docs, strict=True))
    assert [shown(spans) for _, spans, _ in found] == [
        [(0, 2, "LOC"), (3, 4, "PER")],
        [],
        [],
        [(1, 3, "PER")],
    ]
    expected = [[], [], [], []] if scores is None else [[0.25, 0.5], [], [], [0.75]]
    assert [own for _, _, own in found] == expected


def test_a_batch_without_entities() -> None:
    docs = make_docs(0, 2)
    found = list(Predictions(no_entities(), np.zeros(0)).spans(docs, LABELS))
    assert [(spans, scores) for _, spans, scores in found] == [([], []), ([], [])]


def test_what_was_there_before_is_certain() -> None:
    (doc,) = make_docs(5)
    before, predicted = Span(doc, 0, 2, "ORG"), Span(doc, 3, 4, "PER")
    set_scores(doc, "found", [before, predicted], [predicted], [0.25])
    assert shown(doc.spans["found"]) == [(0, 2, "ORG"), (3, 4, "PER")]
    scores = doc.spans["found"].attrs["scores"]
    assert scores.dtype == np.float32
    assert scores.tolist() == [1.0, 0.25]


def test_set_entities_keeps_what_is_there() -> None:
    doc = Doc(NLP.vocab, words=["a", "b", "c", "d", "e"])
    known = Span(doc, 0, 1, label="ORG", kb_id="Q1", span_id="id")
    doc.set_ents([known, Span(doc, 1, 3, label="NEW")], blocked=[doc[3:4]], default="missing")
    before = [(e.start, e.end, e.label_, e.ent_id_, e.kb_id_) for e in doc.ents]
    predicted = [Span(doc, 0, 1, "ORG"), Span(doc, 4, 5, "PER")]
    entities = set_entities(doc, predicted)
    after = [(e.start, e.end, e.label_, e.ent_id_, e.kb_id_) for e in entities]
    assert after == [(e.start, e.end, e.label_, e.ent_id_, e.kb_id_) for e in doc.ents]
    assert after == [*before, (4, 5, "PER", "", "")]
    assert doc[3].ent_iob_ == "B"  # spaCy's mark of a blocked token: B without a type
    assert doc[3].ent_type_ == ""


def test_set_entities_annotates_all_tokens() -> None:
    doc = Doc(NLP.vocab, words=["a", "b"])
    set_entities(doc, [Span(doc, 0, 1, "PER")])
    assert [token.ent_iob_ for token in doc] == ["B", "O"]
