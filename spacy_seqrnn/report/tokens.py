"""What a component sets for each token, such as its tag, compared with the annotation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from spacy.training import Example

from .gather import TrainingWords, word_of
from .groups import Group, by_kind
from .scores import accuracy

Key = TypeVar("Key", bound=tuple[str, ...])
SEEN = ("seen word", "unseen word")


@dataclass(frozen=True)
class TokenDoc:
    """The annotated tokens of a document that are predicted ones too.

    words: the tokens. found, annotated: what the component sets for each, and what is right.
    seen: indices into `SEEN`; empty if unknown.
    """

    words: tuple[str, ...]
    found: tuple[str, ...]
    annotated: tuple[str, ...]
    seen: tuple[int, ...]

    @property
    def right(self) -> tuple[str, ...]:
        """What is annotated, where the same was found."""
        return tuple(a for a, b in zip(self.annotated, self.found, strict=True) if a == b)


def read_tokens(example: Example, attr: str, trained: TrainingWords | None) -> TokenDoc | None:
    """The tokens of an example; None if none is annotated. attr: "tag" or "lemma".

    Tokens that are only part of one of the reference, or several of them, are left out.
    """
    gold = example.get_aligned(attr.upper(), as_string=True)
    words = example.get_aligned("ORTH", as_string=True)
    kept = [
        (token, value)
        for token, word, value in zip(example.predicted, words, gold, strict=True)
        if value and word == token.text
    ]
    if not kept:
        return None
    known = trained.words if trained else frozenset()
    return TokenDoc(
        words=tuple(token.text for token, _ in kept),
        found=tuple(getattr(token, f"{attr}_") for token, _ in kept),
        annotated=tuple(value for _, value in kept),
        seen=tuple(int(word_of(t) not in known) for t, _ in kept) if trained else (),
    )


def count_right(docs: Sequence[TokenDoc]) -> np.ndarray:
    """How many tokens of each document are right, and how many there are. Shape (n_docs, 2)."""
    return np.asarray([[len(doc.right), len(doc.annotated)] for doc in docs])


def most_frequent(counts: Counter[Key], most: int) -> list[tuple[Key, int]]:
    """The most frequent ones with their counts, in alphabetical order where those are equal."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


def by_seen(docs: Sequence[TokenDoc]) -> list[Group] | None:
    """Accuracy of words that the training data have and of others; None if unknown."""
    if not docs[0].seen:
        return None
    counts = np.zeros((len(docs), len(SEEN), 2), dtype="int64")
    for row, doc in zip(counts, docs, strict=True):
        for gold, own, seen in zip(doc.annotated, doc.found, doc.seen, strict=True):
            row[seen] += (gold == own, 1)
    return by_kind(SEEN, counts, counts.sum(axis=0)[:, 1], accuracy)
