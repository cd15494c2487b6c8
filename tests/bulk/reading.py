"""Inputs as a whole: all parts, one after the other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy_seqrnn.bulk.parts import InputFile, Reading, Reject, find_types, plan, read

Row = tuple[int, Any, dict[str, Any]]


def read_all(path: Path | str, reading: Reading) -> tuple[list[Row], list[Reject], InputFile]:
    """The rows of an input with numbers, texts and kept values; the rejects; and the plan.

    Tests also that the plan makes sense.
    """
    reading = find_types(reading, [str(path)])
    steps: list[int] = []
    planned = plan(str(path), reading, steps.append)
    assert sum(steps) == planned.size
    rows: list[Row] = []
    rejects: list[Reject] = []
    for part in planned.parts:
        found, wrong = _read_part(part, reading)
        numbers = sorted([row[0] for row in found] + [each.row for each in wrong])
        assert numbers == list(range(part.first_row, part.first_row + len(numbers)))
        assert numbers
        rows += found
        rejects += wrong
    assert [part.number for part in planned.parts] == list(range(len(planned.parts)))
    numbers = sorted([row[0] for row in rows] + [each.row for each in rejects])
    assert numbers == list(range(planned.rows))
    return rows, rejects, planned


def _read_part(part: Any, reading: Reading) -> tuple[list[Row], list[Reject]]:
    rows: list[Row] = []
    rejects: list[Reject] = []
    for each in read(part, reading):
        assert each.kept.schema == reading.schema
        kept = each.kept.to_pylist() if reading.kept else [{}] * len(each.numbers)
        rows += zip(each.numbers, each.texts, kept, strict=True)
        rejects += each.rejects
    return rows, rejects


def texts_of(rows: Sequence[Row]) -> list[Any]:
    """The texts alone."""
    return [text for _, text, _ in rows]
