"""The text with its entities, and the table of probabilities below it."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_seqrnn.draw.html import visible
from spacy_seqrnn.explain import explain_ner
from spacy_seqrnn.explain.heat import (
    LEAST_SHOWN,
    MOST_LABELS,
    MOST_NAMED,
    MOST_TOKENS,
    NONE,
    OTHERS,
    describe_differences,
    entity_text,
    heat_map,
)


class Table(HTMLParser):
    """Text, classes and style of each cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[dict[str, str]]] = []
        self.cell: dict[str, str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.cell = {"text": "", **{name: value or "" for name, value in attrs}}
            self.rows[-1].append(self.cell)

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell["text"] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.cell = None

    def texts(self) -> list[list[str]]:
        return [[cell["text"] for cell in row] for row in self.rows]


@given(st.integers(1, 40), st.integers(0, 30), st.integers(0, 99))
def test_the_probabilities_of_a_token_are_all_there(
    n_labels: int, n_tokens: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    marginals = random.dirichlet(np.full(1 + 4 * n_labels, 0.05), size=n_tokens)
    labels = [f"L{i}" for i in range(n_labels)]
    tokens = [f"w{i}" for i in range(n_tokens)]
    tags = ["O"] * n_tokens
    table = Table(heat_map(tokens, tags, tags, labels, marginals))
    header, found, free, *rows = table.rows
    assert [cell["text"] for cell in header] == ["token", *tokens]
    assert [cell["text"] for cell in found[1:]] == [cell["text"] for cell in free[1:]] == tags
    names = [row[0]["text"] for row in rows]
    assert names[-1] == NONE
    shown = [name for name in names if name not in (NONE, OTHERS)]
    assert len(shown) <= MOST_LABELS
    assert (OTHERS in names) == (len(shown) < n_labels)
    values = np.asarray([[float(cell["text"] or 0) for cell in row[1:]] for row in rows])
    slack = len(rows) * LEAST_SHOWN
    np.testing.assert_allclose(values.reshape(len(rows), n_tokens).sum(axis=0), 1.0, atol=slack)
    for name in shown:
        number = labels.index(name)
        own = marginals[:, 1 + 4 * number : 5 + 4 * number].sum(axis=1)
        np.testing.assert_allclose(values[names.index(name)], own, atol=LEAST_SHOWN)
    for row in rows:
        for cell in row[1:]:
            share = re.fullmatch(r"--p:([\d.]+)", cell.get("style", "--p:0"))
            assert share
            assert float(share[1]) == pytest.approx(float(cell["text"] or 0), abs=2 * LEAST_SHOWN)


def test_tags_that_constraints_change_are_marked() -> None:
    found, free = ["O", "B-X", "L-X"], ["O", "I-X", "L-X"]
    table = Table(heat_map(["a", "b", "c"], found, free, ["X"], np.full((3, 5), 0.2)))
    for row, tags in zip(table.rows[1:3], (found, free), strict=True):
        assert [cell["text"] for cell in row[1:]] == ["O", f"≠ {tags[1]}", "L-X"]
        assert [cell.get("class") for cell in row[1:]] == [None, "differs", None]


def test_white_space_can_be_seen_and_text_is_escaped() -> None:
    tokens = ["\n", "  ", "<b>"]
    html = heat_map(tokens, ["O"] * 3, ["O"] * 3, ["<i>"], np.full((3, 5), 0.2))
    assert Table(html).texts()[0] == ["token", "\\n", r"\x20\x20", "<b>"]
    assert "<b>" not in html
    assert "<i>" not in html


@pytest.mark.parametrize("n_places", [0, 1, MOST_NAMED, MOST_NAMED + 3])
def test_differences_in_words(n_places: int) -> None:
    free = ["U-X"] * n_places + ["O"]
    n = len(free)
    said = describe_differences(["word"] * n, ["O"] * n, free)
    if not n_places:
        assert said == "Without constraints, the best tags would be the same."
        return
    assert f"differ at {n_places} of {n} tokens" in said
    assert said.count("U-X") == min(n_places, MOST_NAMED)
    assert ("and 3 more" in said) == (n_places > MOST_NAMED)


def test_a_long_text_says_what_is_left_out() -> None:
    n = MOST_TOKENS + 1
    html = heat_map(["w"] * n, ["O"] * n, ["O"] * n, ["X"], np.full((n, 5), 0.2))
    assert f"the first {MOST_TOKENS} of {n} tokens</span></caption>" in html
    assert {len(row) for row in Table(html).rows} == {1 + MOST_TOKENS}


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_columns_run_as_the_text(direction: str) -> None:
    options = {"direction": direction, "note": ", <b>"}
    html = heat_map(["a"], ["O"], ["O"], ["X"], np.full((1, 5), 0.2), **options)
    assert html.startswith(f'<div dir="{direction}">')
    assert "Probability of each label at each token, &lt;b&gt;</span>" in html


@given(st.text(min_size=1))
def test_a_token_is_seen_in_one_line(token: str) -> None:
    shown = visible(token)
    assert shown.strip()
    assert len(shown.splitlines()) == 1


def test_entities_are_drawn_over_the_text() -> None:
    html = entity_text("<b>Mira & Co", [(3, 12, "A&B", 0.756)])
    assert re.search(
        r">Mira &amp; Co<span class=\"label\">A&amp;B<span class=\"score\"> 0.76<", html
    )
    assert "&lt;b&gt;" in html


def test_an_explanation_shows_what_the_pipeline_finds(ner: Language) -> None:
    text = "Mira Holt likes Oslo\nand <Bergen>."
    found = explain_ner(ner, text)
    doc = ner(text)
    assert [(e.start_char, e.end_char) for e in found.entities] == [
        (e.start_char, e.end_char) for e in doc.ents
    ]
    assert [tag.partition("-")[2] for tag in found.found] == [token.ent_type_ for token in doc]
    begins = [tag[0] in "BU" for tag in found.found]
    assert begins == [token.ent_iob_ == "B" for token in doc]
    html = found._repr_html_()
    assert html.count("<mark") == len(doc.ents) > 0
    assert "<Bergen>" not in html
    marked = sum(a != b for a, b in zip(found.found, found.unconstrained, strict=True))
    assert html.count('class="differs"') == 2 * marked
