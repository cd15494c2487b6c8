"""What a run of annotation has planned and finished, in a file that survives a kill.

The first line is the plan, and each further line a finished part. A line that was cut off belongs
to a part that is annotated again: its output is replaced by the same output.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..saved.one_file import replace_file

FILE = "manifest.jsonl"
# What may be another in the same run: folders move, and checksums say whether they are the same
MAY_CHANGE = {"model"}

Plan = dict[str, Any]  # as JSON
Record = dict[str, Any]  # of a finished part: its output's name and size, rows and rejects


@dataclass(frozen=True)
class Done:
    """What memory keeps of a finished part.

    size: of its output, in bytes.
    rows: with annotation.
    rejected: rows without.
    place: of its line in the file, in bytes.
    """

    size: int
    rows: int
    rejected: int
    place: int


class Manifest:
    """The plan of a run and its finished parts; see `create` and `reopen`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, Done] = {}  # by the name of the output
        self.rejected = 0  # rows of all of them
        with path.open("rb") as file:
            place = len(file.readline())
            for line in file:
                self._keep(json.loads(line), place)
                place += len(line)

    def add(self, record: Record) -> None:
        """Note on the disk that a part is finished."""
        with self.path.open("ab") as file:
            place = file.tell()
            file.write(_line(record))
            file.flush()
            os.fsync(file.fileno())
        self._keep(record, place)

    def _keep(self, record: Record, place: int) -> None:
        done = Done(record["size"], record["rows"], len(record["rejects"]), place)
        if record["output"] in self.done:  # and its file was lost
            self.rejected -= self.done[record["output"]].rejected
        self.done[record["output"]] = done
        self.rejected += done.rejected

    def rows_of(self, output: str) -> int:
        """The number of rows that a finished part has in the input."""
        return self.done[output].rows + self.done[output].rejected

    def rejects(self) -> Iterator[dict[str, Any]]:
        """The rejected rows of all parts, in the order of the parts' names."""
        with self.path.open("rb") as file:
            for _, done in sorted(self.done.items()):
                if done.rejected:
                    file.seek(done.place)
                    yield from json.loads(file.readline())["rejects"]


def create(folder: Path, plan: Plan) -> Manifest:
    """Begin a run in a folder that has none."""
    path = folder / FILE
    replace_file(path, lambda file: file.write(_line(plan)))
    return Manifest(path)


def reopen(folder: Path, plan: Plan) -> Manifest:
    """Go on with a run that was stopped. Raises ValueError if that had another plan."""
    path = folder / FILE
    with path.open("rb") as file:
        lines = [line for line in file if line.endswith(b"\n")]  # one may have been cut off
    _check_same(folder, json.loads(lines[0]), json.loads(_line(plan)))
    replace_file(path, lambda file: file.writelines([_line(plan), *lines[1:]]))
    return Manifest(path)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _check_same(folder: Path, was: Plan, now: Plan) -> None:
    for name in now:
        if name not in MAY_CHANGE and was.get(name) != now[name]:
            raise ValueError(
                f"The run in '{folder}' cannot go on: {_difference(name, was, now)}. Undo the "
                "change, or name another folder."
            )


def _difference(name: str, was: Plan, now: Plan) -> str:
    """What has changed, in words."""
    if name == "model_sha256":
        return f"the pipeline '{now['model']}' is not the one that it began with"
    if name == "inputs":
        return _difference_of_inputs(was[name], now[name])
    return f"`{name}` was {was.get(name)!r} and is {now[name]!r} now"


def _difference_of_inputs(was: list[dict[str, Any]], now: list[dict[str, Any]]) -> str:
    paths = [each["path"] for each in was]
    if paths != [each["path"] for each in now]:
        return f"its inputs were {', '.join(paths)}"
    changed = [old["path"] for old, new in zip(was, now, strict=True) if old != new]
    return f"the input '{changed[0]}' has changed"
