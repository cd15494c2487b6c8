"""Measure the sides of a comparison in alternation, each in its own process."""

import json
import subprocess
from typing import Any

from .rows import Row
from .workers.serve import ANSWER


def compare(row: Row, against: list[str] | None, rounds: int) -> dict[str, Any]:
    """Measure all sides of a row in alternation. Raises ValueError for an unknown side."""
    unknown = set(against or []) - set(row.others)
    if unknown:
        raise ValueError(f"Unknown side {unknown.pop()!r}: choose from {', '.join(row.others)}.")
    others = {name: row.others[name] for name in against or row.others}
    commands = {name: command() for name, command in {**row.ours, **others}.items()}
    workers = {name: Worker(command) for name, command in commands.items()}
    for _ in range(rounds):
        for worker in workers.values():
            worker.measure()
    sides = {name: worker.close() for name, worker in workers.items()}
    return {"sides": sides, "ours": list(row.ours)}


class Worker:
    """A process that measures on request; see `workers/serve.py`."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.command = command
        self.about = self._answer()
        self.seconds: list[float] = []

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(ANSWER):
                return json.loads(line.removeprefix(ANSWER))
        raise RuntimeError(f"A side did not answer; to see why, run: {' '.join(self.command)}")

    def measure(self) -> None:
        """Run once."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.seconds.append(self._answer())

    def close(self) -> dict[str, Any]:
        """End the process. Returns its description and its seconds."""
        self.process.communicate()
        return {**self.about, "seconds": self.seconds}


def ratios(result: dict[str, Any], side: str, other: str) -> list[float]:
    """The other's time by ours, run by run: how many times as fast we are. Ascending."""
    pairs = zip(
        *(per_word(result["sides"][name]) for name in (other, side)),
        strict=True,
    )
    return sorted(theirs / ours for theirs, ours in pairs)


def per_word(side: dict[str, Any]) -> list[float]:
    """Seconds per word, or per run if words do not count."""
    return [seconds / (side["words"] or 1) for seconds in side["seconds"]]
