"""The parts of the speed benchmark that determine its table. Nothing here is timed."""

import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from spacy.vocab import Vocab

from benchmarks.speed import labels, shares
from benchmarks.speed.compare import Worker, compare, ratios
from benchmarks.speed.growth import WAYS, draw
from benchmarks.speed.rows import ROWS, Row
from benchmarks.speed.table import lines
from benchmarks.speed.workers import many_labels
from benchmarks.speed.workers.serve import best
from benchmarks.speed.writing import seconds

from ..conftest import gold_examples
from ..integration.components import TEXTS, initialize, make_pipeline

ROOT = Path(__file__).parents[2]
CODE = "from benchmarks.speed.workers.serve import serve; serve(lambda: {seconds}, {words}, a=1)"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def command(seconds: float, words: int = 100) -> Callable[..., Any]:
    return lambda: [sys.executable, "-c", CODE.format(seconds=seconds, words=words)]


def test_a_worker_measures_as_often_as_asked() -> None:
    worker = Worker(command(0.5)())
    worker.measure()
    worker.measure()
    assert worker.close() == {"words": 100, "a": 1, "seconds": [0.5, 0.5]}


def test_a_worker_that_fails_says_how_to_see_why() -> None:
    with pytest.raises(RuntimeError, match=r"to see why, run: .* -c 1/0"):
        Worker([sys.executable, "-c", "1/0"])


def test_compare_measures_all_sides_and_ratios_are_per_word() -> None:
    row = Row("title", {"ours": command(1.0)}, {"a": command(3.0), "b": command(8.0, words=200)})
    result = compare(row, None, rounds=3)
    assert ratios(result, "ours", "a") == [3.0] * 3
    assert ratios(result, "ours", "b") == [4.0] * 3
    assert list(compare(row, ["b"], rounds=1)["sides"]) == ["ours", "b"]


def test_an_unknown_side_is_named() -> None:
    with pytest.raises(ValueError, match="Unknown side 'c': choose from a"):
        compare(Row("title", {}, {"a": command(1.0)}), ["c"], rounds=1)


def test_table_lines() -> None:
    sides = {
        "accuracy": {"words": 100, "seconds": [1.0, 2.0, 1.0]},
        "spacy": {"words": 100, "seconds": [2.0, 2.0, 4.0]},
    }
    (line,) = lines({"row": "pipe", "ours": ["accuracy"], "sides": sides})
    assert line == [
        ROWS["pipe"].title,
        "accuracy",
        "spaCy, same vectors",
        "**2.00**",
        "1.00-4.00",
        "100",
        "50",
    ]


def test_best_is_the_fastest_choice() -> None:
    assert best(lambda n: abs(n - 7), [1, 6, 20]) == 6


def test_seconds_of_the_processor_do_not_count_waiting() -> None:
    waiting = "import time; time.sleep(1)"
    working = "import time\nwhile time.process_time() < 1: pass"
    waited, worked = (seconds([sys.executable, "-c", code]) for code in (waiting, working))
    assert worked > waited + 0.5


def test_growth_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.speed.growth.PICTURE", tmp_path / "growth.svg")
    row = {"seconds": 0.0, "megabytes": 0}
    draw([{**row, "tokens": n, "way": way} for n in (10, 100) for way in WAYS])
    assert "<svg" in (tmp_path / "growth.svg").read_text()


def test_labels_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.speed.labels.PICTURE", tmp_path / "labels.svg")
    row = {"seconds": 1.0, "megabytes": 1}
    places = product(many_labels.SIDES, many_labels.WAYS, (4, 1000))
    labels.draw([{**row, "side": side, "way": way, "labels": n} for side, way, n in places])
    assert "<svg" in (tmp_path / "labels.svg").read_text()


def test_words_of_many_labels_say_what_they_are() -> None:
    """A pipeline can learn them; adjacent entities are distinguished."""
    found: set[Any] = set()
    for example in many_labels.examples(Vocab(), 7, n_docs=30, seed=0):
        entities = {token.i: span.label_ for span in example.reference.ents for token in span}
        words = [token.text.split("x")[0] for token in example.predicted]
        assert words == [entities.get(i, "w") for i in range(many_labels.DOC_TOKENS)]
        found.update(entities.values())
    assert len(found) == 7


def test_every_part_of_a_batch_has_its_share_of_the_time() -> None:
    """Names of functions change, and one that is never called would count as zero time."""
    nlp = make_pipeline("seqrnn_ner", shared=False)
    optimizer = initialize(nlp)
    found = shares.profile(lambda texts: list(nlp.pipe(texts)), lambda: TEXTS, shares.PREDICTION)
    assert min(found.values()) > 0
    step = partial(nlp.update, sgd=optimizer)
    found = shares.profile(step, partial(gold_examples, nlp), shares.TRAINING)
    assert min(found.values()) > 0
