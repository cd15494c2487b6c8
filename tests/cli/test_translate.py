"""`spacy seqrnn translate`, and `spacy seqrnn explain` for texts and lemmas."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from thinc.api import Adam

import spacy_seqrnn.cli  # noqa: F401  # adds the command, as the entry point does
from spacy_seqrnn.seq2seq.component import RecurrentText2Text

from ..pipes import get_pipe
from ..seq2seq.models import (
    WORDS,
    make_text2text,
    pair,
    random_words,
    small_seq2seq,
    trained_text2text,
)
from .conftest import fails, succeed

COMMAND = ("seqrnn", "translate")
LINES = ["abc", "", "fgha", "  ", " de ", "hag"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that has not learned everything yet."""
    folder = tmp_path_factory.mktemp("text2text")
    trained_text2text(steps=12).to_disk(folder)
    return folder


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


def outputs(nlp: Language, texts: list[str]) -> list[str]:
    return [doc._.output for doc in nlp.pipe(text.strip() for text in texts)]


def pipe_of(nlp: Language) -> RecurrentText2Text:
    pipe: RecurrentText2Text = get_pipe(nlp, "seqrnn_text2text")
    return pipe


def test_a_text_is_that_of_the_pipeline(model: Path) -> None:
    nlp = spacy.load(model)
    for word in filter(None, WORDS):
        assert succeed(*COMMAND, model, word) == f"{nlp(word)._.output}\n"
    assert succeed(*COMMAND, model, " cafe\n") == succeed(*COMMAND, model, "cafe")


