"""Explanations of entities against all tag sequences."""

import re
from html import unescape
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import biluo_tags_to_spans

from spacy_seqrnn.draw.html import visible
from spacy_seqrnn.explain import explain_ner
from spacy_seqrnn.ner.biluo import tag_names

from ..pipes import get_pipe

TEXT = "Mira likes Oslo"  # 9 tags and 3 tokens: 729 sequences


@pytest.fixture(params=[1.0, 0.4, 2.5])
def sequences(
    ner: Language, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> dict[tuple[int, ...], float]:
    """The probability of every tag sequence at a temperature, from the scores themselves."""
    pipe: Any = ner.get_pipe("seqrnn_ner")
    monkeypatch.setitem(pipe.cfg, "temperature", request.param)
    chain = pipe.model.predict([ner.make_doc(TEXT)]).as_float64()
    scores = {}
    for tags in product(range(len(chain.start)), repeat=3):
        score = chain.start[tags[0]] + chain.end[tags[-1]]
        score += sum(chain.emissions[i, tag] for i, tag in enumerate(tags))
        score += sum(chain.transitions[a, b] for a, b in pairwise(tags))
        scores[tags] = np.exp(score / request.param)
    total = sum(scores.values())
    return {tags: score / total for tags, score in scores.items()}


def test_paths_and_marginals(ner: Language, sequences: dict[tuple[int, ...], float]) -> None:
    found = explain_ner(ner, TEXT, k=5)
    best = sorted(sequences.items(), key=lambda pair: -pair[1])[:5]
    names = tag_names(get_pipe(ner, "seqrnn_ner").labels)
    for path, (tags, probability) in zip(found.paths, best, strict=True):
        assert path.tags == tuple(names[tag] for tag in tags)
        assert path.probability == pytest.approx(probability, rel=1e-6)
    for t, row in enumerate(found.marginals):
        for tag, probability in enumerate(row):
            expected = sum(p for tags, p in sequences.items() if tags[t] == tag)
            assert probability == pytest.approx(expected, abs=1e-7)


def test_entities_are_those_of_the_pipeline(ner: Language) -> None:
    found = explain_ner(ner, TEXT)
    ents = [(ent.start, ent.end, ent.label_, ent.text) for ent in ner(TEXT).ents]
    assert [(e.start, e.end, e.label, e.text) for e in found.entities] == ents
    assert ents
    assert [TEXT[e.start_char : e.end_char] for e in found.entities] == [e[-1] for e in ents]


def test_entity_scores(ner: Language, sequences: dict[tuple[int, ...], float]) -> None:
    names = tag_names(get_pipe(ner, "seqrnn_ner").labels)
    for entity in explain_ner(ner, TEXT).entities:
        span = slice(entity.start, entity.end)
        (best,) = [p.tags[span] for p in explain_ner(ner, TEXT, k=1).paths]
        sums = [p for tags, p in sequences.items() if tuple(names[t] for t in tags)[span] == best]
        assert entity.score == pytest.approx(sum(sums), rel=1e-6)


def test_html_escapes_and_has_headers(ner: Language) -> None:
    html = explain_ner(ner, "<b>Mira</b> & Otto")._repr_html_()
    assert "<b>" not in html
    assert '<th scope="col">' in html
    assert "prefers-color-scheme: dark" in html
    assert "http" not in html


@pytest.mark.parametrize(
    "text",
    [
        "Mira",
        "((Mira [likes] {Oslo}))",
        "Mira 👩‍👩‍👧 likes 😀 Oslo",
        "מירה גרה ב-Oslo",
        "Mira\n\nlikes \t Oslo\n",
        "Mira likes Oslo. " * 75,  # 300 tokens
    ],
)
def test_html_shows_the_text_and_all_its_tokens(ner: Language, text: str) -> None:
    found = explain_ner(ner, text)
    html = found._repr_html_()
    assert html.count("<mark") == len(found.entities)
    head = re.search("<thead>(.*?)</thead>", html)
    assert head
    shown = re.findall('<th scope="col"><span [^>]*>(.*?)</span>', head.group(1))
    assert [unescape(each) for each in shown] == [visible(token) for token in found.tokens]
    pairs = zip(found.found, found.unconstrained, strict=True)
    n_different = sum(a != b for a, b in pairs)
    assert html.count('class="differs"') == 2 * n_different
    assert "\n\n" not in "".join("".join(row) for _, _, rows in found.tables() for row in rows)


@pytest.mark.parametrize("weights", [{}, 30.0, {"PERSON": 0.001}])
def test_tags_found_are_those_of_the_entities(
    ner: Language, monkeypatch: pytest.MonkeyPatch, weights: float | dict[str, float]
) -> None:
    pipe = ner.get_pipe("seqrnn_ner")
    monkeypatch.setattr(pipe, "label_weights", weights)
    found = explain_ner(ner, TEXT)
    spans = biluo_tags_to_spans(ner.make_doc(TEXT), list(found.found))
    assert [(span.start, span.end, span.label_) for span in spans] == [
        (e.start, e.end, e.label) for e in found.entities
    ]
    assert [ent.text for ent in ner(TEXT).ents] == [e.text for e in found.entities]
    if not weights:
        assert found.found == found.paths[0].tags


def test_html_without_an_entity(ner: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe: Any = ner.get_pipe("seqrnn_ner")
    monkeypatch.setitem(pipe.cfg, "unseen_labels", list(pipe.labels))
    found = explain_ner(ner, TEXT)
    assert found.entities == ()
    html = found._repr_html_()
    assert "<mark" not in html
    assert TEXT in html


@pytest.mark.parametrize(("lang", "direction"), [("en", "ltr"), ("he", "rtl"), ("ar", "rtl")])
def test_direction_is_that_of_the_language(ner: Language, lang: str, direction: str) -> None:
    nlp = spacy.blank(lang)
    nlp.add_pipe("seqrnn_ner", source=ner)
    found = explain_ner(nlp, TEXT)
    assert found.direction == direction
    assert f'<div dir="{direction}">' in found._repr_html_()


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_text(ner: Language, text: str) -> None:
    with pytest.raises(ValueError, match="is empty"):
        explain_ner(ner, text)


def test_pipeline_without_recogniser() -> None:
    with pytest.raises(ValueError, match="has no component, but this needs a component with the"):
        explain_ner(spacy.blank("en"), TEXT)
