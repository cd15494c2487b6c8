"""The units that a target is written in: words or characters."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..lm.units import CHARACTERS, END, N_SPECIAL, UNKNOWN, WORDS

UNITS = [WORDS, CHARACTERS]


def split_text(text: str, unit: str) -> list[str]:
    """The units of a text. unit: `WORDS`, which white space separates, or `CHARACTERS`."""
    return text.split() if unit == WORDS else list(text)


def join_units(units: list[str], unit: str) -> str:
    """The text of units; the inverse of `split_text` but for the amount of white space."""
    return (" " if unit == WORDS else "").join(units)


def count_units(texts: Iterable[str], unit: str, *, most: int, min_count: int) -> list[str]:
    """The most frequent units of texts, in this order; of equally frequent ones, the first.

    most: how many at most.
    min_count: how often a unit must occur.
    """
    counts = Counter(each for text in texts for each in split_text(text, unit))
    return [each for each, count in counts.most_common(most) if count >= min_count]


@dataclass(frozen=True)
class TargetVocabulary:
    """The units that a decoder can write.

    units: the most frequent first; `units[i]` has the number i + N_SPECIAL.
    unit: what they are.
    """

    units: list[str]
    unit: str

    @property
    def size(self) -> int:
        """The number of units, with the unknown one and the end."""
        return len(self.units) + N_SPECIAL

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each unit."""
        return {each: i for i, each in enumerate(self.units, start=N_SPECIAL)}

    def numbers_of(self, text: str) -> np.ndarray:
        """The number of each unit of a text. Shape (n_units,), int64."""
        found = [self.numbers.get(each, UNKNOWN) for each in split_text(text, self.unit)]
        return np.asarray(found, dtype="int64")

    def text_of(self, numbers: Iterable[int]) -> str:
        """The text of units with these numbers, none of which is special."""
        return join_units([self.units[number - N_SPECIAL] for number in numbers], self.unit)


__all__ = [
    "CHARACTERS",
    "END",
    "N_SPECIAL",
    "UNITS",
    "UNKNOWN",
    "WORDS",
    "TargetVocabulary",
    "count_units",
    "join_units",
    "split_text",
]
