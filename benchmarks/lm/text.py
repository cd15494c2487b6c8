"""The files that all sides read: lines of words, their vocabulary, and the settings."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

PARTS = ("train", "dev", "test")
UNKNOWN, END_OF_LINE = 0, 1
N_SPECIAL = 2
# The words or characters of each line
Lines: TypeAlias = list[list[str]]


@dataclass(frozen=True)
class Settings:
    """What all sides are given.

    minutes: of the processor that each side may train for.
    width: of our states.
    lines: how many lines our model reads as one document.
    parameters: how many the models have, about, by unit: those of ours.
    """

    minutes: float
    width: int
    lines: int
    parameters: dict[str, int]


def write_settings(folder: Path, settings: Settings) -> None:
    """Tell all sides."""
    text = json.dumps(asdict(settings))
    (folder / "settings.json").write_text(text, encoding="utf8")


def read_settings(folder: Path) -> Settings:
    """What all sides are told."""
    return Settings(**json.loads((folder / "settings.json").read_text(encoding="utf8")))


def path_of(folder: Path, part: str) -> Path:
    """The file of one of `PARTS`: a line of text per line, with a space between two words."""
    return folder / f"{part}.txt"


def read_lines(folder: Path, part: str, unit: str = "words") -> Lines:
    """The units of each line.

    unit: "words" or "characters".
    """
    with path_of(folder, part).open(encoding="utf8", newline="\n") as file:
        lines = (line.removesuffix("\n") for line in file)
        return [line.split(" ") if unit == "words" else list(line) for line in lines]


def read_vocabulary(folder: Path, unit: str = "words") -> list[str]:
    """The units that have a probability of their own, the most frequent first."""
    units: list[str] = json.loads((folder / f"{unit}.json").read_text(encoding="utf8"))
    return units


def numbers_of(lines: Lines, vocabulary: list[str]) -> np.ndarray:
    """The number of each unit, and `END_OF_LINE` behind each line, as one stream. Shape (n,)."""
    number = {unit: i + N_SPECIAL for i, unit in enumerate(vocabulary)}
    return np.fromiter(_numbers(lines, number), dtype="int64")


def _numbers(lines: Lines, number: dict[str, int]) -> Iterator[int]:
    for line in lines:
        yield from (number.get(unit, UNKNOWN) for unit in line)
        yield END_OF_LINE
