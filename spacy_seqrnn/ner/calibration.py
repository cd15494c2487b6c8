"""The temperature at which entity scores are probabilities (Guo et al. 2017).

Dividing all scores of a chain by a temperature above 1 makes every probability less extreme. The
best sequence stays the best, so entities do not change, except with `label_weights`: they multiply
probabilities, so another sequence may win.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from spacy.training import Example

from ..crf.chain import LinearChain
from ..crf.expectations import Segments, segment_log_posteriors
from ..temperature import best_temperature
from .annotations import MISSING, LabelNumbers, gold_tags
from .biluo import Entities

# Bounds the log loss of an entity whose probability is 0 or 1.
SMALLEST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Scored:
    """Predicted entities of a batch, and which of them are correct.

    segments: their tags.
    right: booleans, shape (n_entities,).
    """

    chain: LinearChain
    segments: Segments
    right: np.ndarray


def judge(
    examples: list[Example], chain: LinearChain, found: Entities, numbers: LabelNumbers
) -> Scored:
    """Compare the entities predicted for a batch with the annotation, where there is any.

    chain: the chain that they were predicted from.
    numbers: the label numbers.
    """
    ends = np.cumsum([len(example.predicted) for example in examples])
    gold = np.split(gold_tags(examples, numbers), ends)
    tags = np.split(found.tags(), np.cumsum(found.lengths))
    places = zip(found.docs, found.starts, found.lengths, tags, strict=False)
    right = np.asarray([_is_right(gold[doc][first:][:n], own) for doc, first, n, own in places])
    known = found.where(right != MISSING)
    return Scored(chain, known.segments(), right[right != MISSING] == 1)


def _is_right(gold: np.ndarray, own: np.ndarray) -> int:
    """Whether tags equal the gold tags: 1, 0, or MISSING if unknown."""
    known = gold != MISSING
    if (gold[known] != own[known]).any():
        return 0
    return 1 if known.all() else MISSING


def fit_temperature(scored: list[Scored]) -> float:
    """The temperature that minimises the log loss of the entities."""
    return best_temperature(partial(log_loss, scored))


def log_loss(scored: list[Scored], temperature: float) -> float:
    """The negative log probability of which entities are correct, summed over entities."""
    loss = 0.0
    for batch in scored:
        log_posteriors = segment_log_posteriors(batch.chain.scale(1 / temperature), batch.segments)
        p = batch.chain.xp.exp(log_posteriors)
        p = p.clip(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
        right = batch.chain.xp.asarray(batch.right)
        loss -= float(batch.chain.xp.log(batch.chain.xp.where(right, p, 1 - p)).sum())
    return loss
