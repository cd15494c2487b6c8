"""The benchmark of text classifiers: how results are compared, and corpora that are made."""

import gzip
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy

from benchmarks.texts.sources import entity_types, genres, translations
from benchmarks.texts.table import at_equal_time, at_the_end, mean_ranks, worst
from benchmarks.texts.training import accuracy, macro_f1

RESULT: dict[str, Any] = {
    "checkpoints": [
        {"seconds": 1.0, "dev": 50.0, "test": 40.0},
        {"seconds": 5.0, "dev": 60.0, "test": 39.0},
    ]
}


def test_development_scores_choose_within_the_time() -> None:
    assert at_equal_time(RESULT, 0.5) is None
    assert at_equal_time(RESULT, 4.9) == 40.0
    assert at_equal_time(RESULT, 5.0) == at_the_end(RESULT, 0.0) == 39.0


def test_sums_of_the_table() -> None:
    scores = [[90.0, 80.0, 70.0, 60.0, 85.0], [50.0, 40.0, 45.0, 30.0, 20.0]]
    assert mean_ranks(scores)[1:] == ["1.0", "3.0", "3.0", "4.5", "3.5"]
    assert worst(scores)[1:] == ["+5.0", "-5.0", "-15.0", "-25.0", "-25.0"]


def test_metrics() -> None:
    truth = np.asarray([[1, 0], [1, 0], [0, 1]])
    assert accuracy(np.asarray([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]), truth) == pytest.approx(
        200 / 3
    )
    chosen = np.asarray([[True, True], [False, False], [False, True]])
    assert macro_f1(chosen, truth) == pytest.approx(100 * 2 / 3)


def test_entity_types_and_genres_and_sources(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    folder = tmp_path / "ner"
    folder.mkdir()
    sentences = ["-DOCSTART- O", "Mira B-PER\nlikes O\nOslo B-LOC\n. O", "It O\nrains O"]
    rows = "\n\n".join([*sentences, "So O\nit O\nis O\n. O"])
    (folder / "a.txt").write_text(rows, encoding="utf8")
    types = entity_types(dict.fromkeys(("train", "dev", "test"), "a.txt"), "ner")(nlp, tmp_path)
    assert [doc.cats for doc in types["dev"]] == [
        {"LOC": 1.0, "PER": 1.0},
        {"LOC": 0.0, "PER": 0.0},
    ]
    (tmp_path / "ud").mkdir()
    for name in ("train.rebuilt", "dev", "test"):
        with lzma.open(tmp_path / "ud" / f"en_ewt-ud-{name}.conllu.xz", "wt") as file:
            file.write("# sent_id = email-7\n# text = See you at noon.\n1\tSee\n")
    (doc,) = genres(nlp, tmp_path)["test"]
    assert [label for label, value in doc.cats.items() if value] == ["email"]
    (tmp_path / "multi30k").mkdir()
    for name in ("2016_flickr", "2017_flickr", "2017_mscoco", "2018_flickr"):
        with gzip.open(tmp_path / "multi30k" / f"test_{name}.de.gz", "wt") as file:
            file.write("Ein Hund läuft schnell.\n" * 300)
    parts = {part: list(docs) for part, docs in translations("de")(nlp, tmp_path).items()}
    assert {part: len(docs) for part, docs in parts.items()} == {
        "train": 200,
        "dev": 500,
        "test": 500,
    }
