"""Scores of counts per document, with bootstrap intervals (Efron 1979).

Counts of entities, categories or tags are (correct, predicted, annotated) in the last axis: how
many predictions are correct, how many predictions there are, and how many are annotated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000
CONFIDENCE = 0.95
BLOCK = 50  # resamples in memory at a time

Metric = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Score:
    """A share from 0 to 1 and its 95 % interval over resampled documents."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class LabelScores:
    """The scores of one label, with its numbers of correct, predicted and annotated items."""

    label: str
    precision: Score
    recall: Score
    f1: Score
    right: int
    found: int
    annotated: int


def precision(counts: np.ndarray) -> np.ndarray:
    """The share of predictions that are correct; 0 if nothing was predicted."""
    share: np.ndarray = counts[..., 0] / np.maximum(counts[..., 1], 1)
    return share


def recall(counts: np.ndarray) -> np.ndarray:
    """The share of what is annotated that was predicted; 0 if nothing is annotated."""
    share: np.ndarray = counts[..., 0] / np.maximum(counts[..., 2], 1)
    return share


def f1(counts: np.ndarray) -> np.ndarray:
    """The harmonic mean of precision and recall; 0 if nothing was predicted or annotated."""
    right, found, annotated = np.moveaxis(counts, -1, 0)
    means: np.ndarray = 2 * right / np.maximum(found + annotated, 1)
    return means


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """The mean F1 of all labels, which are on the second-to-last axis."""
    means: np.ndarray = f1(counts).mean(axis=-1)
    return means


def accuracy(counts: np.ndarray) -> np.ndarray:
    """The share correct, from counts (correct, all) in the last axis."""
    share: np.ndarray = counts[..., 0] / np.maximum(counts[..., 1], 1)
    return share


def resampled_sums(counts: np.ndarray) -> np.ndarray:
    """Sums over documents drawn with replacement, as many as there are in each resample.

    counts: Shape (n_docs, ...). Returns shape (RESAMPLES, ...), the same on every call.
    """
    n_docs = len(counts)
    columns = counts.reshape(n_docs, -1).astype("float64")  # exact, and faster than integers
    random = np.random.default_rng(0)
    sums = []
    for done in range(0, RESAMPLES, BLOCK):
        draws = random.integers(n_docs, size=(min(BLOCK, RESAMPLES - done), n_docs))
        sums.append(np.stack([np.bincount(draw, minlength=n_docs) for draw in draws]) @ columns)
    return np.concatenate(sums).reshape(RESAMPLES, *counts.shape[1:])


def interval(values: np.ndarray) -> tuple[float, float]:
    """The percentile interval of a metric of resampled sums. values: shape (RESAMPLES,)."""
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def score(counts: np.ndarray, metric: Metric) -> Score:
    """A metric of counts per document, which are not empty. Shape (n_docs, ...)."""
    return score_of_sums(counts.sum(axis=0), resampled_sums(counts), metric)


def score_of_sums(total: np.ndarray, resampled: np.ndarray, metric: Metric) -> Score:
    """A metric of summed counts. resampled: what `resampled_sums` returns for the same counts."""
    return Score(float(metric(total)), *interval(metric(resampled)))


def label_scores(counts: np.ndarray, labels: Sequence[str]) -> list[LabelScores]:
    """The scores of each label. counts: shape (n_docs, n_labels, 3), not empty."""
    total, resampled = counts.sum(axis=0), resampled_sums(counts)
    return [_label_scores(label, total[i], resampled[:, i]) for i, label in enumerate(labels)]


def _label_scores(label: str, total: np.ndarray, resampled: np.ndarray) -> LabelScores:
    right, found, annotated = (int(count) for count in total)
    return LabelScores(
        label=label,
        precision=score_of_sums(total, resampled, precision),
        recall=score_of_sums(total, resampled, recall),
        f1=score_of_sums(total, resampled, f1),
        right=right,
        found=found,
        annotated=annotated,
    )


def counts_of_labels(
    docs: Sequence[tuple[Sequence[str], Sequence[str], Sequence[str]]], labels: Sequence[str]
) -> np.ndarray:
    """Count labels. docs: the correct, predicted and annotated labels of each document, repeated.

    Returns int64, shape (n_docs, n_labels, 3).
    """
    numbers = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(docs), len(labels), 3), dtype="int64")
    for row, kinds in zip(counts, docs, strict=True):
        for kind, names in enumerate(kinds):
            for name in names:
                row[numbers[name], kind] += 1
    return counts
