"""A training run that was killed goes on to the same result, bit for bit."""

import io
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import srsly
from spacy.tokens import Doc, DocBin
from spacy.training import loop
from spacy.vocab import Vocab
from thinc.api import fix_random_seed

from spacy_seqrnn.cli.train import train
from spacy_seqrnn.report.log import FILE as LOG
from spacy_seqrnn.saved import resuming, unfinished
from spacy_seqrnn.saved.resuming import TrainingRun
from spacy_seqrnn.saved.training import Checkpoints
from spacy_seqrnn.saved.unfinished import ABOUT, FILE, CannotResume, find_state, write_state

from ..conftest import gold_docs
from ..killing import kill_at_change
from .runs import CHANCE, RUNS, at_step, contents, make_config, train_and_die

Whole = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def whole_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    """The config of a run, and what the run leaves if nothing stops it."""
    runs: dict[str, Whole] = {}

    def run(name: str) -> Whole:
        if name not in runs:
            folder = tmp_path_factory.mktemp(name)
            config = make_config(name, folder)
            fix_random_seed(CHANCE)
            train(config, folder / "whole")
            runs[name] = config, contents(folder / "whole")
        return runs[name]

    return run


@dataclass(frozen=True)
class Stopped:
    """A run that was killed after its evaluation at step 3. state: its file."""

    config: Path
    state: Path

    def put(self, folder: Path, *, seconds: int | None = None) -> Path:
        """Put its state into a folder. Returns its config.

        seconds: how long it has run; None for the truth.
        """
        shutil.copy(self.state, folder / FILE)
        if seconds is not None:
            state = find_state(folder)
            state.about["info"]["seconds"] = seconds
            arrays = {name: state.arrays[name] for name in state.arrays if name != ABOUT}
            write_state(folder, state.about, arrays)
        return self.config


@pytest.fixture(scope="module")
def stopped(
    whole_runs: Callable[[str], Whole], tmp_path_factory: pytest.TempPathFactory
) -> Stopped:
    config, _ = whole_runs("epochs")
    output = tmp_path_factory.mktemp("stopped")
    train_and_die(config, output, 5)
    return Stopped(config, output / FILE)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_is_killed_again_and_again(
    whole_runs: Callable[[str], Whole], tmp_path: Path, name: str
) -> None:
    config, expected = whole_runs(name)
    evaluated = [row["step"] for row in expected["table"]]
    assert evaluated == [0, 3, 6, 9, 12][: 4 if name == "epochs" else 5]
    train_and_die(config, tmp_path, 5)
    assert find_state(tmp_path).step == 3
    train_and_die(config, tmp_path, 8, resume=True)
    assert find_state(tmp_path).step == 6
    train_and_die(config, tmp_path, evaluated[-1] + 1, resume=True)
    assert find_state(tmp_path).step == evaluated[-1]
    fix_random_seed(99)
    train(config, tmp_path, resume=True)
    assert contents(tmp_path) == expected


def test_a_frozen_component(whole_runs: Callable[[str], Whole], tmp_path: Path) -> None:
    """Its tags are set on the documents that the other component is trained on."""
    source, _ = whole_runs("epochs")
    settings = {
        "components.tagger": {"source": str(source.parent / "whole/model-last")},
        "training.frozen_components": ["tagger"],
        "training.annotating_components": ["tagger"],
    }
    config = make_config("noisy", tmp_path, **settings)
    whole, output = tmp_path / "whole", tmp_path / "training"
    train(config, whole)
    train_and_die(config, output, 8)
    assert "component/tagger" not in find_state(output).arrays
    train(config, output, resume=True)
    assert contents(output) == contents(whole)


