"""Time one comparison after the other, all sides of it in turn.

`python -m benchmarks.speed pipe --against spacy flair stanza kernel`
"""

import argparse
import json
import os
import subprocess
from pathlib import Path
from statistics import median
from typing import Any

import srsly
from wasabi import msg

from ..environment import describe_environment
from .rows import ROWS, Row
from .workers.serve import ANSWER

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the rows that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", choices=list(ROWS))
    parser.add_argument("--against", nargs="+", help="the other sides; all if left out")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, in turn")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in options.rows:
        result = compare(ROWS[name], options.against, options.rounds)
        RESULTS.mkdir(exist_ok=True)
        srsly.write_json(RESULTS / f"{name}.json", {"row": name, **result})
        show(ROWS[name], result)


def compare(row: Row, against: list[str] | None, rounds: int) -> dict[str, Any]:
    """Measure all sides of a row in turn. Raises ValueError for a side that the row has not."""
    unknown = set(against or []) - set(row.others)
    if unknown:
        raise ValueError(f"No side {unknown.pop()!r} here: there are {', '.join(row.others)}.")
    others = {name: row.others[name] for name in against or row.others}
    commands = {name: command() for name, command in {**row.ours, **others}.items()}
    workers = {name: Worker(command) for name, command in commands.items()}
    for _ in range(rounds):
        for worker in workers.values():
            worker.measure()
    sides = {name: worker.close() for name, worker in workers.items()}
    return {"sides": sides, "ours": list(row.ours), "environment": describe_environment()}


class Worker:
    """A process that measures when it is asked to; see `workers/serve.py`."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.about = self._answer(" ".join(command))
        self.seconds: list[float] = []

    def _answer(self, question: str) -> Any:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(ANSWER):
                return json.loads(line.removeprefix(ANSWER))
        raise RuntimeError(f"A side gave no answer; to see why, run: {question}")

    def measure(self) -> None:
        """Run once."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.seconds.append(self._answer("it by itself"))

    def close(self) -> dict[str, Any]:
        """End the process. Returns what it said of itself, and its seconds."""
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
    """Seconds per word, or per run where words do not count."""
    return [seconds / (side["words"] or 1) for seconds in side["seconds"]]


def show(row: Row, result: dict[str, Any]) -> None:
    """Print a row: medians, and how many times as fast we are as each other side."""
    msg.divider(row.title)
    for name, side in result["sides"].items():
        seconds = median(side["seconds"])
        speed = f", {side['words'] / seconds:,.0f} words/s" if side["words"] else ""
        msg.text(f"{name}: {seconds * 1000:,.2f} ms{speed}")
    for ours in result["ours"]:
        for other in result["sides"]:
            if other not in result["ours"]:
                low, *_, high = values = ratios(result, ours, other)
                msg.good(
                    f"{ours} against {other}: {median(values):.2f} times as fast "
                    f"({low:.2f} to {high:.2f})"
                )


if __name__ == "__main__":
    main()
