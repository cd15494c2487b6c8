"""Compare our language model with others: `python -m benchmarks.lm words --data ../data`.

Each side runs in its own process on one thread. "words" and "characters" train each side for the
minutes; "training" and "generation" alternate between both sides.
"""

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wasabi import msg

from ..speed.compare import Worker, compare
from . import corpus
from .ours import OurModel
from .results import keep
from .rows import FOLDER, MINUTES_ROWS, SPEED_ROWS
from .table import lines
from .text import Settings, read_vocabulary, write_settings


def main() -> None:
    """Run the rows that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", choices=[*MINUTES_ROWS, *SPEED_ROWS])
    parser.add_argument("--data", type=Path, required=True, help="folder with raw/*.txt.xz")
    parser.add_argument("--files", nargs="+", default=corpus.FILES, help="of raw text")
    parser.add_argument("--words", type=int, default=5_000_000, help="of training text")
    parser.add_argument("--minutes", type=float, default=60, help="of training for each side")
    parser.add_argument("--width", type=int, default=512, help="of our states")
    parser.add_argument("--lines", type=int, default=1, help="that ours reads as one document")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, alternating")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    corpus.prepare(FOLDER, options.data, options.files, options.words)
    settings = Settings(options.minutes, options.width, options.lines, sizes(options.width))
    write_settings(FOLDER, settings)
    about = {"words": options.words, "files": list(options.files), **asdict(settings)}
    for name in options.rows:
        found = measure(name, options.rounds)
        result = {"row": name, **found, **about}
        keep(name, result)
        for line in lines(result):
            msg.good(" | ".join(line))


def sizes(width: int) -> dict[str, int]:
    """How many parameters our model has, by unit."""
    units = ("words", "characters")
    return {unit: OurModel(read_vocabulary(FOLDER, unit), unit, width).parameters for unit in units}


def measure(name: str, rounds: int) -> dict[str, Any]:
    """All sides of a row."""
    if name in SPEED_ROWS:
        return compare(SPEED_ROWS[name], None, rounds)
    commands = {side: command() for side, command in MINUTES_ROWS[name].sides.items()}
    return {"sides": {side: answer_of(command) for side, command in commands.items()}}


def answer_of(command: list[str]) -> Any:
    """What a process says when it is done."""
    worker = Worker(command)
    worker.close()
    return worker.about


if __name__ == "__main__":
    main()
