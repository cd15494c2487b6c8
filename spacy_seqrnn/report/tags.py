"""The part-of-speech tags that a tagger predicts, compared with the annotated ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.training import Example

from .gather import TrainingWords, word_of
from .groups import Group, by_kind, by_length
from .scores import LabelScores, Score, accuracy, counts_of_labels, label_scores, score

MOST_CONFUSIONS = 20
SEEN = ("seen word", "unseen word")


@dataclass(frozen=True)
class TagDoc:
    """The annotated tokens of a document whose tags can be aligned with predicted ones.

    seen: indices into `SEEN`; empty if unknown.
    """

    found: tuple[str, ...]
    annotated: tuple[str, ...]
    seen: tuple[int, ...]


@dataclass(frozen=True)
class Confused:
    """How often one tag was predicted in place of another."""

    annotated: str
    found: str
    n: int


@dataclass(frozen=True)
class TagReport:
    """The evaluation of the tags.

    accuracy: the share of tokens with the correct tag.
    confused: the most frequent confusions.
    lengths, seen: accuracy by document length, and for words that are in the training data and
        others; None if unknown.
    """

    component: str
    n_docs: int
    n_tokens: int
    accuracy: Score
    labels: list[LabelScores]
    confused: list[Confused]
    lengths: list[Group]
    seen: list[Group] | None


def read_tags(example: Example, trained: TrainingWords | None) -> TagDoc | None:
    """The tags of an example; None if no token is annotated."""
    gold = example.get_aligned("TAG", as_string=True)
    kept = [(own, tag) for own, tag in zip(example.predicted, gold, strict=True) if tag]
    if not kept:
        return None
    words = trained.words if trained else frozenset()
    return TagDoc(
        found=tuple(token.tag_ for token, _ in kept),
        annotated=tuple(tag for _, tag in kept),
        seen=tuple(int(word_of(t) not in words) for t, _ in kept) if trained else (),
    )


def tag_report(component: str, docs: Sequence[TagDoc]) -> TagReport:
    """docs: annotated ones, not empty."""
    pairs = Counter(pair for doc in docs for pair in zip(doc.annotated, doc.found, strict=True))
    labels = sorted({tag for pair in pairs for tag in pair})
    counts = counts_of_labels([(_right(doc), doc.found, doc.annotated) for doc in docs], labels)
    total = np.asarray([[len(_right(doc)), len(doc.annotated)] for doc in docs])
    return TagReport(
        component=component,
        n_docs=len(docs),
        n_tokens=int(total[:, 1].sum()),
        accuracy=score(total, accuracy),
        labels=label_scores(counts, labels),
        confused=[
            Confused(gold, own, n)
            for (gold, own), n in sorted(pairs.items(), key=_by_frequency)
            if gold != own
        ][:MOST_CONFUSIONS],
        lengths=by_length(total[:, 1], total, accuracy),
        seen=_by_seen(docs) if docs[0].seen else None,
    )


def _right(doc: TagDoc) -> tuple[str, ...]:
    return tuple(a for a, b in zip(doc.annotated, doc.found, strict=True) if a == b)


def _by_frequency(pair: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    tags, n = pair
    return -n, tags


def _by_seen(docs: Sequence[TagDoc]) -> list[Group]:
    counts = np.zeros((len(docs), len(SEEN), 2), dtype="int64")
    for row, doc in zip(counts, docs, strict=True):
        for gold, own, seen in zip(doc.annotated, doc.found, doc.seen, strict=True):
            row[seen] += (gold == own, 1)
    return by_kind(SEEN, counts, counts.sum(axis=0)[:, 1], accuracy)
