"""The texts and the work of the benchmark of bulk annotation. Nothing here is timed."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import spacy
from spacy.tokens import DocBin

from benchmarks.bulk.capacity import CORES, DOCUMENTS, HOUR, Measured, plan
from benchmarks.bulk.engines import FILES, measure, write_files
from benchmarks.bulk.jobs import OWN
from benchmarks.bulk.memory import row
from benchmarks.bulk.texts import read_texts, write_texts

from ..ner.pipelines import trained

TEXTS = ["Oslo sleeps", "Anna"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    path = tmp_path / "corpus.spacy"
    DocBin(docs=map(nlp, TEXTS)).to_disk(path)
    return path


def test_texts_are_repeated_with_ids_of_their_own(corpus: Path, tmp_path: Path) -> None:
    write_texts(corpus, 101, tmp_path / "texts.parquet")
    assert read_texts(tmp_path / "texts.parquet") == [TEXTS[i % 2] for i in range(101)]
    write_files(corpus, 101, tmp_path / "texts")
    assert 1 < len(list((tmp_path / "texts").iterdir())) <= FILES
    rows = pq.read_table(tmp_path / "texts")
    assert rows["id"].to_pylist() == list(range(101))
    assert rows["text"].to_pylist() == [TEXTS[i % 2] for i in range(101)]


def test_texts_may_have_a_word_of_their_own(corpus: Path, tmp_path: Path) -> None:
    write_texts(corpus, 50, tmp_path / "texts.parquet", new_words=True)
    last = [text.split()[-1] for text in read_texts(tmp_path / "texts.parquet")]
    assert len(set(last)) == 50


@pytest.mark.parametrize("engine", ["one process", OWN])
@pytest.mark.parametrize("rows", [1, 40])
def test_all_rows_are_annotated_after_a_few(
    corpus: Path, tmp_path: Path, rows: int, engine: str
) -> None:
    trained(steps=5).to_disk(tmp_path / "model")
    write_files(corpus, rows, tmp_path / "texts")
    write_files(corpus, 2, tmp_path / "few")
    found = measure(engine, str(tmp_path / "model"), tmp_path)
    assert found.keys() == {"start", "annotate"}
    files = sorted((tmp_path / engine).glob("**/*.parquet"))
    tables = [pq.read_table(path) for path in files]
    assert all({"id", "entities"} <= set(table.column_names) for table in tables)
    assert [i for table in tables for i in table["id"].to_pylist()] == list(range(rows))


def test_a_plan_scales_with_the_workers() -> None:
    measured = Measured(rate=5000, bytes_read=80, bytes_written=20, megabytes=700)
    plans = [plan(measured, workers) for workers in CORES]
    for each in plans:
        assert each.core_hours == pytest.approx(DOCUMENTS / 5000 / HOUR)
        assert each.core_hours <= each.hours * each.workers <= each.core_hours * 1.01
    # Half of a part for each worker of the machine that fails
    first = plans[0]
    seconds = 64e6 / 80 / 5000
    assert first.repeated == pytest.approx(first.failures * 2 * seconds / 2 / 60)


def test_memory_grows_from_its_most_in_the_first_tenth() -> None:
    assert row([(0.0, 10), (0.1, 2000), (0.5, 2100), (1.0, 900)]) == ["2,000", "2,100", "+5.0 %"]
