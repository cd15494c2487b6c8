"""`spacy seqrnn compare`, and `spacy seqrnn explain` for language models."""

import json
from pathlib import Path

import pytest
import spacy

import spacy_seqrnn.cli  # noqa: F401  # adds the command, as the entry point does
from spacy_seqrnn import compare_continuations, explain_lm

from .conftest import fails, succeed

COMMAND = ("seqrnn", "compare")
TEXT = 'The <b>cat</b> said "no".'


def test_probabilities_are_those_of_the_function(language_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    texts = ["sat", "said no"]
    printed = succeed(*COMMAND, language_model, "The cat", *texts, "--json", target)
    found = json.loads(target.read_text(encoding="utf8"))
    expected = compare_continuations(spacy.load(language_model), "The cat", texts).continuations
    assert found["prefix"] == "The cat"
    for one, other in zip(found["continuations"], expected, strict=True):
        assert one["text"] == other.text
        assert one["probability"] == pytest.approx(other.probability)
        assert f"{other.probability:.3g}" in printed
    assert "knows no probability" not in printed


def test_an_unknown_word_is_named(language_model: Path) -> None:
    printed = " ".join(succeed(*COMMAND, language_model, "The", "cat", "xylophone").split())
    assert "The model knows no probability of 'xylophone' alone" in printed


def test_what_cannot_be_compared(language_model: Path, tmp_path: Path) -> None:
    assert "The continuation ' ' is empty" in fails(*COMMAND, language_model, "The", "cat", " ")
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path)
    sentence = "The pipeline has no component, but this needs a component with the factory `seqrnn_"
    assert sentence in fails(*COMMAND, tmp_path, "The", "cat")


def test_explain_shows_what_is_expected(language_model: Path, tmp_path: Path) -> None:
    html, data = tmp_path / "a.html", tmp_path / "a.json"
    files = ["--html", html, "--json", data]
    printed = succeed("seqrnn", "explain", language_model, TEXT, *files, "--top", 2)
    expected = explain_lm(spacy.load(language_model), TEXT, k=2)
    assert f"{expected.perplexity:.2f}" in printed
    assert "(true)" in printed
    (found,) = json.loads(data.read_text(encoding="utf8"))
    assert found["perplexity"] == pytest.approx(expected.perplexity)
    assert {len(each["best"]) for each in found["predictions"]} == {2}
    page = html.read_text(encoding="utf8")
    assert "<b>" not in page
    assert page.count("<mark") == len(expected.tokens)


def test_explain_names_what_it_needs(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path)
    assert "or a component with the factory `seqrnn_lm`" in fails(
        "seqrnn", "explain", tmp_path, "A"
    )
