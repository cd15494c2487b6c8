"""The log of a training run that was stopped and goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
import srsly

from spacy_seqrnn.report.log import FILE, TrainingLog


def _info(folder: Path, step: int, seconds: int = 0) -> dict[str, Any]:
    """What spaCy's loop says of an evaluation at every tenth step."""
    return {
        "output_path": str(folder / "model-last"),
        "epoch": 0,
        "step": step,
        "losses": {"ner": 1.0},
        "score": 0.5,
        "other_scores": {"ents_f": 0.5},
        "checkpoints": [(0.5, earlier) for earlier in range(0, step + 1, 10)],
        "seconds": seconds,
        "words": 10 * step,
    }


def _write(folder: Path, *steps: int, more: str = "") -> str:
    """A log with a row for each step, which began at its number of seconds. Returns its text."""
    rows = [json.dumps({"step": step, "seconds": step + 0.25}) + "\n" for step in steps]
    text = "".join(rows) + more
    (folder / FILE).write_text(text)
    return text


def _log(folder: Path, *infos: dict[str, Any]) -> list[dict[str, Any]]:
    log = TrainingLog()
    for info in infos:
        log(info)
    return list(srsly.read_jsonl(folder / FILE))


@pytest.mark.parametrize("last", [10, 20, 30, 40])
def test_goes_on_without_a_row_twice(tmp_path: Path, last: int) -> None:
    """It resumes at step 30, whose row, and later ones, may or may not be there."""
    _write(tmp_path, *range(0, last + 1, 10))
    rows = _log(tmp_path, _info(tmp_path, 30, 35), _info(tmp_path, 40, 45))
    kept = [step for step in (0, 10, 20) if step <= last]
    assert [row["step"] for row in rows] == [*kept, 30, 40]
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert seconds[-2] == pytest.approx(35, abs=0.2)


def test_seconds_never_go_back(tmp_path: Path) -> None:
    """spaCy's are whole numbers, and begin a little later."""
    _write(tmp_path, 0, 10, 20, 30)
    rows = _log(tmp_path, _info(tmp_path, 30, 30))
    assert rows[-1]["seconds"] == pytest.approx(30.25, abs=0.2)
    assert rows[-1]["seconds"] >= 30.25


@pytest.mark.parametrize("more", ['{"step": 30, "sec', "no JSON\n", '{"step": 30}'])
def test_goes_on_after_a_row_that_was_cut_off(tmp_path: Path, more: str) -> None:
    intact = _write(tmp_path, 0, 10, 20)
    _write(tmp_path, 0, 10, 20, more=more)
    rows = _log(tmp_path, _info(tmp_path, 30, 35))
    assert (tmp_path / FILE).read_text().startswith(intact)
    assert [row["step"] for row in rows] == [0, 10, 20, 30]


def test_a_run_that_begins_keeps_nothing(tmp_path: Path) -> None:
    _write(tmp_path, 0, 10, 20)
    rows = _log(tmp_path, _info(tmp_path, 0), _info(tmp_path, 10))
    assert [row["step"] for row in rows] == [0, 10]
    assert rows[0]["seconds"] < 1


def test_a_log_that_was_deleted(tmp_path: Path) -> None:
    rows = _log(tmp_path, _info(tmp_path, 30, 35))
    assert [row["step"] for row in rows] == [30]
