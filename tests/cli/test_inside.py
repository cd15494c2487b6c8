"""`spacy seqrnn …`: what it prints, what it writes, and its errors."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import spacy

import spacy_seqrnn.cli  # noqa: F401  # adds the commands, as the entry point does

from ..conftest import gold_examples
from ..small import small_ner
from .conftest import invoke, run

# What each command needs
COMMANDS = {
    "explain": "a component with the factory `seqrnn_ner`, or a `textcat` or `textcat_multilabel`",
    "gates": "a `spacy-seqrnn.RNNEncoder.v1` behind an embedding in `spacy.Tok2Vec.v2`",
    "gradients": "a `spacy-seqrnn.RNNEncoder.v1` behind an embedding in `spacy.Tok2Vec.v2`",
}
TEXT = "Mira Holt likes Oslo <b>gladly</b>."
INSTALLED = any(point.name == "seqrnn" for point in entry_points(group="spacy_cli"))


def call(*arguments: object) -> Any:
    return invoke("seqrnn", *arguments)


def reject(sentence: str, *arguments: object) -> None:
    """The command shows the message, exits with 1 and shows no traceback."""
    result = call(*arguments)
    assert result.exit_code == 1, result.output
    assert sentence in " ".join(result.output.split())
    assert isinstance(result.exception, SystemExit)


def test_imports_nothing_heavy() -> None:
    # spaCy's own command line imports torch, by way of Thinc; ours must add none of its own.
    code = (
        "import sys, spacy.cli; before = set(sys.modules); import spacy_seqrnn.cli;"
        "new = set(sys.modules) - before; print(*sorted(new))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {"spacy_seqrnn", "spacy_seqrnn.about", "spacy_seqrnn.cli"}
    names = (
        "app",
        "annotate",
        "calibrate",
        "comments",
        "compare",
        "convert",
        "generate",
        "init_config",
        "language_model",
        "output",
        "plan",
        "report",
        "train",
        "translate",
    )
    ours |= {f"spacy_seqrnn.cli.{name}" for name in names}
    ours |= {"spacy_seqrnn.convert", "spacy_seqrnn.convert.options"}
    assert ours <= set(output) or not output  # nothing new where the entry point is installed
    assert not [name for name in output if name.startswith("spacy_seqrnn") and name not in ours]
    assert not [name for name in output if name.partition(".")[0] in ("torch", "matplotlib")]


@pytest.mark.slow
def test_explain(trained: Path, tmp_path: Path) -> None:
    html, data = tmp_path / "page.html", tmp_path / "page.json"
    result = call("explain", trained, TEXT, "--html", html, "--json", data, "--top", 2)
    assert result.exit_code == 0, result.output
    assert "Most probable tag sequences" in result.output
    assert "integrated gradients" in result.output
    page = html.read_text(encoding="utf8")
    assert "<b>" not in page
    assert page.startswith("<!DOCTYPE html>")
    ner, textcat = json.loads(data.read_text(encoding="utf8"))
    assert len(ner["paths"]) == 2
    assert set(textcat["scores"]) == {"GOOD", "BAD"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "page.json"]
    reject("add --force to overwrite it", "explain", trained, TEXT, "--html", html)
    assert call("explain", trained, TEXT, "--html", html, "--force").exit_code == 0


def title_of(page: Path) -> str:
    title = re.search("<title>(.*?)</title>", page.read_text(encoding="utf8"), re.DOTALL)
    assert title
    return title.group(1)


def test_a_long_text_is_no_title(untrained: Path, tmp_path: Path) -> None:
    html = tmp_path / "page.html"
    text = "Mira likes Oslo.\n\n" * 100
    assert call("explain", untrained, text, "--html", html).exit_code == 0
    begins = " ".join(text.split())[:100]
    assert title_of(html) == f"{begins} \N{HORIZONTAL ELLIPSIS}"
    assert call("explain", untrained, "Mira\nlikes", "--html", html, "--force").exit_code == 0
    assert title_of(html) == "Mira likes"


@pytest.mark.skipif(not INSTALLED, reason="the package is not installed with this command")
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", ["explain", "gates"])
def test_white_space_on_any_terminal(command: str, encoding: str, untrained: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    output = run("seqrnn", command, untrained, "Mira   likes\n\u3000Oslo", env=environment)
    assert r"\x20\x20" in output
    assert r"\n\u3000" in output


def test_heat_map(untrained: Path, tmp_path: Path) -> None:
    html, data = tmp_path / "page.html", tmp_path / "page.json"
    result = call("explain", untrained, TEXT, "--html", html, "--json", data)
    assert result.exit_code == 0, result.output
    (found,) = json.loads(data.read_text(encoding="utf8"))
    assert found["text"] == TEXT
    assert len(found["unconstrained"]) == len(found["tokens"])
    page = html.read_text(encoding="utf8")
    assert page.count("<mark") == len(found["entities"])
    assert page.count('<table class="heat">') == 1
    assert "<script" not in page


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that can be explained."""
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": small_ner()})
    nlp.initialize(lambda: gold_examples(nlp))
    folder = tmp_path_factory.mktemp("pipeline")
    nlp.to_disk(folder)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("text", ["", " "])