def test_the_best_outputs_with_their_scores(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    printed = succeed(*COMMAND, model, "cafe", "--best", 3, "--json", target).splitlines()
    nlp = spacy.load(model)
    (expected,) = pipe_of(nlp).best([nlp.make_doc("cafe")], 3)
    assert len(expected) == 3
    found = json.loads(target.read_text())
    assert found["text"] == "cafe"
    for one, other, line in zip(found["outputs"], expected, printed[:3], strict=True):
        assert (one["text"], one["score"]) == (other.text, pytest.approx(other.score))
        assert line.split() == [f"{other.score:.3f}", *other.text.split()]


def test_a_wider_beam(model: Path, tmp_path: Path) -> None:
    """It is used for a text and for a file, and finds what greedy search does not."""
    nlp = spacy.load(model)
    texts = random_words(30)
    greedy = outputs(nlp, texts)
    pipe_of(nlp).beam = 6
    wide = outputs(nlp, texts)
    assert greedy != wide
    source = tmp_path / "a.txt"
    source.write_text("\n".join(texts))
    found = succeed(*COMMAND, model, "--input", source, "--beam", 6)
    assert found.splitlines() == wide
    number = next(i for i, text in enumerate(wide) if text != greedy[i])
    assert succeed(*COMMAND, model, texts[number], "--beam", 6) == f"{wide[number]}\n"


def test_a_file_gets_a_line_for_each_line(model: Path, lines: Path, tmp_path: Path) -> None:
    expected = outputs(spacy.load(model), LINES)
    assert [line == "" for line in expected] == [not line.strip() for line in LINES]
    target = tmp_path / "out.txt"
    printed = succeed(*COMMAND, model, "--input", lines, "--output", target)
    assert "Wrote" in printed
    assert target.read_text() == "".join(f"{line}\n" for line in expected)
    assert succeed(*COMMAND, model, "--input", lines) == target.read_text()


@pytest.mark.parametrize("text", ["", "abc", "abc\n", "\n", "abc\n\n", "abc\r\n\r\nde"])
def test_ends_of_lines_and_compression(model: Path, tmp_path: Path, text: str) -> None:
    source = tmp_path / "lines.gz"
    source.write_bytes(gzip.compress(text.encode()))
    found = succeed(*COMMAND, model, "--input", source)
    assert found.endswith("\n") or not text
    assert found.splitlines() == outputs(spacy.load(model), text.splitlines())


def test_an_output_of_several_lines_stays_on_one(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_text2text", config={"model": small_seq2seq()})
    batch = [pair(nlp.make_doc(text), f"{text}\n\r{text}") for text in ("a", "b")]
    nlp.initialize(lambda: batch)
    optimizer = Adam(0.02)
    for _ in range(60):
        nlp.update(batch, sgd=optimizer, losses={})
    assert nlp("a")._.output == "a\n\ra"
    nlp.to_disk(tmp_path / "model")
    source = tmp_path / "a.txt"
    source.write_text("a\nb\n")
    found = succeed(*COMMAND, tmp_path / "model", "--input", source)
    assert [line.split() for line in found.splitlines()] == [["a", "a"], ["b", "b"]]


def test_a_long_line(tmp_path: Path) -> None:
    """Of 5,000 words, beside short ones."""
    words = [word for word in WORDS if word]
    nlp = make_text2text(small_seq2seq("words"), [f"{a} {b}" for a in words for b in words])
    nlp.to_disk(tmp_path / "model")
    texts = ["abc de", " ".join(words * 1000)[:-1], "", "de"]
    assert len(texts[1].split()) > 5000
    source = tmp_path / "a.txt"
    source.write_text("\n".join(texts))
    found = succeed(*COMMAND, tmp_path / "model", "--input", source)
    assert found.splitlines() == outputs(nlp, texts)


def test_an_output_file_is_whole_or_not_there(model: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "a.txt", tmp_path / "out.txt"
    nlp = spacy.load(model)
    source.write_text("\n".join(["abc"] * 2000 + ["a" * (nlp.max_length + 1)]))
    before = sorted(tmp_path.iterdir())
    fails(*COMMAND, model, "--input", source, "--output", target)
    assert sorted(tmp_path.iterdir()) == before
    target.write_text("mine")
    source.write_text("abc\n")
    files = ["--input", source, "--output", target]
    assert "add --force to overwrite it" in fails(*COMMAND, model, *files)
    assert target.read_text() == "mine"
    succeed(*COMMAND, model, *files, "--force")
    assert target.read_text() == f"{nlp('abc')._.output}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "neither TEXT nor `--input`"),
        (["a", "--input", "LINES"], "both TEXT and `--input`"),
        ([""], "The text '' is empty: give it at least one word."),
        (["a", "--output", "b.txt"], "`--output b.txt` is for `--input`"),
        (["--input", "LINES", "--best", 2], "`--best` is for a single TEXT"),
        (["--input", "LINES", "--json", "b.json"], "`--json` is for a single TEXT"),
        (["--input", "none.txt"], "`--input none.txt` is no file"),
        (["a", "--beam", 2, "--best", 3], "`beam = 2` cannot work: set it to 3 or more."),
        (["a", "--beam", 10**6], "`beam = 1000000` cannot work: set it to 10000 or less."),
        (["a", "--best", 10**6], "`k = 1000000` cannot work: set it to 10000 or less."),
    ],
)
def test_arguments_that_cannot_be(
    model: Path, lines: Path, arguments: list[Any], sentence: str
) -> None:
    given = [lines if each == "LINES" else each for each in arguments]
    assert sentence in fails(*COMMAND, model, *given)


def test_a_file_that_is_no_text(model: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes(b"\x00\x01\xff" * 20)
    assert f"'{source}'" in fails(*COMMAND, model, "--input", source)


def test_other_pipelines(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path)
    sentence = "The pipeline has sentencizer, but this needs a component with the factory `seqrnn_t"
    assert sentence in fails(*COMMAND, tmp_path, "a")
    assert "or a component with the factory `seqrnn_text2text`" in fails(
        "seqrnn", "explain", tmp_path, "a"
    )


def test_explain_shows_the_attention(model: Path, tmp_path: Path) -> None:
    html, data = tmp_path / "a.html", tmp_path / "a.json"
    printed = succeed("seqrnn", "explain", model, "ca<b>", "--html", html, "--json", data)
    assert "Best outputs" in printed
    (found,) = json.loads(data.read_text())
    nlp = spacy.load(model)
    doc = nlp("ca<b>")
    (expected,) = pipe_of(nlp).align([doc], [doc._.output])
    assert found["alignment"]["text"] == doc._.output
    for row, other in zip(found["alignment"]["weights"], expected, strict=True):
        assert row == pytest.approx(other.tolist(), abs=1e-5)
    page = html.read_text()
    assert page.count('<table class="heat">') == 1
    assert "<b>" not in page
