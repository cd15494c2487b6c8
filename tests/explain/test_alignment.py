"""What written texts are explained by, against their component."""

from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_seqrnn.explain import explain_text2text
from spacy_seqrnn.explain.alignment import NO_ATTENTION, Alignment
from spacy_seqrnn.explain.alignment_heat import MOST_UNITS, alignment_map
from spacy_seqrnn.explain.heat import LEAST_SHOWN
from spacy_seqrnn.explain.predictions import END_NAME
from spacy_seqrnn.seq2seq.component import RecurrentText2Text

from ..pipes import get_pipe
from ..seq2seq.models import WORDS, make_text2text, small_seq2seq, trained_text2text
from .test_heat import Table

ATTENTIONS = ["dot", "additive"]
UNITS = ["characters", "words", "subwords"]
TEXT = "cafe"


def pipe_of(nlp: Language) -> RecurrentText2Text:
    pipe: RecurrentText2Text = get_pipe(nlp, "seqrnn_text2text")
    return pipe


def weights_of(found: Alignment) -> np.ndarray:
    assert found.weights is not None
    return np.asarray(found.weights)


@pytest.fixture(scope="module", params=ATTENTIONS)
def writer(request: pytest.FixtureRequest) -> Language:
    return trained_text2text(small_seq2seq(attention=request.param), steps=12)


@pytest.mark.parametrize("text", ["cafe", "h", "deaf \n hag"])
def test_it_explains_what_the_component_writes(writer: Language, text: str) -> None:
    doc, found = writer(text), explain_text2text(writer, text).alignment
    assert found.text == doc._.output
    assert found.source == tuple(text)
    assert found.units == (*found.text, END_NAME)
    (expected,) = pipe_of(writer).align([doc], [found.text])
    np.testing.assert_allclose(weights_of(found), expected, atol=1e-6)
    np.testing.assert_allclose(weights_of(found).sum(axis=1), 1.0, atol=1e-5)


def test_outputs_are_the_best_ones(writer: Language) -> None:
    """Also where they are found with a wider beam than that of the component."""
    doc = writer.make_doc(TEXT)
    for k, beam in [(1, None), (3, None), (3, 8), (4, 2)]:
        found = explain_text2text(writer, TEXT, k=k, beam=beam).alignment
        (expected,) = pipe_of(writer).best([doc], k, beam=max(beam or 1, k))
        assert [each.text for each in found.outputs] == [each.text for each in expected]
        assert [each.score for each in found.outputs] == pytest.approx(
            [each.score for each in expected], abs=1e-5
        )
        assert len(found.outputs) == k


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_those_that_are_read_and_written(unit: str) -> None:
    text = "abc deaf hag"
    model = small_seq2seq(unit)
    nlp = trained_text2text(model, steps=30, **({"max_subwords": 30} if unit == UNITS[2] else {}))
    found = explain_text2text(nlp, text)
    pipe, of_text = pipe_of(nlp), found.alignment
    assert found.source_unit == found.target_unit == unit
    assert of_text.source == tuple(t.text for t in pipe.sources([nlp.make_doc(text)])[0])
    assert pipe.vocabulary.kind.join(list(of_text.units[:-1])) == of_text.text
    assert weights_of(of_text).shape == (len(of_text.units), len(of_text.source))
    if unit == "words":
        assert of_text.source == ("abc", "deaf", "hag")


def test_without_attention() -> None:
    found = explain_text2text(make_text2text(small_seq2seq(attention="none")), TEXT)
    assert found.alignment.weights is None
    assert found.alignment.units[-1] == END_NAME
    html = found._repr_html_()
    assert html.count(NO_ATTENTION.replace('"', "&quot;")) == 1  # in place of picture and table
    assert 'class="heat"' not in html
    assert found.tables()[-1][0] == NO_ATTENTION


def test_the_cells_are_the_weights(writer: Language) -> None:
    found = explain_text2text(writer, TEXT)
    header, *rows = Table(found._repr_html_().split("</table>", maxsplit=1)[0]).rows
    assert [cell["text"] for cell in header[1:]] == list(TEXT)
    assert [row[0]["text"] for row in rows] == list(found.alignment.units)
    assert found.alignment.weights
    for row, weights in zip(rows, found.alignment.weights, strict=True):
        for cell, weight in zip(row[1:], weights, strict=True):
            assert float(cell["text"] or 0) == pytest.approx(100 * weight, abs=100 * LEAST_SHOWN)
            share = float(cell.get("style", "--p:0").removeprefix("--p:"))
            assert share == pytest.approx(weight, abs=LEAST_SHOWN)


def test_tables_name_the_most_attended_units(writer: Language) -> None:
    found = explain_text2text(writer, TEXT)
    (_, _, outputs), (_, _, rows) = found.tables(top=2)
    assert [row[0] for row in outputs] == [each.text for each in found.alignment.outputs]
    assert found.alignment.weights
    for (unit, shown), name, weights in zip(
        rows, found.alignment.units, found.alignment.weights, strict=True
    ):
        assert unit == name
        first, second = np.argsort(weights)[::-1][:2]
        expected = f"{TEXT[first]} ({first + 1}, {weights[first]:.2f})"
        if weights[second] >= LEAST_SHOWN:
            expected += f", {TEXT[second]} ({second + 1}, {weights[second]:.2f})"
        assert shown == expected


def test_white_space_can_be_seen_and_text_is_escaped(writer: Language) -> None:
    found = explain_text2text(writer, "a\n<b>")
    html = found._repr_html_()
    assert "<b>" not in html
    assert [cell["text"] for cell in Table(html).rows[0]][1:] == ["a", r"\n", "<", "b", ">"]
    cells = [cell for _, _, rows in found.tables() for row in rows for cell in row]
    assert all(len(cell.splitlines()) <= 1 for cell in cells)


@pytest.mark.parametrize("n", [MOST_UNITS, MOST_UNITS + 1])
def test_a_long_text_says_what_is_left_out(n: int) -> None:
    weights = np.full((n, n), 1 / n).tolist()
    html = alignment_map("Attention", ["w"] * n, ["w"] * n, weights)
    assert (f"of {n} rows and {n} columns, the first {MOST_UNITS}" in html) == (n > MOST_UNITS)
    rows = Table(html).rows
    assert len(rows) == 1 + MOST_UNITS
    assert {len(row) for row in rows} == {1 + MOST_UNITS}


def test_long_names_of_columns_are_turned() -> None:
    for source, turned in [(["abc"] * 5, False), (["a"] * 90, False), (["word"] * 40, True)]:
        html = alignment_map("A", source, ["w"], [[1 / len(source)] * len(source)])
        assert ('class="alignment turned"' in html) == turned


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "`k = 0` cannot work: set it to 1 or more"),
        ({"k": 1001}, "`k = 1001` cannot work: set it to 1000 or less"),
        ({"beam": 0}, "`beam = 0` cannot work: set it to 1 or more"),
        ({"component": "other"}, "`component = 'other'` is unknown: set it to one of seqrnn_text2"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explain_text2text(make_text2text(), TEXT, **options)


def test_no_text_and_no_component() -> None:
    with pytest.raises(ValueError, match=r"is empty: give it at least one word"):
        explain_text2text(make_text2text(words=WORDS), " \n")
    with pytest.raises(ValueError, match="needs a component with the factory `seqrnn_text2text`"):
        explain_text2text(spacy.blank("en"), TEXT)
