"""A text with its entities: nothing is lost, and nothing in it acts as markup."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.displacy.render import DEFAULT_ENTITY_COLOR, DEFAULT_LABEL_COLORS

from spacy_seqrnn.explain.heat import entity_text

LABEL = re.compile(r'<span class="label">(.*?)<span class="score"> 0.50</span></span></mark>')
ENTITY = re.compile(r'<mark style="background: ([^"]*)">(.*?)</mark>', re.DOTALL)


def words(html: str) -> list[str]:
    """The words of a text that is marked, without the labels."""
    text = re.sub(r"<[^>]*>", " ", LABEL.sub("</mark>", html))
    return unescape(text).split()


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str, float]]]:
    """A text of words and the places of its entities."""
    alphabet = st.characters(exclude_categories=["Cs", "Cc", "Z"])
    tokens = draw(st.lists(st.text(alphabet, min_size=1), min_size=1, max_size=8))
    spaces = draw(st.lists(st.sampled_from([" ", "\n", "   ", "\n\n"]), min_size=8, max_size=8))
    label = st.sampled_from(["ORG", "PERSON", "<i>x</i>", "{text}", "a&b", '"', "ש"])
    text, spans = "", []
    for token, space in zip(tokens, spaces, strict=False):
        start = len(text)
        text += token
        if draw(st.booleans()):
            spans.append((start, len(text), draw(label), 0.5))
        text += space
    return text, spans


@given(texts())
def test_the_whole_text_and_its_entities(
    drawn: tuple[str, list[tuple[int, int, str, float]]],
) -> None:
    text, spans = drawn
    html = entity_text(text, spans, direction="ltr")
    assert "".join(words(html)) == "".join(text.split())
    assert [unescape(label) for label in LABEL.findall(html)] == [label for _, _, label, _ in spans]
    marked = [words(each.group()) for each in ENTITY.finditer(html)]
    assert ["".join(each) for each in marked] == [text[i:end] for i, end, _, _ in spans]
    assert set(re.findall(r"</?(\w+)", html)) <= {"div", "mark", "span", "br"}


@pytest.mark.parametrize("label", ["ORG", "person", "<ORG>", "OF-MINE"])
def test_colours_are_those_of_displacy(label: str) -> None:
    html = entity_text("Oslo", [(0, 4, label, 0.5)], direction="ltr")
    ((colour, _),) = ENTITY.findall(html)
    assert colour == DEFAULT_LABEL_COLORS.get(label.upper(), DEFAULT_ENTITY_COLOR)


def test_lines_stay_lines() -> None:
    html = entity_text("Mira\n\nlikes\nOslo", [(12, 16, "GPE", 0.5)], direction="ltr")
    assert html.count("<br>") == 3


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_direction(direction: str) -> None:
    assert f"direction: {direction}" in entity_text("Mira", [], direction=direction)
