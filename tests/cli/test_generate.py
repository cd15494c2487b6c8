"""`spacy seqrnn generate`, and language models with spaCy's commands."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

import spacy_seqrnn.cli  # noqa: F401  # adds the command, as the entry point does
from spacy_seqrnn import generate

from ..lm.models import TEXTS
from .conftest import fails, invoke, succeed

COMMAND = ("seqrnn", "generate")


def test_a_text_is_that_of_the_function(language_model: Path) -> None:
    options = ["--words", 7, "--temperature", 0.7, "--top-k", 6, "--top-p", 0.9, "--seed", 3]
    printed = succeed(*COMMAND, language_model, "--prompt", "The cat", *options)
    choice = {"temperature": 0.7, "top_k": 6, "top_p": 0.9, "seed": 3}
    written = "".join(generate(spacy.load(language_model), "The cat", words=7, **choice))  # type: ignore[arg-type]
    assert printed.strip().endswith("The cat" + written)


def test_several_texts_side_by_side(language_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "texts.json"
    options = ["--samples", 3, "--words", 9, "--seed", 0, "--json", target]
    printed = succeed(*COMMAND, language_model, "--prompt", "The", *options)
    written = json.loads(target.read_text())
    texts = [each["text"] for each in written["texts"]]
    assert written["prompt"] == "The"
    assert len(set(texts)) > 1
    for text in texts:
        assert f"The{text}" in printed


def test_a_beam_finds_likely_texts(language_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "texts.json"
    printed = succeed(
        *COMMAND, language_model, "--prompt", "The dog", "--beam", 4, "--words", 5, "--json", target
    )
    texts = json.loads(target.read_text())["texts"]
    assert len(texts) == 4
    assert all(f"The dog{each['text']}" in printed for each in texts)
    assert all(each["log_probability"] < 0 for each in texts)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--temperature", -1], "`temperature = -1.0` cannot work"),
        (["--top-k", 0], "`top_k = 0` cannot work"),
        (["--top-p", 2], "`top_p = 2.0`"),
        (["--beam", 2, "--seed", 1], "`--seed` has no effect with `--beam`"),
        (["--beam", 2, "--top-k", 1], "`--top-k` has no effect with `--beam`"),
        (["--beam", 2, "--stop", "sentence"], "`--stop` has no effect with `--beam`"),
    ],
)
def test_wrong_options(language_model: Path, options: list[object], sentence: str) -> None:
    assert sentence in fails(*COMMAND, language_model, *options)


def test_a_pipeline_without_a_language_model(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path)
    assert "The pipeline has no language model, only sentencizer" in fails(*COMMAND, tmp_path)


def test_an_existing_file_is_kept(language_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "texts.json"
    target.write_text("mine")
    assert "add --force to overwrite it" in fails(*COMMAND, language_model, "--json", target)
    assert target.read_text() == "mine"


def test_train_and_evaluate(tmp_path: Path) -> None:
    texts, config, output = (tmp_path / name for name in ("texts", "lm.cfg", "out"))
    texts.mkdir()
    (texts / "a.txt").write_text("\n".join(TEXTS[:3]))
    (texts / "b.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in TEXTS[3:]))
    said = succeed("seqrnn", "init-config", config, "--task", "lm", "--both-directions")
    assert "--paths.train texts/ --paths.dev dev.txt" in said
    options = ["--training.max_steps", "6", "--training.eval_frequency", "3"]
    paths = ["--paths.train", texts, "--paths.dev", texts / "a.txt"]
    printed = succeed("train", config, "--output", output, *paths, *options)
    assert "LM_PROB" in printed
    nlp = spacy.load(output / "model-best")
    units = nlp.get_pipe("seqrnn_lm").vocabulary.units  # type: ignore[attr-defined]
    assert {"The", "cat", "dog"} <= set(units)
    assert "no" not in units  # min_count is 2
    data, scores = tmp_path / "dev.spacy", tmp_path / "scores.json"
    DocBin(docs=[nlp.make_doc(text) for text in TEXTS]).to_disk(data)
    succeed("evaluate", output / "model-best", data, "--output", scores)
    found = json.loads(scores.read_text())
    assert found["lm_perplexity"] == pytest.approx(1 / found["lm_probability"], rel=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--task", "ner", "--both-directions"], "`--both-directions` is for language models"),
        (["--task", "lm", "--train", "a.spacy"], "and tags, not for a language model: omit it"),
    ],
)
def test_options_of_other_tasks(tmp_path: Path, options: list[str], sentence: str) -> None:
    result = invoke("seqrnn", "init-config", tmp_path / "a.cfg", *options)
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
