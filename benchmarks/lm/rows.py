"""What is compared with what. Each row is one command: `python -m benchmarks.lm ROW`."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..speed.rows import Command, peers_python
from ..speed.rows import Row as SpeedRow

WORKERS = "benchmarks.lm.workers"
FOLDER = Path("training/lm-benchmark")
OURS, RECIPE, KNESER_NEY, FLAIR = "ours", "recipe", "kneser-ney", "flair"
# The names of the other sides in the table
NAMES = {
    RECIPE: "PyTorch's recipe",
    KNESER_NEY: "Kneser-Ney 5-gram",
    FLAIR: "Flair",
}


@dataclass(frozen=True)
class MinutesRow:
    """Sides that train for the same minutes, one after the other, and then say how good they are.

    task: what their workers are asked for.
    measures: the figures that are compared, with their names in the table.
    """

    task: str
    measures: dict[str, str]
    sides: dict[str, Command]


def _own(module: str, task: str) -> Command:
    return partial(_worker, sys.executable, module, task)


def _peer(module: str, task: str) -> Command:
    return lambda: _worker(peers_python(), module, task)


def _worker(python: str, module: str, task: str) -> list[str]:
    return [python, "-m", f"{WORKERS}.{module}", task, str(FOLDER)]


MINUTES_ROWS = {
    "words": MinutesRow(
        "words",
        {"perplexity": "perplexity"},
        {
            OURS: _own("ours", "words"),
            RECIPE: _own("recipe", "words"),
            KNESER_NEY: _own("kneser_ney", "words"),
        },
    ),
    "characters": MinutesRow(
        "characters",
        {"bits": "bits per character", "speed": "characters/s in training"},
        {OURS: _own("ours", "characters"), FLAIR: _peer("flair_characters", "characters")},
    ),
}
SPEED_ROWS = {
    task: SpeedRow(title, {OURS: _own("ours", task)}, {RECIPE: _own("recipe", task)})
    for task, title in (("training", "words/s in training"), ("generation", "words/s generated"))
}
