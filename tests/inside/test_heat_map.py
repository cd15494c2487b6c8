"""What is read in a heat map of marginals: by its numbers, as by who sees no colours."""

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_seqrnn.inside.heat_map import (
    LEAST,
    MOST_NAMED,
    MOST_TAGS,
    MOST_TOKENS,
    TagMarginals,
    describe_differences,
    heat_map,
)
from spacy_seqrnn.inside.html import visible
from spacy_seqrnn.labels import tag_names

DIFFERENT = "\N{NOT EQUAL TO} "


@dataclass
class Cell:
    """A cell of a table: its text and its attributes."""

    attributes: dict[str, str | None]
    text: str = ""

    @property
    def share(self) -> float:
        return float(self.text or 0)


@dataclass
class Table(HTMLParser):
    """The rows of a table, the first cell of each being its name."""

    html: str
    rows: list[list[Cell]] = field(default_factory=list)
    inside: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.inside = True
            self.rows[-1].append(Cell(dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1].text += data

    def row(self, name: str) -> list[Cell]:
        (found,) = [row[1:] for row in self.rows if row[0].text == name]
        return found


def marginals(n_labels: int, tokens: list[str], seed: int, *, sharpness: float) -> TagMarginals:
    """Invented ones, the sharper the fewer tags are probable."""
    rng = np.random.default_rng(seed)
    tags = tag_names([f"<{i}>" for i in range(n_labels)])
    scores = np.exp(sharpness * rng.normal(size=(len(tokens), len(tags))))
    values = scores / scores.sum(axis=1, keepdims=True)
    best = [tags[i] for i in values.argmax(axis=1)]
    return TagMarginals(tokens, tags, values.tolist(), best, best)


@settings(max_examples=40, deadline=None)
@given(
    n_labels=st.integers(1, 100),
    tokens=st.lists(st.text(min_size=1), min_size=1, max_size=12),
    seed=st.integers(0, 1000),
    sharpness=st.sampled_from([0.1, 2.0, 8.0]),
)
def test_every_token_has_all_its_probability(n_labels, tokens, seed, sharpness):
    n_tags = 1 + 4 * n_labels
    found = marginals(n_labels, tokens, seed, sharpness=sharpness)
    read = Table(heat_map(found, title="a < b", direction="ltr"))
    assert {len(row) for row in read.rows} == {1 + len(tokens)}
    head, _, _, *rows = read.rows
    assert len(rows) <= min(n_tags, MOST_TAGS + 1)
    for i in range(len(tokens)):
        total = sum(row[1 + i].share for row in rows)
        assert total == pytest.approx(1.0, abs=LEAST * len(rows) + 1e-9)
        for row in rows:
            name, cell = row[0].text, row[1 + i]
            if name in found.tags:
                value = found.values[i][found.tags.index(name)]
                assert cell.share == pytest.approx(value if value >= LEAST else 0, abs=LEAST)
                assert (cell.attributes.get("class") == "best") == (name == found.best[i])
            assert cell.attributes.get("style") == (f"--p:{cell.text}" if cell.text else None)
    names = [row[0].text for row in rows]
    left_out = n_tags - len(set(names) & set(found.tags))
    assert (f"other tags ({left_out})" in names) == (left_out > 0)
    assert len(set(found.best) - set(names)) == 0  # at most 12, fewer than `MOST_TAGS`
    assert all(cell.attributes["scope"] == "col" for cell in head[1:])
    assert all(row[0].attributes["scope"] == "row" for row in rows)


def test_a_tag_without_probability_has_no_row():
    found = TagMarginals(["a"], ["O", "B-X", "U-X"], [[0.6, 0.0049, 0.3951]], ["O"], ["O"])
    names = [row[0].text for row in Table(heat_map(found, title="a < b", direction="ltr")).rows]
    assert names == ["token", "found", "without constraints", "O", "U-X", "other tags (1)"]


@pytest.mark.parametrize("n_tokens", [1, 2, 3, 300])
def test_differences_are_marked(n_tokens):
    found = marginals(4, ["word"] * n_tokens, n_tokens, sharpness=4.0)
    found = replace(found, free=["O"] * n_tokens)
    read = Table(heat_map(found, title="a < b", direction="ltr"))
    places = [i for i, tag in enumerate(found.best) if tag != "O"]
    assert found.differences() == places
    for name, tags in [("found", found.best), ("without constraints", found.free)]:
        row = read.row(name)
        expected = [DIFFERENT + tag if i in places else tag for i, tag in enumerate(tags)]
        assert [cell.text for cell in row] == expected
        marked = [i for i, cell in enumerate(row) if cell.attributes.get("class") == "differs"]
        assert marked == places


@pytest.mark.parametrize("n_places", [0, 1, MOST_NAMED, MOST_NAMED + 3])
def test_differences_in_words(n_places):
    free = ["U-X"] * n_places + ["O"]
    n = len(free)
    found = TagMarginals(["word"] * n, ["O", "U-X"], [[1.0, 0.0]] * n, ["O"] * n, free)
    said = describe_differences(found)
    if not n_places:
        assert said == "Without constraints, the best tags would be the same."
        return
    assert f"differ at {n_places} of {n} tokens" in said
    assert said.count("U-X") == min(n_places, MOST_NAMED)
    assert ("and 3 more" in said) == (n_places > MOST_NAMED)


def test_a_long_text_says_what_is_left_out():
    n_tokens = MOST_TOKENS + 1
    found = marginals(2, ["word"] * n_tokens, 0, sharpness=4.0)
    html = heat_map(found, title="a < b", direction="ltr")
    assert f"the first {MOST_TOKENS} of {n_tokens} tokens" in html
    assert {len(row) for row in Table(html).rows} == {1 + MOST_TOKENS}


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_columns_run_as_the_text(direction):
    found = TagMarginals(["\n", "a b"], ["O"], [[1.0], [1.0]], ["O"] * 2, ["O"] * 2)
    html = heat_map(found, title="a < b", direction=direction)
    assert f'<div class="heat" dir="{direction}">' in html
    assert [cell.text for cell in Table(html).row("token")] == ["(space)", "a b"]


@given(st.text())
def test_a_token_is_seen_in_one_line(token):
    shown = visible(token)
    assert shown.strip()
    assert len(shown.splitlines()) == 1
