"""A part becomes a file with what `nlp.pipe` predicts, in each format."""

import json
import os
import pickle
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_seqrnn.bulk import outputs, pipelines
from spacy_seqrnn.bulk.annotator import Annotator, annotator
from spacy_seqrnn.bulk.columns import find_columns
from spacy_seqrnn.bulk.parts import Part, Reading, find_types, name_part, plan
from spacy_seqrnn.bulk.work import Job, Report, annotate_part
from spacy_seqrnn.saved.one_file import partial_file

from .conftest import FAIL

NO_JSON = object()
TEXTS: list[Any] = [
    *("Mira Holt left Oslo. She is glad.", FAIL, "", "Oslo ☃", None, 3, "x" * 200, "\ud800"),
    NO_JSON,
    *(f"Text {i} of Mira Holt in Oslo." for i in range(30)),
]
REASONS = {
    1: "the pipeline failed: RuntimeError: cannot annotate",
    4: "the text is missing (null)",
    5: "the text is no text but a value of type int",
    6: "the text has 200 characters, more than the 100",
    7: "the text has half of a surrogate pair",
    8: "the line is not JSON",
}
GOOD = [row for row in range(len(TEXTS)) if row not in REASONS]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """JSON lines of the texts."""
    rows = [
        "no JSON" if text is NO_JSON else json.dumps({"text": text, "id": f"n{row}"})
        for row, text in enumerate(TEXTS)
    ]
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(rows), encoding="utf8")
    return path


