"""Parquet, divided anywhere, has the rows that Arrow reads from it."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_seqrnn.bulk.formats import parquet
from spacy_seqrnn.bulk.parts import Reading, find_types, plan, read

from .reading import read_all, texts_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the examples of a test share."""
    return tmp_path_factory.mktemp("parquet")


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | st.text(max_size=30),
            "id": st.integers(0, 99),
            "tree.x": st.lists(st.fixed_dictionaries({"a": st.booleans()}), max_size=2),
            "unread": st.text(max_size=5),
        }
    ),
    max_size=40,
)
SCHEMA = pa.schema(
    [
        ("unread", pa.string()),
        ("tree.x", pa.list_(pa.struct([("a", pa.bool_())]))),
        ("text", pa.string()),
        ("id", pa.int32()),
    ]
)


@given(rows=ROWS, group=st.integers(1, 20), size=st.integers(1, 500), batch=st.integers(1, 9))
def test_any_groups_and_parts(
    rows: list[dict[str, Any]], group: int, size: int, batch: int, folder: Path
) -> None:
    path = folder / "any.parquet"
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path, row_group_size=group)
    reading = Reading(id_column="id", keep=("tree.x",), part_bytes=size)
    with patch.object(parquet, "BATCH_ROWS", batch):
        found, rejects, planned = read_all(path, reading)
    assert not rejects
    assert planned.rows == len(rows)
    assert found == [
        (number, row["text"], {"id": row["id"], "tree.x": row["tree.x"]})
        for number, row in enumerate(rows)
    ]


def write(path: Path, **columns: Any) -> Path:
    """A file with given columns."""
    pq.write_table(pa.table(columns), path, row_group_size=10)
    return path


def test_small_groups_are_joined_and_large_ones_divided(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", text=[f"{i:100}" for i in range(100)])
    size = pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size

    def stops(part_bytes: int) -> list[int]:
        return [each.stop for each in plan(str(path), Reading(part_bytes=part_bytes), abs).parts]

    assert stops(3 * size) == [30, 60, 90, 100]
    assert stops(size // 2 + 1) == list(range(5, 101, 5))
    assert stops(100 * size) == [100]


def test_only_columns_that_are_read_count(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", big=["x" * i for i in range(1000)], text=["a"] * 1000)
    assert len(plan(str(path), Reading(part_bytes=10_000), abs).parts) == 1
    assert len(plan(str(path), Reading(part_bytes=10_000, keep=("big",)), abs).parts) > 10


def test_long_texts_are_read_in_smaller_batches(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", text=[f"{i:1000}" for i in range(100)])
    reading = find_types(Reading(), [str(path)])
    (part,) = plan(str(path), reading, abs).parts
    with patch.object(parquet, "BATCH_BYTES", 5000):
        assert max(len(each.texts) for each in read(part, reading)) < 10


def test_kinds_of_texts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet",
        words=pa.array(["a", None, "a"]).dictionary_encode(),
        data=pa.array([b"\xc3\xa9", b"\xff", None]),
    )
    assert texts_of(read_all(path, Reading(text_column="words"))[0]) == ["a", None, "a"]
    assert texts_of(read_all(path, Reading(text_column="data"))[0]) == ["é", b"\xff", None]


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (Reading(text_column="body"), r"a.parquet': .* no column 'body': name one of text, n\."),
        (Reading(text_column="n"), "a.parquet': The column 'n' has values of type int64"),
        (Reading(id_column="key"), "a.parquet': The input has no column 'key'"),
    ],
)
def test_wrong_columns(reading: Reading, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", text=["a"], n=[1])
    with pytest.raises(ValueError, match=message):
        read_all(path, reading)


def test_a_file_that_is_not_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", text=["a"])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"a.parquet' is not a whole file of Parquet"):
        plan(str(path), Reading(), abs)
