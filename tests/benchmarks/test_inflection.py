"""The benchmark of inflection: its steps, and its table."""

from pathlib import Path
from typing import Any

import pytest
import srsly

from benchmarks.inflection import __main__ as benchmark

from ..project.conftest import ROOT

ENVIRONMENT = {"machine": "m", "processor": "p", "spacy-seqrnn": "1", "spacy": "3"}


def result(language: str, seed: int, test: float, dev: float) -> dict[str, Any]:
    scores = {"test": test, "dev": dev}
    return {"language": language, "seed": seed, **scores, "seconds": 60, "environment": ENVIRONMENT}


def test_the_table_has_a_row_for_each_language_with_results() -> None:
    results = [result("turkish", 0, 0.5, 0.6), result("german", 0, 0.7, 0.8)]
    results.append(result("turkish", 1, 0.52, 0.6))
    header, _, german, turkish, _, note = benchmark.table(results).splitlines()
    assert header.startswith("| language | baseline")
    assert german == "| German | 72.1 | 70.0 | 80.0 |"
    assert turkish == "| Turkish | 32.9 | 51.0 ± 1.4 | 60.0 ± 0.0 |"
    assert "takes 1 minutes" in note
    assert "processor p, spacy 3" in note


def test_what_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "training/sigmorphon2017/german/model-best"
    model.mkdir(parents=True)
    srsly.write_json(model / "meta.json", {"performance": {"output_exact": 0.75}})
    (tmp_path / "metrics").mkdir()
    srsly.write_json(tmp_path / "metrics/sigmorphon2017-german.json", {"output_exact": 0.5})
    steps: list[Any] = []
    monkeypatch.setattr(benchmark, "run_step", lambda *step: steps.append(step))
    measured = benchmark.measure("german", 3)
    assert (measured["dev"], measured["test"], measured["seed"]) == (0.75, 0.5, 3)
    commands = {each["name"] for each in srsly.read_yaml(ROOT / "project.yml")["commands"]}
    assert {name for name, *_ in steps} <= commands
    assert all(step[1:] == ("german", 3) for step in steps)