MOMENTS = range(1, 1000)  # changes of the disk: more than a run makes


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([20, 47, 103], id="some"),
        pytest.param(MOMENTS[::9], id="many", marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_killed_while_it_saves(
    whole_runs: Callable[[str], Whole], tmp_path: Path, moments: list[int]
) -> None:
    """The run goes on from any moment after its first state, and before, says that there is none.

    What it has saved when it is killed is from evaluations up to that of its state.
    """
    config, expected = whole_runs("lm")
    resumed = []
    for moment in moments:
        output = tmp_path / str(moment)
        if not kill_at_change(partial(train, config, output), moment):
            assert contents(output) == expected
            break
        if (output / FILE).exists():
            find_state(output)
            train(config, output, resume=True)
            assert contents(output) == expected
            resumed.append(moment)
        else:
            with pytest.raises(CannotResume, match="no training run"):
                train(config, output, resume=True)
    else:
        assert len(moments) < 10
    assert len(resumed) > len(moments) / 20


def test_pipelines_are_never_newer_than_the_state(
    whole_runs: Callable[[str], Whole], tmp_path: Path
) -> None:
    """Else a run that resumes elsewhere, to other numbers, would not know the best pipeline."""
    config, _ = whole_runs("lm")
    order: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        _record(patch, order, TrainingRun, "save")
        _record(patch, order, Checkpoints, "save")
        train(config, tmp_path, overrides={"training.max_steps": 1})
    assert order == ["TrainingRun", "Checkpoints", "Checkpoints"]


def _record(patch: pytest.MonkeyPatch, order: list[str], cls: type, name: str) -> None:
    method = getattr(cls, name)

    def recorded(*arguments: Any, **options: Any) -> Any:
        order.append(cls.__name__)
        return method(*arguments, **options)

    patch.setattr(cls, name, recorded)


def test_an_interrupted_run(
    whole_runs: Callable[[str], Whole], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl+C leaves a pipeline that was not evaluated, and the state of the last evaluation."""
    config, expected = whole_runs("lm")
    monkeypatch.setattr(loop, "subdivide_batch", loop.subdivide_batch)
    at_step(8, _interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "model-last/config.cfg").exists()
    train(config, tmp_path, resume=True)
    assert contents(tmp_path) == expected


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_the_best_pipeline_is_saved_again(
    whole_runs: Callable[[str], Whole], stopped: Stopped, tmp_path: Path
) -> None:
    """The state is saved first, so the pipelines of its evaluation may be missing."""
    _, expected = whole_runs("epochs")
    config = stopped.put(tmp_path)
    train(config, tmp_path, overrides={"training.max_steps": 3}, resume=True)
    assert expected["table"][0]["score"] < expected["table"][1]["score"]
    assert contents(tmp_path)["model-best"] == contents(tmp_path)["model-last"]


@pytest.mark.parametrize("setting", ["max_steps", "max_epochs", "patience"])
def test_a_run_may_become_longer(tmp_path: Path, setting: str) -> None:
    """It ends as if it had been meant to be so long from the beginning."""
    longer = {"max_steps": 9, "max_epochs": 3, "patience": 50}[setting]
    shorter = {"max_steps": 7, "max_epochs": 2, "patience": 5}[setting]
    config = make_config("epochs", tmp_path, **{"training.max_epochs": 4, "training.seed": 3})
    whole, output = tmp_path / "whole", tmp_path / "training"
    name = f"training.{setting}"
    train(config, whole, overrides={name: longer})
    train_and_die(config, output, 4, overrides={name: shorter})
    train(config, output, overrides={name: longer}, resume=True)
    ours, theirs = contents(output), contents(whole)
    assert ours["table"] == theirs["table"]
    for model in ("model-best", "model-last"):
        assert ours[model]["tagger/model"] == theirs[model]["tagger/model"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"training.dropout": 0.5}, r"config: `training.dropout` was 0.2 and is 0.5 now\.$"),
        (
            {"training.max_epochs": -1},
            r"config: `training.max_epochs` was 4 and is -1 now\.$",
        ),
        ({"training.optimizer.L2": 0.1}, r"`training.optimizer.L2` was 0.01 and is 0.1 now"),
        ({"training.max_steps": 2}, "has reached step 3, but with `max_steps`.*ended at step 2"),
        ({"training.max_epochs": 1}, "has reached step 3, but with `max_steps`.*ended at step 2"),
    ],
)
def test_other_settings(
    stopped: Stopped, tmp_path: Path, overrides: dict[str, Any], message: str
) -> None:
    config = stopped.put(tmp_path)
    with pytest.raises(CannotResume, match=message):
        train(config, tmp_path, overrides=overrides, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@contextmanager
def other_corpus(config: Path, docs: list[Doc]) -> Iterator[Path]:
    """The config, with other documents in its corpus in the meantime."""
    corpus = config.parent / "corpus.spacy"
    before = corpus.read_bytes()
    DocBin(docs=docs).to_disk(corpus)
    try:
        yield config
    finally:
        corpus.write_bytes(before)


@pytest.mark.parametrize("change", ["other words", "fewer", "other tags"])
def test_other_data(stopped: Stopped, tmp_path: Path, change: str) -> None:
    docs = gold_docs(Vocab())
    if change == "other words":
        docs = [Doc(doc.vocab, words=["Oslo"] * len(doc), tags=_tags(doc)) for doc in docs]
    elif change == "fewer":
        docs = docs[:-1]
    else:
        docs[0][0].tag_ = docs[1][-1].tag_
    with (
        other_corpus(stopped.put(tmp_path), docs) as config,
        pytest.raises(CannotResume, match="data are not those that it has read up to step 3"),
    ):
        train(config, tmp_path, resume=True)


def _tags(doc: Doc) -> list[str]:
    return [token.tag_ for token in doc]


def test_other_labels(stopped: Stopped, tmp_path: Path) -> None:
    """Of examples that the run has not read: they decide what the components are."""
    docs = gold_docs(Vocab())
    docs[-1][0].tag_ = "NEW"
    with (
        other_corpus(stopped.put(tmp_path), docs) as config,
        pytest.raises(CannotResume, match="initialised with other labels"),
    ):
        train(config, tmp_path, resume=True)


def test_a_damaged_state(stopped: Stopped, tmp_path: Path) -> None:
    """Any change of a byte is noticed, or changes nothing that is read."""
    stopped.put(tmp_path)
    path = tmp_path / FILE
    intact = _everything(tmp_path)
    data = path.read_bytes()
    chance = random.Random(0)
    places = [*range(0, 200, 7), *(len(data) - 1 - n for n in range(0, 400, 7))]
    rejected = 0
    for place in [*places, *(chance.randrange(len(data)) for _ in range(100))]:
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :])
        found = _everything(tmp_path)
        rejected += isinstance(found, CannotResume)
        assert "is damaged" in str(found) if isinstance(found, CannotResume) else found == intact
    assert rejected > 100
    for size in (0, 1, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(CannotResume, match="is damaged"):
            find_state(tmp_path)


def _everything(folder: Path) -> Any:
    """All that is in a state, or the error that says why it cannot be read."""
    try:
        state = find_state(folder)
    except CannotResume as error:
        return error
    return state.about, {name: state.arrays[name].tobytes() for name in state.arrays}


def test_a_state_of_another_version(
    stopped: Stopped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped.put(tmp_path)
    monkeypatch.setattr(unfinished, "VERSION", 2)
    with pytest.raises(CannotResume, match="another version"):
        find_state(tmp_path)


def test_a_full_disk_keeps_the_state(stopped: Stopped, tmp_path: Path) -> None:
    """The new state is complete before it takes the place of the old one."""
    stopped.put(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "savez", _fail_after_writing)
        with pytest.raises(OSError, match="no space"):
            write_state(tmp_path, {}, {})
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def _fail_after_writing(file: Any, **arrays: Any) -> None:
    file.write(b"half")
    raise OSError("no space")


def test_a_terminal_shows_how_far_it_is(
    stopped: Stopped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once here, and else after some seconds."""
    config = stopped.put(tmp_path)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(resuming, "DELAY", 0)
    train(config, tmp_path, resume=True)
    assert "Reading" in terminal.getvalue()
    assert "/4 " in terminal.getvalue()


def test_words_and_seconds_go_on(stopped: Stopped, tmp_path: Path) -> None:
    """The seconds of a run are those of all its parts."""
    config = stopped.put(tmp_path, seconds=1000)
    train(config, tmp_path, resume=True)
    rows = list(srsly.read_jsonl(tmp_path / LOG))
    assert [row["step"] for row in rows] == [3, 6, 9]  # the log of the earlier steps was removed
    assert all(1000 <= row["seconds"] < 1100 for row in rows)
    words = [row["words"] for row in rows]
    assert words == sorted(words)
