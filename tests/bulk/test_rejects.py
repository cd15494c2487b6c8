"""Rows that cannot be read are reported with their numbers, and the others are read."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from spacy_seqrnn.bulk.parts import Reading

from .reading import read_all, texts_of

GOOD = b'{"text": "good", "id": 1}'
BAD_LINES = {
    b"not JSON": "the line is not JSON: Expecting value",
    b'{"text": "a"': "the line is not JSON",
    b"[" * 100_000: "the line is not JSON",
    b'{"text": %s}' % (b"1" * 5000): "the line is not JSON",
    b'["text"]': "the line is not an object of JSON, but a value of type list",
    b"null": "the line is not an object of JSON, but a value of type NoneType",
    b'{"text": "\xff"}': "the line is not UTF-8",
    b"{}": "the line has no field 'text'",
    b'{"text": "a", "id": "x"}': "the column 'id' has the value 'x' of type str, which does not "
    "fit its type int64",
    b'{"text": "a", "id": 1.5}': "of type float, which does not fit its type int64",
    b'{"text": "a", "id": true}': "of type bool, which does not fit its type int64",
    b'{"text": "a", "id": 9223372036854775808}': "of type int, which does not fit its type int64",
}


@pytest.mark.parametrize(("line", "reason"), list(BAD_LINES.items()))
@pytest.mark.parametrize("size", [1, 10_000_000])
def test_json_lines(line: bytes, reason: str, size: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([GOOD] * 1000 + [b"", line, GOOD, line]))
    rows, rejects, _ = read_all(path, Reading(id_column="id", part_bytes=size))
    assert [number for number, _, _ in rows] == [*range(1000), 1001]
    assert [each.row for each in rejects] == [1000, 1002]
    assert all(reason in each.reason for each in rejects)


def test_rejects_of_json_lines_have_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 7}\n{"id": 8, "text": null}\n[]\n', encoding="utf8")
    rows, rejects, _ = read_all(path, Reading(id_column="id"))
    assert [(each.row, each.id) for each in rejects] == [(0, 7), (2, None)]
    assert rows == [(1, None, {"id": 8})]


def test_values_that_are_no_texts_are_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    values = [None, 1, ["a"], "a", "\ud800"]
    path.write_text("".join(json.dumps({"text": each}) + "\n" for each in values), "utf8")
    assert texts_of(read_all(path, Reading())[0]) == values


LATER = [
    (1.5, 2, 2.0),
    (1.5, 2**53 + 1, None),
    ("a", "\ud800", None),
    ("a", 1, None),
    ([1], [1, None, 2], [1, None, 2]),
    ([1], [1, "a"], None),
    ([1], 1, None),
    ({"a": 1}, {}, {"a": None}),
    ({"a": 1}, {"a": None}, {"a": None}),
    ({"a": 1}, {"b": 1}, None),
    ({"a": 1}, {"a": "x"}, None),
    (None, None, None),
    (None, 1, None),
]


@pytest.mark.parametrize(("first", "later", "expected"), LATER)
def test_later_values_fit_the_type_or_are_rejected(
    first: Any, later: Any, expected: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    values = [first] * 1000 + [later]
    path.write_text("".join(json.dumps({"text": "a", "v": each}) + "\n" for each in values), "utf8")
    rows, rejects, _ = read_all(path, Reading(keep=("v",)))
    if expected is None and later is not None:
        assert [each.row for each in rejects] == [1000]
        assert "the column 'v' has the value" in rejects[0].reason
    else:
        assert not rejects
        assert rows[1000] == (1000, "a", {"v": expected})


@pytest.mark.parametrize("size", [1, 10_000_000])
def test_csv(size: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows_of_file = [
        b"0,a,x",
        b"1,b",
        b"2,c,x,x",
        b"3,\xff,x",
        b"4,d,\xff",
        b"\xff,e,x",
        b"",
        b"7,f,",
    ]
    path.write_bytes(b"\r\n".join([b"id,text,other", *rows_of_file]))
    rows, rejects, _ = read_all(path, Reading(id_column="id", part_bytes=size))
    # What is not UTF-8 in a column that is not read does not matter.
    assert rows == [
        (0, "a", {"id": "0"}),
        (3, b"\xff", {"id": "3"}),
        (4, "d", {"id": "4"}),
        (6, "f", {"id": "7"}),
    ]
    assert [tuple(each) for each in rejects] == [
        (1, "the row has 2 fields, and the header has 3", None),
        (2, "the row has 4 fields, and the header has 3", None),
        (5, "the column 'id' is not UTF-8", None),
    ]


def test_csv_without_a_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;text\n1;a\n", encoding="utf8")
    with pytest.raises(ValueError, match=r"a.csv' has no column 'text': name one of id;text\."):
        read_all(path, Reading())
    path.write_text("text,id,id\n1,a,b\n", encoding="utf8")
    with pytest.raises(ValueError, match=r"a.csv' has more than one column 'id'"):
        read_all(path, Reading(id_column="id"))


def test_types_of_the_kept_columns_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="call `find_types` first"):
        _ = Reading(keep=("a",)).schema
    assert Reading(keep=("a",), types=(pa.int8(),)).schema == pa.schema([("a", pa.int8())])
