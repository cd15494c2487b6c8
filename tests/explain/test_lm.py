"""What a language model expects, against the probabilities of its component."""

import re
from html import unescape
from typing import Any

import numpy as np
import pytest
from spacy.language import Language

from spacy_seqrnn.explain import explain_lm
from spacy_seqrnn.explain import predictions as predictions_module
from spacy_seqrnn.explain.heat import MOST_TOKENS
from spacy_seqrnn.explain.predictions import END_NAME
from spacy_seqrnn.explain.surprisal_heat import candidate_map
from spacy_seqrnn.lm.find import find_language_model
from spacy_seqrnn.lm.surprisal import surprisal_of

from ..lm.models import make_lm, trained_lm

UNITS = ["words", "characters"]
SEPARATE = {"bidirectional": True, "separate_directions": True, "depth": 2}
TEXT = 'The dog said "no" to\n\nxylophones.'
ALL = 1000


@pytest.fixture(scope="module", params=UNITS)
def lm(request: pytest.FixtureRequest) -> Language:
    return trained_lm(request.param, steps=30)


def test_surprisals_are_those_of_the_component(lm: Language) -> None:
    doc, found = lm(TEXT), explain_lm(lm, TEXT)
    assert found.tokens == tuple(token.text for token in doc)
    assert found.surprisals == pytest.approx([token._.surprisal for token in doc], abs=1e-4)
    assert found.perplexity == pytest.approx(doc._.perplexity)
    known = surprisal_of(doc)
    assert known
    assert len(found.predictions) == known.n_units
    bits = [each.surprisal for each in found.predictions]
    assert sum(bits) == pytest.approx(float(known.bits.sum()), rel=1e-4)
    assert bits[-1] == pytest.approx(float(known.bits[-1]), abs=1e-4)
    assert sum(each.rank == 1 for each in found.predictions) == known.n_best
    for each in found.predictions:
        assert 2.0**-each.surprisal == pytest.approx(each.probability)


def test_units_are_those_of_the_text(lm: Language) -> None:
    found = explain_lm(lm, TEXT)
    *units, end = found.predictions
    assert [TEXT[each.start_char : each.end_char] for each in units] == [e.unit for e in units]
    assert (end.unit, end.start_char, end.end_char) == (END_NAME, len(TEXT), len(TEXT))
    if found.unit == "words":
        assert [each.unit for each in units] == list(found.tokens)
    else:
        assert "".join(each.unit for each in units) == TEXT
    vocabulary = find_language_model(lm).vocabulary.units
    assert [each.is_known for each in units] == [each.unit in vocabulary for each in units]


def test_probabilities_sum_to_one_with_the_rest(lm: Language) -> None:
    found, few = explain_lm(lm, TEXT, k=ALL), explain_lm(lm, TEXT, k=3)
    for each, short in zip(found.predictions, few.predictions, strict=True):
        assert len(each.best) == found.n_units == len({one.unit for one in each.best})
        probabilities = [one.probability for one in each.best]
        assert sum(probabilities) == pytest.approx(1.0, abs=1e-5)
        assert probabilities == sorted(probabilities, reverse=True)
        assert [one.probability for one in short.best] == pytest.approx(probabilities[:3])
        (true,) = [number for number, one in enumerate(each.best, 1) if one.is_true]
        assert each.rank == true
        assert each.probability == each.best[true - 1].probability
        name = each.unit if each.is_known else f"any other {found.unit[:-1]}"
        assert each.best[true - 1].unit == name


@pytest.mark.parametrize("encoder", [{}, SEPARATE])
@pytest.mark.parametrize("unit", UNITS)
def test_what_is_expected_depends_on_nothing_behind_it(unit: str, encoder: dict[str, Any]) -> None:
    nlp = trained_lm(unit, steps=5, **encoder)
    one, other = (explain_lm(nlp, f"The cat sat {rest}", k=5) for rest in ("on it.", "by me"))
    same = 3 if unit == "words" else len("The cat sat ")
    for before, after in zip(one.predictions[:same], other.predictions[:same], strict=True):
        assert [each.unit for each in before.best] == [each.unit for each in after.best]
        assert before.surprisal == pytest.approx(after.surprisal, abs=1e-5)


def test_a_long_text_in_parts(lm: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = explain_lm(lm, TEXT)
    monkeypatch.setattr(predictions_module, "ROWS_AT_ONCE", 3)
    parts = explain_lm(lm, TEXT)
    assert [each.rank for each in parts.predictions] == [each.rank for each in whole.predictions]
    np.testing.assert_allclose(
        [each.surprisal for each in parts.predictions],
        [each.surprisal for each in whole.predictions],
        atol=1e-5,
    )


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text(lm: Language, text: str) -> None:
    with pytest.raises(ValueError, match=r"is empty: give it at least one word"):
        explain_lm(lm, text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "`k = 0` cannot work: set it to 1 or more"),
        ({"k": 1001}, "`k = 1001` cannot work: set it to 1000 or less"),
        ({"component": "other"}, "`component = 'other'` is unknown: set it to one of seqrnn_lm"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explain_lm(make_lm(), "The cat", **options)


def test_a_pipeline_without_a_language_model(ner: Language) -> None:
    with pytest.raises(ValueError, match="but this needs a component with the factory `seqrnn_lm`"):
        explain_lm(ner, "The cat")


def test_a_model_that_knows_no_unit() -> None:
    found = explain_lm(make_lm(min_count=1000), "The cat")
    assert [each.is_known for each in found.predictions] == [False, False, True]
    assert found.n_units == 2
    assert "any other word" in found._repr_html_()


def test_tables(lm: Language) -> None:
    found = explain_lm(lm, TEXT)
    tables = {title: rows for title, _, rows in found.tables(top=2)}
    ((n_predictions, _, perplexity),) = tables["Perplexity"]
    assert n_predictions == str(len(found.predictions))
    assert float(perplexity) == pytest.approx(found.perplexity, abs=0.005)
    rows = tables[f"Most probable {found.unit} at each place"]
    for (name, bits, rank, best), each in zip(rows, found.predictions, strict=True):
        assert float(bits) == pytest.approx(each.surprisal, abs=0.005)
        assert rank == str(each.rank)
        assert name.endswith(" (unknown)") == (not each.is_known)
        assert best.count("(true)") == (each.rank <= 2)
    if found.unit == "characters":
        assert [row[0] for row in tables["Surprisal of each token"]][-3:] == [
            r"\n\n",
            "xylophones",
            ".",
        ]
    for row in rows:
        assert all(cell.strip() and len(cell.splitlines()) == 1 for cell in row)


def test_the_page_is_escaped_and_marks_what_is_true(lm: Language) -> None:
    text = 'The <b>cat</b> & "dog" {no}'
    found = explain_lm(lm, text, k=4)
    html = found._repr_html_()
    assert "<b>" not in html
    shown = re.search(r'<div class="entities".*?</div>', html, re.DOTALL)
    assert shown
    assert unescape(re.sub("<[^>]*>", "", shown[0])).strip() == text
    assert html.count("<mark") == len(found.predictions) - 1
    framed = sum(each.rank <= 4 for each in found.predictions)
    assert html.count('<td class="true"') == framed > 0


def test_a_long_text_says_what_is_left_out() -> None:
    found = explain_lm(make_lm(), "the " * MOST_TOKENS, k=1)
    html = candidate_map(found.predictions, "words", 1.0)
    assert f"the first {MOST_TOKENS} of {MOST_TOKENS + 1} places" in html
    assert html.count('<td class="bits"') == MOST_TOKENS