@pytest.fixture(autouse=True)
def _short(fallible: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline reads short texts only, a few at a time."""
    monkeypatch.setattr(pipelines.load_once(fallible, -1).nlp, "max_length", 100)
    monkeypatch.setattr(pipelines, "SLICE_TEXTS", 7)


def run(job: Job, path: Path, folder: Path) -> tuple[list[Path], list[Report]]:
    """Annotate all parts of an input."""
    job = replace(job, reading=find_types(job.reading, [str(path)]))
    job.check()
    job = pickle.loads(pickle.dumps(job))
    parts = plan(str(path), job.reading, abs).parts
    names = [name_part("a/b", part.number, len(parts), f".{job.format}") for part in parts]
    targets = [folder / name for name in names]
    reports = [annotate_part(job, *each) for each in zip(parts, targets, strict=True)]
    assert all(not path.name.startswith(".") for path in (folder / "a").iterdir())
    return targets, reports


def predicted(fallible: str) -> list[Doc]:
    """What the pipeline predicts for the texts that it can annotate."""
    return list(spacy.load(fallible).pipe(TEXTS[row] for row in GOOD))


def expected(fallible: str, columns: Sequence[str]) -> pa.Table:
    """The IDs of these texts, and columns of what the pipeline predicts."""
    docs = predicted(fallible)
    arrays = {column.name: column.read(docs) for column in find_columns(columns)}
    return pa.table({"id": [f"n{row}" for row in GOOD], **arrays})


@pytest.mark.parametrize("part_bytes", [300, 1_000_000])
def test_parquet(
    part_bytes: int, lines: Path, fallible: str, rule_annotator: Annotator, tmp_path: Path
) -> None:
    reading = Reading(id_column="id", part_bytes=part_bytes)
    job = Job(annotator=rule_annotator, reading=reading, format="parquet")
    targets, _ = run(job, lines, tmp_path)
    assert len(targets) == 1 or part_bytes == 300
    tables = [pq.read_table(path) for path in targets]
    assert pa.concat_tables(tables).equals(expected(fallible, rule_annotator.columns))
    assert {table.schema.field("id").type for table in tables} == {pa.string()}
    file = pq.ParquetFile(targets[-1])
    assert file.metadata.num_row_groups == 1
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("part_bytes", [300, 1_000_000])
def test_json_lines(
    part_bytes: int, lines: Path, fallible: str, rule_annotator: Annotator, tmp_path: Path
) -> None:
    reading = Reading(id_column="id", part_bytes=part_bytes)
    job = Job(annotator=rule_annotator, reading=reading, format="jsonl")
    content = "".join(path.read_text("utf8") for path in run(job, lines, tmp_path)[0])
    rows = [json.loads(line) for line in content.split("\n")[:-1]]
    table = expected(fallible, rule_annotator.columns)
    assert rows == table.to_pylist(maps_as_pydicts="strict")
    assert rows[0]["cats"] == {"LONG": 1.0, "SHÖRT": pytest.approx(1 / 10)}
    assert '"SHÖRT"' in content


@pytest.mark.parametrize("part_bytes", [300, 1_000_000])
def test_spacy(
    part_bytes: int, lines: Path, fallible: str, rule_annotator: Annotator, tmp_path: Path
) -> None:
    reading = Reading(part_bytes=part_bytes)
    job = Job(annotator=rule_annotator, reading=reading, format="spacy")
    vocab = spacy.blank("en").vocab
    targets, _ = run(job, lines, tmp_path)
    docs = [doc for path in targets for doc in DocBin().from_disk(path).get_docs(vocab)]
    assert [doc.to_json() for doc in docs] == [doc.to_json() for doc in predicted(fallible)]


@pytest.mark.parametrize("format", list(outputs.OUTPUTS))
def test_every_row_is_in_the_output_or_reported(
    format: str, lines: Path, rule_annotator: Annotator, tmp_path: Path
) -> None:
    job = Job(annotator=rule_annotator, reading=Reading(part_bytes=300), format=format)
    _, reports = run(job, lines, tmp_path)
    rejects = [each for report in reports for each in report.rejects]
    assert [each["row"] for each in rejects] == list(REASONS)
    assert all(each["file"] == str(lines) and "id" not in each for each in rejects)
    for each in rejects:
        assert each["reason"].startswith(REASONS[each["row"]])
    assert sum(report.rows for report in reports) == len(GOOD)
    assert sum(report.characters for report in reports) == sum(
        len(text) for text in TEXTS if isinstance(text, str)
    )
    assert json.loads(json.dumps([asdict(report) for report in reports]))


def test_rejects_have_ids(lines: Path, rule_annotator: Annotator, tmp_path: Path) -> None:
    job = Job(annotator=rule_annotator, reading=Reading(id_column="id"))
    _, (report,) = run(job, lines, tmp_path)
    assert [each["id"] for each in report.rejects] == ["n1", "n4", "n5", "n6", "n7", None]


KEPT = {
    "when": pa.array([1, 2], pa.int64()).cast(pa.timestamp("ns")),
    "day": pa.array([date(2020, 1, 2), None]),
    "time": pa.array([datetime(2020, 1, 2, 3), None]),
    "price": pa.array([Decimal("1.20"), None]),
    "ratio": pa.array([float("nan"), 0.5]),
    "tree": pa.array([[{"a": float("inf")}], []]),
    "kind": pa.array(["é", "é"]).dictionary_encode(),
}
KEPT_JSON: list[dict[str, Any]] = [
    {
        "when": "1970-01-01 00:00:00.000000001",
        "day": "2020-01-02",
        "time": "2020-01-02 03:00:00.000000",
        "price": "1.20",
        "ratio": None,
        "tree": [{"a": None}],
        "kind": "é",
    },
    {
        **{"when": "1970-01-01 00:00:00.000000002", "day": None, "time": None, "price": None},
        **{"ratio": 0.5, "tree": [], "kind": "é"},
    },
]


def test_kept_columns_of_any_type(fallible: str, tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], **KEPT}), path)
    job = Job(annotator=annotator(fallible, columns=["cats"]), reading=Reading(keep=tuple(KEPT)))
    (target,), _ = run(job, path, tmp_path)
    table = pq.read_table(target)
    for name, values in KEPT.items():
        assert table[name].combine_chunks().cast(values.type).to_string() == values.to_string()
    (target,), _ = run(replace(job, format="jsonl"), path, tmp_path)
    content = target.read_text("utf8")
    assert "NaN" not in content
    for line, expected_row in zip(content.splitlines(), KEPT_JSON, strict=True):
        row = json.loads(line)
        assert row.pop("cats")
        assert row == expected_row


@pytest.mark.parametrize(
    ("ids", "expected_ids"),
    [
        (pa.array([1, 2], pa.int64()).cast(pa.timestamp("ns")), "1970-01-01 00:00:00.000000002"),
        (pa.array([1, 2]), 2),
        (pa.array([b"a", b"b"]), "b'b'"),
    ],
)
def test_ids_of_any_type_are_reported(
    ids: pa.Array, expected_ids: Any, rule_annotator: Annotator, tmp_path: Path
) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": ["a", None], "key": ids}), path)
    _, (report,) = run(
        Job(annotator=rule_annotator, reading=Reading(id_column="key")), path, tmp_path
    )
    assert [each["id"] for each in report.rejects] == [expected_ids]


@pytest.mark.parametrize(
    ("kept", "format", "message"),
    [
        ({"n": pa.int8()}, "spacy", r"A \.spacy file has no columns to keep 'n' in"),
        ({"n": pa.int8()}, "xml", r"'xml' is not a format .* choose parquet, jsonl, spacy"),
        ({"n": pa.binary()}, "jsonl", "JSON cannot store the column 'n', whose type is binary"),
        ({"n": pa.map_(pa.int8(), pa.int8())}, "jsonl", "JSON cannot store the column 'n'"),
        ({"n": pa.struct([])}, "parquet", "Parquet cannot store the kept columns"),
        ({"cats": pa.string()}, "parquet", "would have two columns 'cats'"),
        ({"cats": pa.string()}, "jsonl", "would have two columns 'cats'"),
    ],
)
def test_what_a_format_cannot_store_is_known_before(
    kept: dict[str, pa.DataType], format: str, message: str, rule_annotator: Annotator
) -> None:
    reading = Reading(keep=tuple(kept), types=tuple(kept.values()))
    with pytest.raises(ValueError, match=message):
        Job(annotator=rule_annotator, reading=reading, format=format).check()


@pytest.mark.parametrize("format", list(outputs.OUTPUTS))
def test_documents(format: str, rule_annotator: Annotator, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("Mira Holt", encoding="utf8")
    (tmp_path / "in" / "b.txt").write_bytes(b"\xff")
    job = Job(annotator=rule_annotator, reading=Reading(), format=format)
    (target,), (report,) = run(job, tmp_path / "in", tmp_path)
    assert [(each["id"], each["reason"]) for each in report.rejects] == [
        ("b.txt", "the text is not UTF-8")
    ]
    if format == "parquet":
        assert pq.read_table(target)["file"].to_pylist() == ["a.txt"]
    if format == "spacy":
        with pytest.raises(ValueError, match="no columns to keep 'file'"):
            run(replace(job, reading=Reading(id_column="file")), tmp_path / "in", tmp_path)


def test_spacy_files(rule_annotator: Annotator, fallible: str, tmp_path: Path) -> None:
    nlp = spacy.load(fallible)
    docs = [Doc(nlp.vocab, words=["Mira", "Holt's"], spaces=[False, True]), nlp("Oslo")]
    path = tmp_path / "in.spacy"
    DocBin(docs=docs).to_disk(path)
    strings = pipelines.load_once(rule_annotator.model, -1).nlp.vocab.strings
    job = Job(annotator=rule_annotator, reading=Reading())
    with patch.object(pipelines, "MOST_WORDS", 0):  # what the pipeline itself adds is dropped
        (target,), report = run(job, path, tmp_path)
    assert "Holt's" not in strings
    assert report == [Report(rows=2, characters=len("MiraHolt's Oslo"))]
    tokens = pq.read_table(target)["sentences"].to_pylist()
    assert tokens == [[{"start": 0, "end": 10}], [{"start": 0, "end": 4}]]


def test_an_output_without_rows_has_all_columns(rule_annotator: Annotator, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": null, "id": 1}\n', encoding="utf8")
    job = Job(annotator=rule_annotator, reading=Reading(id_column="id"))
    (target,), _ = run(job, path, tmp_path)
    assert pq.read_table(target).schema.names == ["id", *rule_annotator.columns]
    assert len(pq.read_table(target)) == 0
    (target,), _ = run(replace(job, format="jsonl"), path, tmp_path)
    assert target.read_bytes() == b""


def test_groups_of_rows_are_bounded(lines: Path, rule_annotator: Annotator, tmp_path: Path) -> None:
    job = Job(annotator=rule_annotator, reading=Reading())
    with patch.object(outputs, "GROUP_BYTES", 1):
        (target,), _ = run(job, lines, tmp_path)
    assert pq.ParquetFile(target).metadata.num_row_groups == -(-len(TEXTS) // 7)


def fail(*_: Any) -> None:
    """Fail as a full disk does."""
    raise OSError(28, "No space left on device")


FAILURES = [
    *((format, os, name) for format in outputs.OUTPUTS for name in ("fsync", "replace")),
    ("parquet", outputs, "_batch"),
    ("jsonl", outputs, "_batch"),
    ("spacy", outputs.DocBinOutput, "write"),
]


@pytest.mark.parametrize(("format", "holder", "name"), FAILURES)
def test_nothing_is_left_of_a_file_that_fails(
    holder: Any, name: str, format: str, lines: Path, rule_annotator: Annotator, tmp_path: Path
) -> None:
    reading = find_types(Reading(), [str(lines)])
    job = Job(annotator=rule_annotator, reading=reading, format=format)
    (part,) = plan(str(lines), reading, abs).parts
    target = tmp_path / "out" / "a"
    with patch.object(holder, name, fail), pytest.raises(OSError, match="No space left"):
        annotate_part(job, part, target)
    assert not list(target.parent.iterdir())
    target.write_text("older", encoding="utf8")
    with patch.object(holder, name, fail), pytest.raises(OSError, match="No space left"):
        annotate_part(job, part, target)
    assert target.read_text("utf8") == "older"
    annotate_part(job, part, target)
    assert target.read_bytes() != b"older"
    assert list(target.parent.iterdir()) == [target]


def test_a_killed_process_leaves_another_name(
    lines: Path, rule_annotator: Annotator, tmp_path: Path
) -> None:
    reading = find_types(Reading(), [str(lines)])
    (part,) = plan(str(lines), reading, abs).parts
    target = tmp_path / "out" / "a.parquet"
    target.parent.mkdir()
    partial_file(target).write_text("half", encoding="utf8")
    assert partial_file(target).name == ".a.parquet.part"
    annotate_part(Job(annotator=rule_annotator, reading=reading), part, target)
    assert list(target.parent.iterdir()) == [target]


def test_an_input_that_has_gone_leaves_nothing(rule_annotator: Annotator, tmp_path: Path) -> None:
    job = Job(annotator=rule_annotator, reading=Reading(types=()))
    with pytest.raises(ValueError, match=r"gone.jsonl' cannot be opened"):
        annotate_part(job, Part("gone.jsonl", 0, 0, 0, 9), tmp_path / "out" / "a.parquet")
    assert not list((tmp_path / "out").iterdir())
