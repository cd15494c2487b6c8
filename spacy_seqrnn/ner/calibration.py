"""The temperature at which scores of entities are probabilities (Guo et al. 2017).

Dividing all scores of a chain by a temperature above 1 makes it less sure of everything. It changes
no entity, as the best sequence stays the best; with `label_weights`, which multiply probabilities,
another one may be.
"""

from dataclasses import dataclass

import numpy as np
from spacy.training import Example

from ..crf.chain import LinearChain
from ..crf.expectations import Segments, segment_log_posteriors
from .annotations import MISSING, LabelNumbers, gold_tags
from .biluo import Entities

TEMPERATURES = np.geomspace(0.1, 10.0, 21)  # then as many between the best one's neighbours
# Nothing is so sure that its opposite would cost endlessly.
SMALLEST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Scored:
    """Entities that were found in a batch, and which of them are right.

    segments: their tags.
    right: booleans, shape (n_entities,).
    """

    chain: LinearChain
    segments: Segments
    right: np.ndarray


def judge(
    examples: list[Example], chain: LinearChain, found: Entities, numbers: LabelNumbers
) -> Scored:
    """Compare the entities found in a batch with the annotation, where there is any.

    chain: from which they were found.
    numbers: the labels' numbers.
    """
    ends = np.cumsum([len(example.predicted) for example in examples])
    gold = np.split(gold_tags(examples, numbers), ends)
    tags = np.split(found.tags(), np.cumsum(found.lengths))
    places = zip(found.docs, found.starts, found.lengths, tags, strict=False)
    right = np.asarray([_is_right(gold[doc][first:][:n], own) for doc, first, n, own in places])
    known = found.where(right != MISSING)
    return Scored(chain, known.segments(), right[right != MISSING] == 1)


def _is_right(gold: np.ndarray, own: np.ndarray) -> int:
    """Whether tags are the gold ones: 1, 0, or MISSING if that is not known."""
    known = gold != MISSING
    if (gold[known] != own[known]).any():
        return 0
    return 1 if known.all() else MISSING


def fit_temperature(scored: list[Scored]) -> float:
    """The temperature that gives the entities the smallest log loss."""
    grid = TEMPERATURES
    for _ in range(2):
        best = int(np.argmin([log_loss(scored, temperature) for temperature in grid]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        found, grid = float(grid[best]), np.geomspace(low, high, len(grid))
    return found


def log_loss(scored: list[Scored], temperature: float) -> float:
    """The negative log probability of what is right and what is not, summed over entities."""
    loss = 0.0
    for batch in scored:
        log_posteriors = segment_log_posteriors(batch.chain.scale(1 / temperature), batch.segments)
        p = batch.chain.xp.exp(log_posteriors)
        p = p.clip(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        right = batch.chain.xp.asarray(batch.right)
        loss -= float(batch.chain.xp.log(batch.chain.xp.where(right, p, 1 - p)).sum())
    return loss
