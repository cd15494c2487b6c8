"""Kept columns have one type in all inputs, or it is reported which do not agree."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spacy_seqrnn.bulk.parts import Reading, find_types

READING = Reading(keep=("v",))


def json_lines(path: Path, *values: Any) -> str:
    """A file with the given values, and one row without."""
    rows = [{"text": "a"}, *({"text": "a", "v": each} for each in values)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return str(path)


def type_of(*inputs: str) -> pa.DataType:
    """The type of the column in all inputs."""
    types = find_types(READING, inputs).types
    assert types is not None
    return types[0]


AGREE = [
    ([1], [2], pa.int64()),
    ([1], [1.5], pa.float64()),
    ([1, 1.5], [None], pa.float64()),
    ([None], [None], pa.null()),
    ([None], [True], pa.bool_()),
    (["a", None], [], pa.string()),
    ([[]], [[1], [1.5]], pa.list_(pa.float64())),
    ([{"a": 1}], [{"b": []}], pa.struct([("a", pa.int64()), ("b", pa.list_(pa.null()))])),
    ([2**63, 1], [1], pa.int64()),
    ([2**53 + 1, 0.5], [1], pa.float64()),
]


@pytest.mark.parametrize(("one", "other", "expected"), AGREE)
def test_json_lines_agree(one: Any, other: Any, expected: pa.DataType, tmp_path: Path) -> None:
    first = json_lines(tmp_path / "a.jsonl", *one)
    second = json_lines(tmp_path / "b.jsonl", *other)
    assert type_of(first, second) == expected
    assert type_of(json_lines(tmp_path / "c.jsonl", *one, *other)) == expected


DISAGREE = [
    ([1], ["a"], "int64", "string"),
    ([True], [1], "bool", "int64"),
    ([[1]], [1], r"list<item: int64>", "int64"),
    ([[1]], [["a"]], r"list<item: int64>", r"list<item: string>"),
    ([{"a": 1}], [{"a": "x"}], r"struct<a: int64>", r"struct<a: string>"),
]


@pytest.mark.parametrize(("one", "other", "first", "second"), DISAGREE)
def test_json_lines_that_disagree(
    one: Any, other: Any, first: str, second: str, tmp_path: Path
) -> None:
    inputs = [json_lines(tmp_path / "a.jsonl", *one), json_lines(tmp_path / "b.jsonl", *other)]
    with pytest.raises(ValueError, match=rf"'v' .*{first} in '.*a\.jsonl', .*{second} in '.*b\.j"):
        type_of(*inputs)
    with pytest.raises(ValueError, match=rf"'v' .*{first} in '.*c\.jsonl', .*{second} in '.*c\.j"):
        type_of(json_lines(tmp_path / "c.jsonl", *one, *other))


def parquet(path: Path, kind: pa.DataType) -> str:
    """A file with a column of a type."""
    pq.write_table(pa.table({"text": ["a"], "v": pa.array([None], kind)}), path)
    return str(path)


def test_types_of_parquet_are_exact(tmp_path: Path) -> None:
    ints = parquet(tmp_path / "a.parquet", pa.int64())
    nulls = parquet(tmp_path / "b.parquet", pa.null())
    assert type_of(nulls, ints) == pa.int64()
    for other in (pa.int32(), pa.float64()):
        with pytest.raises(ValueError, match=r"'v' has .*int64 in '.*a.parquet'.*c.parquet"):
            type_of(nulls, ints, parquet(tmp_path / "c.parquet", other))


def test_types_of_different_formats(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("text,v\na,1\n", encoding="utf8")
    lines = json_lines(tmp_path / "b.jsonl", "x")
    assert type_of(str(table), lines) == pa.string()
    with pytest.raises(ValueError, match=r"'v' has values of type string in '.*a.csv'"):
        type_of(str(table), json_lines(tmp_path / "c.jsonl", 1))


def test_a_field_that_no_line_has(tmp_path: Path) -> None:
    inputs = [json_lines(tmp_path / "a.jsonl"), json_lines(tmp_path / "b.jsonl")]
    with pytest.raises(ValueError, match=r"a.jsonl' has the field 'v', nor have the other inputs"):
        type_of(*inputs)
    (tmp_path / "empty.jsonl").touch()
    assert type_of(str(tmp_path / "empty.jsonl")) == pa.null()


def test_only_the_first_lines_are_read(tmp_path: Path) -> None:
    assert type_of(json_lines(tmp_path / "a.jsonl", *[1] * 999, "x")) == pa.int64()
    with pytest.raises(ValueError, match="'v'"):
        type_of(json_lines(tmp_path / "a.jsonl", *[1] * 998, "x"))


def test_a_file_without_texts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    for content in ("", "no JSON\n", '{"id": 1}\n{"id": 2, "body": null}\n'):  # what may have texts
        path.write_text(content)
        assert find_types(Reading(text_column="body"), [str(path)]).types == ()
    with pytest.raises(
        ValueError, match=r"has the field 'text' for the text: name one of id, body"
    ):
        find_types(Reading(), [str(path)])
