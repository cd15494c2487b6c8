"""`spacy train`, and the commands that use its output."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import typer
from spacy.cli._util import app
from spacy.tokens import Doc, DocBin
from spacy.training import loop
from thinc.api import Config

from spacy_seqrnn.cli import seqrnn_cli
from spacy_seqrnn.report.log import FILE

from ..conftest import CLAUSES, gold_docs
from ..integration.components import assert_same, initialize, make_pipeline, train
from ..pipes import get_pipe
from ..trust.folders import files
from .conftest import succeed

TEXTS = [" ".join(clause) + "." for clause in CLAUSES]


def _entities(doc: Doc) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in doc.ents]


def test_train_learns_its_training_set(trained: Path) -> None:
    performance = srsly.read_json(trained / "meta.json")["performance"]
    assert performance["ents_f"] == 1.0
    assert performance["cats_macro_f"] == 1.0
    assert performance["ents_per_type"].keys() == {"PERSON", "CITY"}


def test_what_was_trained_reads_texts(trained: Path) -> None:
    nlp = spacy.load(trained)
    for gold in gold_docs(nlp.vocab):
        doc = nlp(gold.text)
        assert _entities(doc) == _entities(gold)
        assert max(doc.cats, key=doc.cats.__getitem__) == max(gold.cats, key=gold.cats.__getitem__)
        scores = doc.spans["found"].attrs["scores"]
        assert len(scores) == len(gold.ents)
        assert all(0.5 < score <= 1.0 for score in scores)


def test_the_saved_config_trains_again(trained: Path, tmp_path: Path) -> None:
    succeed("train", trained / "config.cfg", "--output", tmp_path, "--training.max_steps", "5")
    assert spacy.load(tmp_path / "model-last").pipe_names == ["tok2vec", "seqrnn_ner", "textcat"]


def test_the_same_seed_trains_the_same_pipeline(config: Path, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        succeed("train", config, "--output", tmp_path / folder, "--training.max_steps", "5")
    first, second = (tmp_path / name / "model-last" for name in ("first", "second"))
    for component in ("tok2vec", "seqrnn_ner", "textcat"):
        model = Path(component) / "model"
        assert (first / model).read_bytes() == (second / model).read_bytes()


def logged(folder: Path) -> list[dict[str, Any]]:
    """The log of a training run, without times."""
    lines = list(srsly.read_jsonl(folder / FILE))
    for line in lines:
        del line["seconds"], line["scores"]["speed"]
    return lines


@pytest.mark.parametrize("frozen", [False, True])
def test_ours_trains_what_spacys_does(
    trained: Path, config: Path, tmp_path: Path, frozen: bool
) -> None:
    """Bit for bit, with the same output: its loop differs only in how it saves."""
    changed = (
        with_frozen(config, trained) if frozen else Config().from_disk(config, interpolate=False)
    )
    changed["nlp"]["after_creation"] = {"@callbacks": "spacy-seqrnn.whole_files.v1"}
    changed["training"].update(max_steps=7, eval_frequency=2)
    changed["training"]["before_to_disk"] = {"@callbacks": "spacy-seqrnn.whole_checkpoints.v1"}
    changed.to_disk(tmp_path / "config.cfg")
    spacys, ours = tmp_path / "spacys", tmp_path / "ours"
    override = ("--training.max_steps", "6")
    printed = succeed("train", tmp_path / "config.cfg", "--output", spacys, *override)
    again = succeed("seqrnn", "train", tmp_path / "config.cfg", "-o", ours, *override)
    assert printed.replace(str(spacys), str(ours)) == again
    assert files(ours).keys() == files(spacys).keys()
    assert logged(ours) == logged(spacys)
    for name in ("model-best", "model-last"):
        assert files(ours / name) == files(spacys / name)
        assert spacy.load(ours / name).config["training"]["max_steps"] == 6
    assert vars(loop)["shutil"] is shutil


def test_both_commands_take_the_same_options() -> None:
    groups: list[Any] = [typer.main.get_command(group) for group in (app, seqrnn_cli)]
    commands = [group.commands["train"] for group in groups]
    spacys, ours = ([parameter.opts for parameter in each.params] for each in commands)
    assert ours == [*spacys, ["--resume"]]


def with_frozen(config: Path, trained: Path) -> Config:
    """A config that trains only one component."""
    changed = Config().from_disk(config, interpolate=False)
    for name in ("tok2vec", "seqrnn_ner"):
        changed["components"][name] = {"source": str(trained)}
    changed["training"]["frozen_components"] = ["tok2vec", "seqrnn_ner"]
    changed["training"]["annotating_components"] = ["tok2vec"]
    changed["components"]["textcat"]["model"]["tok2vec"]["width"] = 24
    return changed


def test_trains_on_with_a_frozen_and_a_sourced_component(
    trained: Path, config: Path, tmp_path: Path
) -> None:
    with_frozen(config, trained).to_disk(tmp_path / "config.cfg")
    succeed("train", tmp_path / "config.cfg", "--output", tmp_path, "--training.max_steps", "5")
    last = tmp_path / "model-last"
    for name in ("tok2vec", "seqrnn_ner"):
        assert (last / name / "model").read_bytes() == (trained / name / "model").read_bytes()
    for old, new in zip(spacy.load(trained).pipe(TEXTS), spacy.load(last).pipe(TEXTS), strict=True):
        assert _entities(old) == _entities(new)


def test_train_reads_the_labels_that_init_labels_wrote(config: Path, tmp_path: Path) -> None:
    succeed("init", "labels", config, tmp_path)
    labels = srsly.read_json(tmp_path / "seqrnn_ner.json")
    assert sorted(labels) == ["CITY", "PERSON"]
    assert sorted(srsly.read_json(tmp_path / "textcat.json")) == ["BAD", "GOOD"]
    srsly.write_json(tmp_path / "seqrnn_ner.json", ["PERSON", "RIVER", "CITY"])
    changed = Config().from_disk(config, interpolate=False)
    changed["initialize"]["components"] = {
        name: {
            "labels": {"@readers": "spacy.read_labels.v1", "path": str(tmp_path / f"{name}.json")}
        }
        for name in ("seqrnn_ner", "textcat")
    }
    changed["training"]["max_steps"] = 2
    changed.to_disk(tmp_path / "config.cfg")
    succeed("train", tmp_path / "config.cfg", "--output", tmp_path)
    nlp = spacy.load(tmp_path / "model-last")
    assert get_pipe(nlp, "seqrnn_ner").labels == ("PERSON", "RIVER", "CITY")
    assert sorted(get_pipe(nlp, "textcat").labels) == ["BAD", "GOOD"]


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let child processes take SIGINT, even if this one was started without."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupted_training_leaves_a_pipeline(config: Path, tmp_path: Path) -> None:
    endless = ["--training.max_steps", "0", "--training.eval_frequency", "2"]
    command: list[str | Path] = [
        sys.executable,
        "-u",
        "-m",
        "spacy",
        "train",
        config,
        "-o",
        tmp_path,
        *endless,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            # A row of the table of scores comes after a checkpoint.
            assert process.stdout
            assert any(line.split()[:1] == ["2"] for line in process.stdout)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0
    assert (tmp_path / "model-best").exists()
    nlp = spacy.load(tmp_path / "model-last")
    assert set(nlp(TEXTS[0]).cats) == {"GOOD", "BAD"}
    assert get_pipe(nlp, "seqrnn_ner").labels == ("CITY", "PERSON")


def test_evaluate(trained: Path, corpus: Path, tmp_path: Path) -> None:
    metrics = tmp_path / "metrics.json"
    printed = succeed("evaluate", trained, corpus, "--output", metrics)
    assert "NER (per type)" in printed
    scores = json.loads(metrics.read_text())
    assert scores["ents_per_type"]["CITY"] == {"p": 1.0, "r": 1.0, "f": 1.0}
    assert scores["cats_score"] == 1.0


def test_benchmark_speed(trained: Path, corpus: Path) -> None:
    options = ["--batches", "30", "--batch-size", "2", "--warmup", "1"]
    assert "Mean:" in succeed("benchmark", "speed", trained, corpus, *options)


@pytest.mark.parametrize("suffix", ["jsonl", "spacy"])
@pytest.mark.parametrize("n_process", [1, 2])
def test_apply(trained: Path, tmp_path: Path, suffix: str, n_process: int) -> None:
    nlp = spacy.load(trained)
    source, target = tmp_path / f"texts.{suffix}", tmp_path / "out.spacy"
    if suffix == "jsonl":
        srsly.write_jsonl(source, [{"text": text} for text in TEXTS])
    else:
        DocBin(docs=map(nlp.make_doc, TEXTS)).to_disk(source)
    succeed("apply", trained, source, target, "--batch-size", "4", "--n-process", str(n_process))
    expected = DocBin(docs=nlp.pipe(TEXTS), store_user_data=True)
    applied = DocBin().from_disk(target).get_docs(nlp.vocab)
    assert_same(applied, expected.get_docs(nlp.vocab))


def test_find_threshold(corpus: Path, tmp_path: Path) -> None:
    nlp = make_pipeline("seqrnn_multilabel", shared=False)
    train(nlp, initialize(nlp))
    nlp.to_disk(tmp_path)
    options = ["seqrnn_multilabel", "threshold", "cats_macro_f", "--n_trials", "3"]
    printed = succeed("find-threshold", tmp_path, corpus, *options)
    assert "Best threshold: 0.5 with cats_macro_f value of 1.0" in " ".join(printed.split())
