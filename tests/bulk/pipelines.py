"""A pipeline with every kind of annotation, and its columns by plain loops over documents."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.tokens import Doc, Span, Token

from ..integration.components import initialize, make_pipeline, train
from ..pipes import add_pipe

SPANS_KEY = "found"  # of the recogniser in `COMPONENTS`
LEMMA = {"patterns": [[{"LOWER": "left"}]], "attrs": {"LEMMA": "leave", "POS": "VERB"}}


def save_pipeline(folder: Path) -> None:
    """Train on the invented sentences, and save."""
    names = ("seqrnn_ner", "parser", "tagger", "morphologizer", "spancat", "seqrnn_textcat")
    nlp = make_pipeline(*names, shared=True)
    train(nlp, initialize(nlp), steps=60)
    add_pipe(nlp, "attribute_ruler").add(**LEMMA)
    nlp.to_disk(folder)


def by_loops(doc: Doc) -> dict[str, Any]:
    """What each column of `COLUMNS` says of a document, as Arrow's `to_pylist` gives it."""
    return {
        "entities": [_span(doc, span, _score(doc, span)) for span in doc.ents],
        "cats": [(name, _float32(score)) for name, score in doc.cats.items()],
        "spans": [
            (key, [_span(doc, *pair) for pair in zip(group, _scores(doc, key), strict=True)])
            for key, group in doc.spans.items()
        ],
        "sentences": (
            [_place(span) for span in doc.sents] if doc.has_annotation("SENT_START") else None
        ),
        "tokens": [_place(token) for token in doc],
        "tags": [token.tag_ for token in doc],
        "pos": [token.pos_ for token in doc],
        "morphs": [str(token.morph) for token in doc],
        "lemmas": [token.lemma_ for token in doc],
        "deps": [token.dep_ for token in doc],
        "heads": [token.head.i for token in doc],
    }


def _place(part: Span | Token) -> dict[str, int]:
    start = part.start_char if isinstance(part, Span) else part.idx
    return {"start": start, "end": start + len(part.text)}


def _span(doc: Doc, span: Span, score: float | None) -> dict[str, Any]:
    found = _place(span)
    assert doc.text[found["start"] : found["end"]] == span.text
    return {**found, "label": span.label_, "text": span.text, "score": score}


def _score(doc: Doc, entity: Span) -> float | None:
    """The recogniser's probability of an entity."""
    for span, score in zip(doc.spans[SPANS_KEY], _scores(doc, SPANS_KEY), strict=True):
        if span == entity:
            return score
    return None


def _scores(doc: Doc, key: str) -> Iterable[float | None]:
    scores = doc.spans[key].attrs.get("scores")
    return [None] * len(doc.spans[key]) if scores is None else map(_float32, scores)


def _float32(value: float) -> float:
    return float(np.float32(value))


def assert_close(found: Any, wanted: Any) -> None:
    """Compare values; scores depend in their last digits on which texts are in a batch."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        found, wanted = list(found.values()), list(wanted.values())
    if isinstance(wanted, list | tuple):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_close(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=1e-5)
    else:
        assert found == wanted
