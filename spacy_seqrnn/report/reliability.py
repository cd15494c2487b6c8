"""Whether scores are probabilities: of predictions scored 0.8, four in five should be correct."""

from dataclasses import dataclass

import numpy as np

N_BINS = 15


@dataclass(frozen=True)
class Bin:
    """Predictions with similar scores: their number, their mean score, the share correct."""

    n: int
    score: float
    right: float


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram as numbers.

    n: how many predictions.
    error: the expected calibration error (Guo et al. 2017): the difference between the mean score
        and the share correct, in bins of equal width, weighted by the predictions in each.
    brier: the mean squared difference of the score from 1 (correct) or 0 (wrong).
    bins: the bins that have any prediction, from low scores to high.
    """

    n: int
    error: float
    brier: float
    bins: tuple[Bin, ...]


def reliability(scores: np.ndarray, right: np.ndarray) -> Reliability:
    """Compare scores with what is correct. Both have shape (n,), and n is not 0.

    scores: from 0 to 1. right: booleans, or 1 and 0.
    """
    right = right.astype("float64")
    numbers = np.minimum((scores * N_BINS).astype(int), N_BINS - 1)
    members = [own for number in range(N_BINS) if (own := numbers == number).any()]
    bins = tuple(
        Bin(int(own.sum()), float(scores[own].mean()), float(right[own].mean())) for own in members
    )
    error = sum(each.n * abs(each.score - each.right) for each in bins) / len(scores)
    return Reliability(len(scores), error, float(((scores - right) ** 2).mean()), bins)
