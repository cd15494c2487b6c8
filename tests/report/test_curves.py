"""The log of a training run, and the curves that are read from it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.util import registry

from spacy_seqrnn.report.curves import learn_rates, read_curves
from spacy_seqrnn.report.log import FILE, NAME, create_training_log

LOGGED = {"@loggers": NAME}


def info(step: int, folder: Path | None, **more: Any) -> dict[str, Any]:
    """What spaCy passes to a logger at an evaluation."""
    values = {
        "epoch": 0,
        "step": step,
        "score": 0.5,
        "other_scores": {"ents_f": 0.5, "ents_per_type": {"PER": {"f": 0.5}}},
        "losses": {"seqrnn_ner": 3.0},
        "words": 10 * step,
        **more,
    }
    return values if folder is None else {**values, "output_path": str(folder / "model-last")}


def start(stdout: Any = None) -> Any:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner", name="seqrnn_ner")
    nlp.config["training"]["score_weights"] = {"ents_f": 1.0}
    return create_training_log()(nlp, stdout or io.StringIO(), io.StringIO())


def config(logger: dict[str, Any], **optimizer: Any) -> dict[str, Any]:
    adam = {"@optimizers": "Adam.v1", "learn_rate": 0.01, **optimizer}
    weights = {"ents_f": 1.0, "ents_per_type": None}
    return {"training": {"logger": logger, "optimizer": adam, "score_weights": weights}}


def write_log(folder: Path, *steps: int) -> None:
    log, finalize = start()
    for step in steps:
        log(info(step, folder, score=step / 100))
        log(None)
    finalize()


class Terminal(io.StringIO):
    """The stream that progress bars are drawn on."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress_bar", "shown"), [(None, ""), ("train", "Last Eval Epoch: 0"), ("eval", "Epoch 1")]
)
def test_progress_bar_is_spacys(progress_bar: str | None, shown: str, tmp_path: Path) -> None:
    nlp, terminal = spacy.blank("en"), Terminal()
    nlp.config["training"] |= {"eval_frequency": 5, "max_steps": 20, "patience": 0}
    log, finalize = create_training_log(progress_bar)(nlp, io.StringIO(), terminal)
    log(info(0, tmp_path))
    for _ in range(3):
        log(None)
    finalize()
    assert shown in terminal.getvalue()
    assert bool(shown) == bool(terminal.getvalue())


def test_console_is_as_in_spacy(tmp_path: Path) -> None:
    ours, theirs = io.StringIO(), io.StringIO()
    nlp = spacy.blank("en")
    nlp.add_pipe("ner", name="seqrnn_ner")
    for create, stream in [(create_training_log, ours), (_console, theirs)]:
        log, finalize = create()(nlp, stream, io.StringIO())
        log(info(0, tmp_path))
        log(None)
        finalize()
    assert ours.getvalue() == theirs.getvalue()
    assert "LOSS SEQRN..." in ours.getvalue()


def _console() -> Any:
    return registry.loggers.get("spacy.ConsoleLogger.v3")()


def test_lines_are_there_at_once_and_of_the_last_training_only(tmp_path: Path) -> None:
    write_log(tmp_path, 0, 5, 10)
    log, _ = start()
    log(info(0, tmp_path))
    (line,) = (tmp_path / FILE).read_text().splitlines()
    assert json.loads(line)["scores"] == {"ents_f": 0.5}


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start()[0](info(0, None))
    assert not list(tmp_path.iterdir())


def test_curves(tmp_path: Path) -> None:
    write_log(tmp_path, 0, 5, 10)
    curves = read_curves(tmp_path, config(LOGGED))
    assert curves
    assert curves.step == [0, 5, 10]
    assert curves.losses == {"seqrnn_ner": [3.0, 3 / 5, 3 / 5]}
    assert curves.scores == {"ents_f": [0.5] * 3}
    assert curves.best == 2
    assert curves.learn_rate == [0.01] * 3
    first, *others = curves.words_per_second
    assert first is None
    assert all(speed is None or speed > 0 for speed in others)


def test_half_a_line_is_left_out(tmp_path: Path) -> None:
    write_log(tmp_path, 0, 5)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"step": 10, "sco')
    curves = read_curves(tmp_path, config(LOGGED))
    assert curves
    assert curves.step == [0, 5]


def test_damage_is_named(tmp_path: Path) -> None:
    write_log(tmp_path, 0, 5)
    (tmp_path / FILE).write_text("nonsense\n" + (tmp_path / FILE).read_text())
    with pytest.raises(ValueError, match=r"Line 1 of .* is not JSON: delete the file"):
        read_curves(tmp_path, config(LOGGED))


def test_a_training_without_a_log_has_no_curves(tmp_path: Path) -> None:
    assert read_curves(tmp_path, config(LOGGED)) is None
    write_log(tmp_path, 0)  # by an earlier run, whose log remained
    assert read_curves(tmp_path, config({"@loggers": "spacy.ConsoleLogger.v1"})) is None
    chain = {"@loggers": "spacy.ChainLogger.v1", "logger1": LOGGED, "logger2": None}
    assert read_curves(tmp_path, config(chain)) is not None


def test_learning_rates_are_those_that_the_optimizer_has() -> None:
    schedule = {
        "@schedules": "warmup_linear.v1",
        "initial_rate": 0.1,
        "warmup_steps": 4,
        "total_steps": 12,
    }
    optimizer = {"@optimizers": "Adam.v1", "learn_rate": schedule}
    rates = learn_rates(optimizer, [0, 2, 4, 8, 12])
    # Up in 4 steps, down in 8
    assert rates == pytest.approx([0.0, 0.05, 0.1, 0.05, 0.0])


def test_a_list_of_rates_ends_with_its_last() -> None:
    rates = learn_rates({"@optimizers": "Adam.v1", "learn_rate": [0.3, 0.2, 0.1]}, [0, 1, 2, 9])
    assert rates == [0.3, 0.2, 0.1, 0.1]
