"""`spacy seqrnn init-config --train`: what the training data determine."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from thinc.api import Config

from spacy_seqrnn.cli.init_config import recipe
from spacy_seqrnn.cli.plan import Plan, make_plan
from spacy_seqrnn.types import Floats1d

from .conftest import succeed
from .test_inside import reject


def write(path: Path, docs: list[Doc]) -> Path:
    DocBin(docs=docs).to_disk(path)
    return path


def texts(tmp_path: Path, n_docs: int, n_words: int, *cats: dict[str, float]) -> Path:
    """Texts with these categories in turn."""
    vocab = spacy.blank("en").vocab
    docs = []
    for i in range(n_docs):
        doc = Doc(vocab, words=[f"w{i}", *["word"] * (n_words - 1)])
        doc.cats = cats[i % len(cats)]
        docs.append(doc)
    return write(tmp_path / "train.spacy", docs)


ONE = ({"A": 1.0, "B": 0.0}, {"A": 0.0, "B": 1.0})
SEVERAL = (*ONE, {"A": 1.0, "B": 1.0})


def plan(path: Path, task: str = "textcat", optimize: str = "efficiency") -> Plan:
    return make_plan(path, task, optimize, None)


def test_several_categories_at_once_need_the_other_component(tmp_path: Path) -> None:
    assert plan(texts(tmp_path, 10, 5, *ONE)).task == "textcat"
    one = plan(texts(tmp_path, 1000, 20, *ONE))
    several = plan(texts(tmp_path, 1000, 20, *SEVERAL))
    assert several.task == "textcat_multilabel"
    assert several.steps == 1.5 * one.steps
    assert "2 labels, several at once, from 666 (B) to 667 (A)" in several.summary
    assert plan(texts(tmp_path, 10, 5, {"A": 0.0}, *ONE)).task == "textcat_multilabel"


@pytest.mark.parametrize(
    ("n_docs", "n_words", "steps", "batch", "rate"),
    [
        (1000, 20, 1000, 400, 0.002),
        (500, 10, 600, 200, 0.002),
        (2500, 20, 1400, 1000, 0.002),
        (8000, 20, 1000, 2000, 0.0028),
        (3, 4, 300, 200, 0.002),
    ],
)
def test_steps_and_batches_grow_with_the_data(
    tmp_path: Path, n_docs: int, n_words: int, steps: int, batch: int, rate: float
) -> None:
    found = plan(texts(tmp_path, n_docs, n_words, *ONE))
    assert (found.steps, found.batch_words, found.long_texts) == (steps, batch, False)
    assert found.learn_rate == rate
    passes = steps * batch / (n_docs * n_words)
    assert f"About {passes:.3g} passes over {n_docs:,} texts of {n_words} words" in found.why_steps


@pytest.mark.parametrize(
    ("optimize", "categories", "steps"),
    [("accuracy", ONE, 2100), ("efficiency", SEVERAL, 3100), ("accuracy", SEVERAL, 3100)],
)
def test_batches_stay_smaller_where_that_is_better(
    tmp_path: Path, optimize: str, categories: tuple[dict[str, float], ...], steps: int
) -> None:
    found = plan(texts(tmp_path, 8000, 20, *categories), optimize=optimize)
    assert (found.batch_words, found.learn_rate, found.steps) == (1000, 0.002, steps)


@pytest.mark.parametrize(("optimize", "size"), [("accuracy", 1000), ("efficiency", 2000)])
def test_a_config_has_the_batches_of_its_recipe(optimize: str, size: int, tmp_path: Path) -> None:
    path, written = texts(tmp_path, 8000, 20, *ONE), tmp_path / "config.cfg"
    succeed("seqrnn", "init-config", written, "-t", "textcat", "-o", optimize, "--train", path)
    training = Config().from_disk(written, interpolate=False)["training"]
    rate = 0.002 * (size / 1000) ** 0.5
    assert training["batcher"]["size"] == size
    assert training["optimizer"]["learn_rate"]["initial_rate"] == pytest.approx(rate, abs=1e-4)


def test_long_texts_have_a_recipe_of_their_own(tmp_path: Path) -> None:
    path = texts(tmp_path, 30, 400, *ONE)
    assert plan(path).long_texts
    written = tmp_path / "config.cfg"
    succeed("seqrnn", "init-config", written, "-t", "textcat", "-o", "accuracy", "--train", path)
    config = Config().from_disk(written, interpolate=False)
    assert set(config["components"]["textcat"]["model"]["members"]) == {"pairs", "triples", "lstm"}
    assert config["training"]["batcher"]["size"] == 8000


def test_many_words_have_more_rows_for_their_ngrams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = texts(tmp_path, 30, 5, *ONE)
    small = plan(path).ngram_rows
    monkeypatch.setattr("spacy_seqrnn.cli.plan.MANY_WORDS", 149)
    large = plan(path)
    assert large.ngram_rows == 8 * small
    text = recipe("textcat", "efficiency", vectors=False, plan=large)
    assert f"rows = {large.ngram_rows}" in text


def test_few_sentences_get_an_ensemble_of_recognisers(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = nlp.make_doc("Ada Lovelace wrote it")
    doc.ents = [Span(doc, 0, 2, "PER")]
    path = write(tmp_path / "train.spacy", [doc] * 10)
    assert plan(path, "ner").ensemble
    succeed(
        "seqrnn", "init-config", tmp_path / "c.cfg", "-t", "ner", "-o", "accuracy", "--train", path
    )
    config = Config().from_disk(tmp_path / "c.cfg", interpolate=False)
    assert len(config["components"]["seqrnn_ner"]["model"]["members"]) == 3


def test_the_config_says_why_and_trains(tmp_path: Path) -> None:
    path = texts(tmp_path, 40, 6, *SEVERAL)
    config = tmp_path / "config.cfg"
    printed = succeed("seqrnn", "init-config", config, "--task", "textcat", "--train", path)
    summary = "40 texts of 6 words; 2 labels, several at once, from 26 (B) to 27 (A)"
    assert summary in " ".join(printed.split())
    assert f"--paths.train {path}" in printed
    text = config.read_text(encoding="utf8")
    assert "# Written for 40 texts of 6 words;" in text
    assert (
        "# About 250 passes over 40 texts of 6 words, more as several labels apply at once" in text
    )
    assert 'pipeline = ["textcat_multilabel"]' in text
    data = ("--paths.train", path, "--paths.dev", path)
    short = ("--training.max_steps", 4, "--training.eval_frequency", 2)
    succeed("train", config, "--output", tmp_path / "training", *data, *short)
    nlp = spacy.load(tmp_path / "training" / "model-last")
    assert set(nlp("word").cats) == {"A", "B"}


def test_coverage_of_the_vectors(tmp_path: Path) -> None:
    path = texts(tmp_path, 4, 5, *ONE)
    nlp = spacy.blank("en")
    nlp.vocab.reset_vectors(width=2)
    vector: Floats1d = np.ones(2, dtype="f")
    nlp.vocab.set_vector("word", vector)
    nlp.to_disk(tmp_path / "vectors")
    assert (
        "; 80.0% of the words have a vector"
        in make_plan(path, "textcat", "accuracy", str(tmp_path / "vectors")).summary
    )


def test_data_that_say_nothing(tmp_path: Path) -> None:
    path = texts(tmp_path, 4, 5, {})
    options = ("init-config", "-", "--train", path, "--task")
    reject("has a category, which `task = 'textcat'` is about", *options, "textcat")
    reject("has an entity, which `task = 'ner'` is about", *options, "ner")
    reject("has a tag, which `task = 'tagger'` is about", *options, "tagger")
    reject("does not exist", "init-config", "-", "--train", tmp_path / "none.spacy")
