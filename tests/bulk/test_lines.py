"""Files of lines, divided anywhere, have the rows that `csv` and `json` read from them."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spacy_seqrnn.bulk.formats import delimited, json_lines, streams
from spacy_seqrnn.bulk.parts import Reading

from .reading import read_all, texts_of

# What could be mistaken for syntax, and some letters
PIECES = ['"', '""', ",", "\t", "\n", "\r\n", "\r", " ", "a", "é", "\ufeff", "\x00", "\u2028"]
raw_csv = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
ENDS = st.sampled_from(["\n", "\r\n"])
part_sizes = st.integers(1, 60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the examples of a test share."""
    return tmp_path_factory.mktemp("lines")


@pytest.fixture(params=[3, 1 << 22])
def _block(request: pytest.FixtureRequest) -> Iterator[None]:
    """Files are scanned in blocks of any size."""
    with patch.object(streams, "BLOCK", request.param):
        yield


def csv_rows(content: str) -> list[list[str]]:
    """The rows that `csv` reads from a file."""
    return [row for row in csv.reader(io.StringIO(content, newline="")) if row]


@pytest.mark.usefixtures("_block")
@given(body=raw_csv, size=part_sizes, bom=st.booleans())
@example(body='a,b"\n"c,d\n,"\n', size=1, bom=False)
@example(body='"a\r\n""\n",b\r\n\r\nc,d', size=1, bom=True)
@example(body="a,b\r\r\nc,d\r", size=4, bom=False)
def test_any_csv_has_the_rows_that_csv_reads(body: str, size: int, bom: bool, folder: Path) -> None:
    path = folder / "any.csv"
    content = f'text,"i\nd"\n{body}'
    path.write_bytes(content.encode("utf-8-sig" if bom else "utf8"))
    expected = list(enumerate(csv_rows(content)[1:]))
    rows, rejects, planned = read_all(path, Reading(id_column="i\nd", part_bytes=size))
    assert [(number, [text, kept["i\nd"]]) for number, text, kept in rows] == [
        (number, row) for number, row in expected if len(row) == 2
    ]
    assert [each.row for each in rejects] == [n for n, row in expected if len(row) != 2]
    assert planned.rows == len(expected)


@pytest.mark.usefixtures("_block")
@given(
    values=st.lists(st.tuples(st.text(), st.text(alphabet='"\n\r,ab')), min_size=1),
    end=ENDS,
    size=part_sizes,
    last=st.booleans(),
)
def test_csv_that_is_written_is_read(
    values: list[tuple[str, str]], end: str, size: int, last: bool, folder: Path
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
        [("id", "text"), *((str(i), a + b) for i, (a, b) in enumerate(values))]
    )
    path = folder / "written.csv"
    content = text.getvalue()
    path.write_bytes((content if last else content.removesuffix(end)).encode())
    rows, rejects, planned = read_all(path, Reading(id_column="id", part_bytes=size))
    assert not rejects
    assert rows == [(i, a + b, {"id": str(i)}) for i, (a, b) in enumerate(values)]
    # No part could be divided further.
    assert all(part.stop - part.start <= size + 2000 for part in planned.parts)


@given(body=raw_csv.map(str.encode), last=st.booleans())
def test_quotes_around_fields_are_found_as_csv_finds_them(body: bytes, last: bool) -> None:
    ends, is_row = delimited.find_records(body, last, delimiter=",")
    expected = delimited._find_exactly(body, last, ",")
    # Of a chunk with a carriage return at its end, only more may be known.
    n = len(expected[0])
    np.testing.assert_array_equal(ends[:n], expected[0])
    np.testing.assert_array_equal(is_row[:n], expected[1])
    assert len(ends) == n or not last


def test_usual_quotes_are_found_without_csv() -> None:
    body = b'"a\n""b""","",c\nd,"e,\r\n"\r\n'
    with patch.object(delimited, "_find_exactly", side_effect=AssertionError):
        ends, _ = delimited.find_records(body, True, delimiter=",")
    assert ends.tolist() == [body.index(b"d,"), len(body)]


JSON_VALUES = st.dictionaries(
    st.sampled_from(["text", "id", "x"]),
    st.text() | st.integers() | st.none() | st.lists(st.booleans(), max_size=2),
)


