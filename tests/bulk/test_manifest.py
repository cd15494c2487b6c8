"""The account of a run: what is written, what survives, and what may not change."""

from pathlib import Path
from typing import Any

import pytest

from spacy_seqrnn.bulk.manifest import FILE, create, reopen

INPUTS: list[dict[str, Any]] = [
    {"path": "a.jsonl", "sha256": "1", "parts": [{"number": 0}]},
    {"path": "b.jsonl", "sha256": "2", "parts": []},
]
PLAN: dict[str, Any] = {
    "version": "1",
    "model": "here",
    "model_sha256": "f00",
    "columns": ("entities", "cats"),
    "part_mb": 4.0,
    "inputs": INPUTS,
}


def record(name: str, *rejects: str, rows: int = 3) -> dict[str, Any]:
    rejected = [{"file": name, "row": i, "reason": reason} for i, reason in enumerate(rejects)]
    return {"output": name, "size": 10, "rows": rows, "rejects": rejected}


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    manifest = create(tmp_path, PLAN)
    manifest.add(record("b", "späť", "null"))
    manifest.add(record("c"))
    manifest.add(record("a", "x", rows=0))
    again = reopen(tmp_path, PLAN)
    assert again.done == manifest.done
    assert again.rejected == manifest.rejected == 3
    assert [(done.rows, done.rejected) for done in again.done.values()] == [(3, 2), (3, 0), (0, 1)]
    expected = [("a", "x"), ("b", "späť"), ("b", "null")]
    for each in (manifest, again):
        assert [(found["file"], found["reason"]) for found in each.rejects()] == expected


def test_a_part_that_is_done_twice_counts_once(tmp_path: Path) -> None:
    manifest = create(tmp_path, PLAN)
    manifest.add(record("a", "x"))
    manifest.add(record("a", "y"))
    for each in (manifest, reopen(tmp_path, PLAN)):
        assert [found["reason"] for found in each.rejects()] == ["y"]
        assert each.rejected == 1


def test_any_cut_leaves_the_whole_lines_before_it(tmp_path: Path) -> None:
    manifest = create(tmp_path, PLAN)
    first = (tmp_path / FILE).stat().st_size
    names = ["a", "b", "c"]
    ends = []
    for name in names:
        manifest.add(record(name, "ü"))
        ends.append((tmp_path / FILE).stat().st_size)
    whole = (tmp_path / FILE).read_bytes()
    for size in range(first, len(whole) + 1):
        (tmp_path / FILE).write_bytes(whole[:size])
        again = reopen(tmp_path, PLAN)
        assert list(again.done) == [
            name for name, end in zip(names, ends, strict=True) if end <= size
        ]
        again.add(record("d"))
        assert list(reopen(tmp_path, PLAN).done) == list(again.done)


def test_a_model_may_move(tmp_path: Path) -> None:
    create(tmp_path, PLAN)
    reopen(tmp_path, {**PLAN, "model": "there"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_sha256": "bad", "model": "new"}, "the pipeline 'new' is not the one that it"),
        ({"part_mb": 8.0}, "`part_mb` was 4.0 and is 8.0 now"),
        ({"inputs": INPUTS[:1]}, "its inputs were a.jsonl, b.jsonl"),
        ({"inputs": [INPUTS[0], {**INPUTS[1], "sha256": "3"}]}, "the input 'b.jsonl' has changed"),
        ({"kept": ("id",)}, "`kept` was None and is"),
    ],
)
def test_another_plan(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    create(tmp_path, PLAN).add(record("a"))
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(ValueError, match="cannot go on") as error:
        reopen(tmp_path, {**PLAN, **change})
    assert said in str(error.value)
    assert (tmp_path / FILE).read_bytes() == before
