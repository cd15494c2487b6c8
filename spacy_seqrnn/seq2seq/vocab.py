"""The units that a decoder can write."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from spacy.tokens import Doc

from ..lm.units import END, N_SPECIAL, UNKNOWN
from .units import Units


def count_units(texts: Iterable[str], kind: Units, *, most: int, min_count: int) -> list[str]:
    """The most frequent units of texts, in this order; of equally frequent ones, the first.

    kind: what they are.
    most: how many at most.
    min_count: how often a unit must occur.
    """
    counts = Counter(each for text in texts for each in kind.split(text))
    return [each for each, count in counts.most_common(most) if count >= min_count]


@dataclass(frozen=True)
class TargetVocabulary:
    """The units that a decoder can write.

    units: the most frequent first; `units[i]` has the number i + N_SPECIAL.
    kind: what they are.
    """

    units: list[str]
    kind: Units

    @property
    def size(self) -> int:
        """The number of units, with the unknown one and the end."""
        return len(self.units) + N_SPECIAL

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each unit."""
        return {each: i for i, each in enumerate(self.units, start=N_SPECIAL)}

    def numbers_of(self, text: str, others: Sequence[str] = ()) -> np.ndarray:
        """The number of each unit of a text. Shape (n_units,), int64.

        others: units that have the numbers behind those of the vocabulary.
        """
        behind = {each: i for i, each in enumerate(others, start=self.size)}
        found = [
            self.numbers.get(each) or behind.get(each, UNKNOWN) for each in self.kind.split(text)
        ]
        return np.asarray(found, dtype="int64")

    def text_of(self, numbers: Iterable[int], others: Sequence[str] = ()) -> str:
        """The text of units with these numbers, none of which is special. others: as above."""
        units = [
            others[number - self.size] if number >= self.size else self.units[number - N_SPECIAL]
            for number in numbers
        ]
        return self.kind.join(units)

    def find_copied(self, sources: Iterable[Doc]) -> "Copied":
        """The units of sources, for a decoder that copies them."""
        numbers, others = [], []
        for source in sources:
            behind: dict[str, int] = {}
            for token in source:
                numbers.append(self._copied_number(token.text, behind))
            others.append(list(behind))
        return Copied(np.asarray(numbers, dtype="int64"), others)

    def _copied_number(self, text: str, behind: dict[str, int]) -> int:
        """The number of a source token, which is a new one of its document if need be."""
        if not self.kind.has(text):  # such as a tag among characters
            return UNKNOWN
        return self.numbers.get(text) or behind.setdefault(text, self.size + len(behind))


@dataclass(frozen=True)
class Copied:
    """The units of sources.

    numbers: of each token, one document after the other. Shape (n_tokens,), int64. None if nothing
        is copied.
    others: the units of each document that are not in the vocabulary, in the order of their
        numbers, which are those behind the vocabulary's.
    """

    numbers: np.ndarray | None
    others: list[list[str]]


__all__ = ["END", "N_SPECIAL", "UNKNOWN", "Copied", "TargetVocabulary", "count_units"]