@pytest.mark.usefixtures("_block")
@given(
    objects=st.lists(JSON_VALUES | st.sampled_from(["", " ", "\t\r", "  {"])),
    end=ENDS,
    size=part_sizes,
    last=st.booleans(),
    ascii_only=st.booleans(),
    bom=st.booleans(),
)
def test_json_lines_are_read(
    objects: list[Any],
    end: str,
    size: int,
    last: bool,
    ascii_only: bool,
    bom: bool,
    folder: Path,
) -> None:
    objects = [*objects, {"text": "last"}]  # a file without any text is refused
    lines = [
        each if isinstance(each, str) else json.dumps(each, ensure_ascii=ascii_only)
        for each in objects
    ]
    content = end.join(lines) + end * last
    path = folder / "any.jsonl"
    path.write_bytes(content.encode("utf-8-sig" if bom else "utf8"))
    expected = list(
        enumerate(each for each in objects if not isinstance(each, str) or each.strip())
    )
    rows, rejects, _ = read_all(path, Reading(part_bytes=size))
    assert [(number, text) for number, text, _ in rows] == [
        (number, each["text"]) for number, each in expected if "text" in each and each != "  {"
    ]
    assert len(rows) + len(rejects) == len(expected)


@given(body=st.binary(max_size=200).filter(lambda data: data.strip()), size=part_sizes)
def test_any_bytes_have_the_lines_that_python_reads(body: bytes, size: int, folder: Path) -> None:
    path = folder / "any.ndjson"
    path.write_bytes(body)
    content = body.removeprefix(b"\xef\xbb\xbf")
    n_lines = sum(1 for line in content.split(b"\n") if line.strip(b" \t\r\n"))
    rows, rejects, planned = read_all(path, Reading(part_bytes=size))
    assert planned.rows == n_lines == len(rows) + len(rejects)


def test_tabs_delimit_tsv(tmp_path: Path) -> None:
    path = tmp_path / "a.TSV"
    path.write_text('text\tid\na,b\t1\n"c\td"\t2\n', encoding="utf8")
    rows, _, _ = read_all(path, Reading(id_column="id"))
    assert rows == [(0, "a,b", {"id": "1"}), (1, "c\td", {"id": "2"})]


def test_long_fields_are_read_and_the_limit_of_csv_is_kept(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    long = "x" * (limit + 1)
    path = tmp_path / "a.csv"
    path.write_text(f'text,id\n{long},a"b\n', encoding="utf8")  # the quote needs `csv`
    rows, _, _ = read_all(path, Reading())
    assert texts_of(rows) == [long]
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_empty_files_have_no_parts(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    rows, rejects, planned = read_all(tmp_path / name, Reading(id_column="id"))
    assert not rows
    assert not rejects
    assert not planned.parts


def test_a_quote_that_nothing_closes_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\na\n"b\n' + "c\n" * 100, encoding="utf8")
    with (
        patch("spacy_seqrnn.bulk.formats.lines.MOST_RECORD_BYTES", 64),
        patch.object(streams, "BLOCK", 16),
        pytest.raises(ValueError, match=r"Row 1 of '.*a.csv' has more than .* quote"),
    ):
        read_all(path, Reading())


def test_parts_are_as_large_as_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "abc"}\n' * 1000, encoding="utf8")
    _, _, planned = read_all(path, Reading(part_bytes=1600))
    assert [part.stop - part.start for part in planned.parts] == [1600] * 10


def test_a_batch_has_bounded_rows_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "abc"}\n' * 5000, encoding="utf8")
    reading = Reading(types=())
    format = json_lines.JsonLines()
    part = format.plan(str(path), reading, abs).parts[0]
    assert [len(each.texts) for each in format.read(part, reading)] == [2048, 2048, 904]
    with patch("spacy_seqrnn.bulk.formats.common.BATCH_BYTES", 160):
        assert {len(each.texts) for each in format.read(part, reading)} == {10}


def test_a_file_that_becomes_shorter_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "abc"}\n' * 10, encoding="utf8")
    reading = Reading(types=())
    format = json_lines.JsonLines()
    part = format.plan(str(path), reading, abs).parts[0]
    path.write_text('{"text": "abc"}\n', encoding="utf8")
    with pytest.raises(ValueError, match=r"a.jsonl' is shorter than when its parts were planned"):
        list(format.read(part, reading))
