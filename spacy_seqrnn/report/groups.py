"""Scores of groups of documents or words: by length, and by occurrence in the training data."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .scores import Metric, Score, resampled_sums, score, score_of_sums

MOST_LENGTHS = 5
# Upper bounds of the share of words that are not in the training data
SHARES = (0.0, 0.05, 0.1, 0.2, 1.0)


@dataclass(frozen=True)
class Group:
    """A subset of what is scored.

    n: how many documents, entities or tokens it has.
    """

    name: str
    n: int
    score: Score


def by_length(lengths: np.ndarray, counts: np.ndarray, metric: Metric) -> list[Group]:
    """Groups of about the same number of documents each, from short to long ones.

    lengths: tokens of each document, shape (n_docs,). counts: shape (n_docs, ...).
    """
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, MOST_LENGTHS + 1)[1:], method="lower"))
    numbers = np.searchsorted(edges, lengths)  # an edge belongs to the group below it
    return [
        Group(_range(lengths[own]), int(own.sum()), score(counts[own], metric))
        for own in (numbers == number for number in range(len(edges)))
        if own.any()
    ]


def _range(lengths: np.ndarray) -> str:
    low, high = int(lengths.min()), int(lengths.max())
    return f"{low} to {high} tokens" if low < high else f"{low} token{'s' * (low != 1)}"


def by_unseen_share(shares: np.ndarray, counts: np.ndarray, metric: Metric) -> list[Group]:
    """Groups of documents by the share of words that are not in the training data."""
    numbers = np.searchsorted(SHARES, shares)
    names = ["no unseen word", f"up to {SHARES[1]:.0%} unseen"]
    names += [f"{low:.0%} to {high:.0%} unseen" for low, high in pairwise(SHARES[1:])]
    return [
        Group(name, int(own.sum()), score(counts[own], metric))
        for own, name in zip((numbers == i for i in range(len(SHARES))), names, strict=True)
        if own.any()
    ]


def by_kind(names: Sequence[str], counts: np.ndarray, n: np.ndarray, metric: Metric) -> list[Group]:
    """Groups of entities or tokens, regardless of their document.

    counts: shape (n_docs, n_names, ...). n: the size of each group, shape (n_names,).
    """
    total, resampled = counts.sum(axis=0), resampled_sums(counts)
    return [
        Group(name, int(n[i]), score_of_sums(total[i], resampled[:, i], metric))
        for i, name in enumerate(names)
        if n[i]
    ]
