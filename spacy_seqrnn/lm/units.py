"""What a language model predicts one after the other: the words of a text, or its characters."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from spacy.attrs import ORTH, SPACY
from spacy.strings import get_string_id
from spacy.tokens import Doc

from ..embed.word_rows import find_keys

WORDS, CHARACTERS = "words", "characters"
# The first units of each vocabulary: anything that is not in it, and the end of a text
UNKNOWN, END = 0, 1
N_SPECIAL = 2


def in_units(docs: Iterable[Doc], kind: str) -> list[Doc]:
    """Documents whose tokens are units: the given ones, or copies with a token per character.

    kind: `WORDS` or `CHARACTERS`.
    """
    if kind == WORDS:
        return list(docs)
    return [Doc(doc.vocab, words=list(doc.text), spaces=[False] * len(doc.text)) for doc in docs]


def keys_of(docs: list[Doc]) -> np.ndarray:
    """What identifies the unit of each token. Shape (n_tokens,), uint64."""
    arrays = [doc.to_array(ORTH) for doc in docs]
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype="uint64")


def spaces_before(docs: list[Doc]) -> np.ndarray:
    """Whether there is a space between each token and the one before it. Shape (n_tokens,), bool.

    For the first token of a document it says nothing.
    """
    after = [doc.to_array(SPACY) for doc in docs]
    return np.roll(np.concatenate(after), 1) > 0 if after else np.zeros(0, dtype=bool)


@dataclass(frozen=True)
class Vocabulary:
    """The units that have a probability of their own.

    units: words or characters, the most frequent first; `units[i]` has the number i + N_SPECIAL.
    keys: what identifies them in documents, ascending. Shape (n,), uint64.
    numbers: the number of each key's unit. Shape (n,).
    """

    units: list[str]
    keys: np.ndarray
    numbers: np.ndarray

    @property
    def size(self) -> int:
        """The number of units, with the special ones."""
        return len(self.units) + N_SPECIAL

    def numbers_of(self, docs: list[Doc]) -> np.ndarray:
        """The unit of each token. Shape (n_tokens,), int64."""
        at, found = find_keys(self.keys, keys_of(docs))
        numbers = np.full(len(at), UNKNOWN)
        numbers[found] = self.numbers[at[found]]
        return numbers


def make_vocabulary(units: list[str]) -> Vocabulary:
    """The vocabulary of these units, the most frequent first."""
    keys = np.asarray([get_string_id(unit) for unit in units], dtype="uint64")
    order = np.argsort(keys)
    return Vocabulary(units, keys[order], order + N_SPECIAL)


def count_units(docs: Iterable[Doc], kind: str, *, most: int, min_count: int) -> list[str]:
    """The most frequent units of documents, in this order; of equally frequent ones, the first.

    most: how many at most.
    min_count: how often a unit must occur.
    """
    counts: dict[int, int] = {}
    names: dict[int, str] = {}
    for doc in docs:
        (units,) = in_units([doc], kind)
        keys, first, found = np.unique(keys_of([units]), return_index=True, return_counts=True)
        for key, at, count in zip(keys.tolist(), first.tolist(), found.tolist(), strict=True):
            if key not in counts:
                counts[key], names[key] = 0, units[at].text
            counts[key] += count
    order = sorted(counts, key=counts.__getitem__, reverse=True)  # stable
    return [names[key] for key in order[:most] if counts[key] >= min_count]
