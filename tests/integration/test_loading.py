"""What is imported and run when a pipeline is created or loaded."""

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import torch

from .components import TEXTS, assert_same, initialize, make_pipeline, train

OURS = ["seqrnn_ner", "seqrnn_textcat", "tagger"]

BLANK = """
import json, sys
import spacy
spacy.blank("en")
print(json.dumps([name for name in sys.modules if name.startswith("spacy_seqrnn")]))
"""
# Python audits every class that an unpickler of any kind looks up.
AUDITED = """
import pickle, sys
from collections import OrderedDict
import spacy

def tell(event, arguments):
    if event == "pickle.find_class":
        print("found", *arguments)

sys.addaudithook(tell)
spacy.load(sys.argv[1])
print("loaded")
pickle.loads(pickle.dumps(OrderedDict()))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained pipeline with an encoder, a recogniser, a classifier and word vectors."""
    nlp = make_pipeline(*OURS, shared=True, vectors=True)
    train(nlp, initialize(nlp), steps=10)
    path = tmp_path_factory.mktemp("pipeline")
    nlp.to_disk(path)
    return path


def test_a_blank_pipeline_does_not_import_the_encoder() -> None:
    result = subprocess.run(
        [sys.executable, "-c", BLANK], capture_output=True, text=True, check=True
    )
    imported = json.loads(result.stdout)
    assert "spacy_seqrnn.ner.component" in imported  # spaCy imports the factories of every plugin
    assert "spacy_seqrnn.rnn.layer" not in imported
    assert not any(name.startswith("spacy_seqrnn.architectures") for name in imported)


def _reject(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("Something was unpickled.")


@pytest.fixture
def _no_unpickling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every way to unpickle fail."""
    for name in ("load", "loads", "Unpickler", "_load", "_loads", "_Unpickler"):
        monkeypatch.setattr(pickle, name, _reject)
    for name in ("load", "loads"):
        monkeypatch.setattr(srsly.cloudpickle, name, _reject)
    monkeypatch.setattr(srsly, "pickle_loads", _reject)
    for name in ("load", "jit.load"):
        monkeypatch.setattr(f"torch.{name}", _reject)


@pytest.mark.usefixtures("_no_unpickling")
def test_loading_never_unpickles(saved: Path) -> None:
    nlp = spacy.load(saved)
    copy = make_pipeline(*OURS, shared=True, vectors=True).from_bytes(nlp.to_bytes())
    assert [doc.has_annotation("TAG") for doc in copy.pipe(TEXTS[:1])] == [True]


@pytest.mark.usefixtures("_no_unpickling")
def test_the_guard_against_unpickling_works() -> None:
    loaders: list[Callable[[Any], Any]] = [pickle.loads, srsly.pickle_loads, torch.load]
    for load in loaders:
        with pytest.raises(AssertionError):
            load(b"")


def test_no_class_is_looked_up_by_an_unpickler(saved: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", AUDITED, saved], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == ["loaded", "found collections OrderedDict"]


def test_loads_with_components_left_out(saved: Path) -> None:
    everything = spacy.load(saved)
    nlp = spacy.load(saved, exclude=["tagger"], disable=["seqrnn_textcat"])
    assert nlp.pipe_names == ["tok2vec", "seqrnn_ner"]
    expected = [[(e.text, e.label_) for e in doc.ents] for doc in everything.pipe(TEXTS)]
    assert [[(e.text, e.label_) for e in doc.ents] for doc in nlp.pipe(TEXTS)] == expected
    nlp.enable_pipe("seqrnn_textcat")
    assert nlp(TEXTS[0]).cats == pytest.approx(everything(TEXTS[0]).cats)


def test_saving_again_changes_no_file(saved: Path, tmp_path: Path) -> None:
    spacy.load(saved).to_disk(tmp_path)
    files = {path.relative_to(saved) for path in saved.rglob("*") if path.is_file()}
    assert files == {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    for file in files:
        if file.name in ("model", "cfg", "config.cfg"):
            assert (saved / file).read_bytes() == (tmp_path / file).read_bytes(), file
    assert_same(spacy.load(tmp_path).pipe(TEXTS), spacy.load(saved).pipe(TEXTS), tolerance=0)
