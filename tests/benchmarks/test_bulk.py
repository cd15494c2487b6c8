"""The input and the work of the benchmark of engines. Nothing here is timed."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import spacy
from spacy.tokens import DocBin

from benchmarks.bulk.engines import FILES, measure, read_texts, write_texts

from ..ner.pipelines import trained


def test_texts_are_repeated_with_ids_of_their_own(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    DocBin(docs=[nlp("Oslo sleeps"), nlp("Anna")]).to_disk(tmp_path / "corpus.spacy")
    texts = read_texts(tmp_path / "corpus.spacy")
    assert texts == ["Oslo sleeps", "Anna"]
    write_texts(texts, 101, tmp_path / "texts")
    assert len(list((tmp_path / "texts").iterdir())) <= FILES
    rows = pq.read_table(tmp_path / "texts")
    assert rows["id"].to_pylist() == list(range(101))
    assert rows["text"].to_pylist() == [texts[i % 2] for i in range(101)]


@pytest.mark.parametrize("rows", [1, 40])
def test_all_rows_are_annotated_after_a_few(tmp_path: Path, rows: int) -> None:
    trained(steps=5).to_disk(tmp_path / "model")
    write_texts(["Oslo sleeps", "Anna"], rows, tmp_path / "texts")
    write_texts(["Oslo"], 2, tmp_path / "few")
    found = measure("one process", str(tmp_path / "model"), tmp_path)
    assert found.keys() == {"start", "annotate"}
    annotated = pq.read_table(tmp_path / "one process")
    assert {"id", "entities", "error"} <= set(annotated.column_names)
    assert annotated["id"].to_pylist() == list(range(rows))