def test_empty_text(command: str, text: str, untrained: Path) -> None:
    sentence = f"The text {text!r} is empty: give it at least one word."
    reject(sentence, command, untrained, text)


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED, reason="the package is not installed with this command")
def test_as_a_user(trained: Path) -> None:
    assert "Entities" in run("seqrnn", "explain", trained, TEXT)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_pipeline(command: str, tmp_path: Path) -> None:
    reject("is not a pipeline: give the folder of one", command, tmp_path / "none", TEXT)


@pytest.mark.parametrize(("command", "part"), COMMANDS.items())
def test_other_pipeline(command: str, part: str, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "other")
    sentence = f"The pipeline has sentencizer, but this needs {part}"
    reject(sentence, command, tmp_path / "other", TEXT)


def test_no_folder(tmp_path: Path) -> None:
    reject(
        "does not exist: create it first",
        "explain",
        "any",
        TEXT,
        "--html",
        tmp_path / "none" / "a.html",
    )


@pytest.mark.slow
def test_gates(trained: Path, tmp_path: Path) -> None:
    html, data = tmp_path / "gates.html", tmp_path / "gates.json"
    result = call("gates", trained, TEXT + " $5$", "--html", html, "--json", data)
    assert result.exit_code == 0, result.output
    page = html.read_text(encoding="utf8")
    assert page.count('<svg role="img"') == page.count("<table>") == 2  # both directions
    assert "<b>" not in page
    views = json.loads(data.read_text(encoding="utf8"))["views"]
    assert list(views[0]["gates"]) == ["reset", "update"]


@pytest.mark.slow
def test_gradients_of_a_text(trained: Path, tmp_path: Path) -> None:
    html = tmp_path / "gradients.html"
    result = call("gradients", trained, TEXT, "--html", html)
    assert result.exit_code == 0, result.output
    assert "right to left" in html.read_text(encoding="utf8")


@pytest.mark.parametrize("cells", [["rnn", "gru", "lstm"], ["rnn,gru,lstm"]])
def test_gradients_of_cells(cells: list[str], tmp_path: Path) -> None:
    svg, data = tmp_path / "cells.svg", tmp_path / "cells.json"
    result = call("gradients", "--cells", *cells, "--length", 20, "--svg", svg, "--json", data)
    assert result.exit_code == 0, result.output
    curves = json.loads(data.read_text(encoding="utf8"))["curves"]
    assert [curve["title"] for curve in curves] == ["rnn", "gru", "lstm"]
    assert "<svg" in svg.read_text(encoding="utf8")


@pytest.mark.parametrize("what", ["forget-bias", "residual", "clipping"])
def test_gradients_compared(what: str, tmp_path: Path) -> None:
    svg, data = tmp_path / "a.svg", tmp_path / "a.json"
    options = ["--length", 6, "--svg", svg, "--json", data]
    result = call("gradients", "--compare", what, *options)
    assert result.exit_code == 0, result.output
    curves = json.loads(data.read_text(encoding="utf8"))["curves"]
    assert all(curve["title"] in result.output for curve in curves)
    assert svg.read_text(encoding="utf8").count('id="curve-') == len(curves) > 1


def test_comparison_with_other_cells() -> None:
    reject("omit --cells, MODEL and TEXT", "gradients", "--compare", "residual", "a", "b")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "`gradients` was given 0 arguments, but needs MODEL and TEXT, or --cells"),
        (
            ["a", "b", "c"],
            "`gradients` was given 3 arguments, but needs MODEL and TEXT, or --cells",
        ),
        (
            ["--cells", "elman"],
            "`cells = 'elman'` is unknown: set it to one of rnn, lstm, gru, sru.",
        ),
        (["--cells", "rnn", "elman"], "`cells = 'elman'` is unknown: set it to one of"),
        (["--cells", ","], "`cells` is empty: name at least one of rnn, lstm, gru, sru."),
        (["--cells", "rnn", "--length", 0], "`length = 0` cannot work: set it to 2 or more."),
        (["--cells", "rnn", "--length", 10**9], "cannot work: set it to 10000 or less."),
        (["--compare", "clipping", "--length", 0], "`length = 0` cannot work: set it to 2 or"),
        (["model", "text", "--length", 5], "`--length` is for fresh cells"),
    ],
)
def test_gradients_that_cannot_be(options: list[object], sentence: str) -> None:
    reject(sentence, "gradients", *options)


@pytest.mark.slow
def test_text_too_long_to_draw(trained: Path, tmp_path: Path) -> None:
    html = tmp_path / "gates.html"
    reject("The text has 501 tokens", "gates", trained, "word " * 500 + "end", "--html", html)
    assert not html.exists()
