"""JSON lines: an object on each line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

import numpy as np
import pyarrow as pa

from .common import InputFile, Part, Progress, Reading, Reject, Rows, take
from .kept import infer_type, misfit
from .lines import BOM, plan_lines
from .streams import open_part, open_whole

FIRST_ROWS = 1000  # those that the types of kept columns are inferred from
_WHITE = b" \t\r\n"
_IS_WHITE = np.isin(np.arange(256), list(_WHITE))


@dataclass(frozen=True)
class JsonLines:
    """Files of JSON lines, which may be compressed. Lines of white space are no rows."""

    def types(self, path: str, reading: Reading) -> dict[str, pa.DataType] | None:
        """The types of the kept fields in the first rows; see `Format.types`.

        Raises ValueError if none of these rows has the field of texts.
        """
        with open_whole(path) as stream:
            lines = islice(_lines(stream), FIRST_ROWS)
            objects = [_parse(line.removeprefix(BOM))[0] for line in lines]
        found = [each for each in objects if each is not None]
        _check_texts(path, found, reading.text_column)
        names = [name for name in reading.kept if any(name in each for each in found)]
        types = {name: infer_type(name, path, [each.get(name) for each in found]) for name in names}
        return types if objects else None

    def plan(self, path: str, reading: Reading, progress: Progress) -> InputFile:
        """Divide a file into parts; see `parts.plan`."""
        return plan_lines(path, reading.part_bytes, progress, find_records, header=False)

    def read(self, part: Part, reading: Reading) -> Iterator[Rows]:
        """The rows of a part; see `parts.read`."""
        with open_part(part) as stream:
            lines = enumerate(_lines(stream), part.first_row)
            while batch := take(lines, _size):
                yield _read_batch(batch, reading)


def _check_texts(path: str, objects: list[dict[str, Any]], name: str) -> None:
    if objects and not any(name in each for each in objects):
        fields = dict.fromkeys(field for each in objects for field in each)
        raise ValueError(
            f"None of the first {FIRST_ROWS:,} lines of '{path}' has the field '{name}' for the "
            f"text: name one of {', '.join(fields) or 'none'}."
        )


def find_records(chunk: bytes, last: bool) -> tuple[np.ndarray, np.ndarray]:
    """The lines of a chunk; see `Records`."""
    data = np.frombuffer(chunk, "uint8")
    ends = np.flatnonzero(data == ord("\n")) + 1
    if last and chunk and not chunk.endswith(b"\n"):
        ends = np.append(ends, len(chunk))
    starts = np.append(0, ends)[:-1]
    is_row = np.ones(len(ends), bool)
    for line in np.flatnonzero(_IS_WHITE[data[starts]]).tolist():
        is_row[line] = bool(chunk[starts[line] : ends[line]].strip(_WHITE))
    return ends, is_row


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines that are rows."""
    return (line for line in stream if line.strip(_WHITE))


def _size(row: tuple[int, bytes]) -> int:
    return len(row[1])


def _read_batch(batch: list[tuple[int, bytes]], reading: Reading) -> Rows:
    schema = reading.schema
    numbers: list[int] = []
    objects: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for number, line in batch:
        found, reason = _parse(line)
        reason = reason or _problem(found, reading.text_column, schema)
        if found is None or reason:
            name = reading.id_column
            rejects.append(Reject(number, reason, found.get(name) if found and name else None))
        else:
            numbers.append(number)
            objects.append(found)
    arrays = [pa.array([each.get(f.name) for each in objects], f.type) for f in schema]
    kept = pa.RecordBatch.from_arrays(arrays, schema=schema)
    return Rows(numbers, [each[reading.text_column] for each in objects], kept, rejects)


def _parse(line: bytes) -> tuple[dict[str, Any] | None, str]:
    """The object of a line, or why it has none."""
    try:
        found = json.loads(line.decode())
    except UnicodeDecodeError:
        return None, "the line is not UTF-8"
    except (ValueError, RecursionError) as error:
        return None, f"the line is not JSON: {error}"
    if not isinstance(found, dict):
        return (
            None,
            f"the line is not an object of JSON, but a value of type {type(found).__name__}",
        )
    return found, ""


def _problem(found: dict[str, Any] | None, text_column: str, schema: pa.Schema) -> str:
    """Why a row cannot be read; "" if it can be."""
    if found is None:
        return ""
    if text_column not in found:
        return f"the line has no field '{text_column}'"
    problems = (misfit(each.name, found.get(each.name), each.type) for each in schema)
    return next(filter(None, problems), "")
