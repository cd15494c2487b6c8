"""Label weights: how many wrong entities are as bad as a missed one, for all labels or each."""

from collections.abc import Sequence
from dataclasses import replace
from math import log

import numpy as np

from ..checks import is_number
from ..config_errors import ConfigError
from ..crf.chain import LinearChain
from .biluo import BEGIN, TAGS_PER_LABEL, UNIT

LabelWeights = float | dict[str, float]  # for all labels, or by label with 1 for the others


def check_weights(name: str, weights: LabelWeights) -> None:
    """Raise ConfigError if a weight is not above 0. name: the component's."""
    by_label = weights if isinstance(weights, dict) else {"all": weights}
    for label, weight in by_label.items():
        if not is_number(weight) or weight <= 0:
            raise ConfigError(
                "label_weights",
                by_label,
                f"The weight {weight!r} of label '{label}' cannot work: set it to a number above 0 "
                f"in `label_weights` of [components.{name}].",
            )


def check_weighted_labels(name: str, weights: LabelWeights, labels: Sequence[str]) -> None:
    """Raise ConfigError if there are weights of unknown labels. name: the component's."""
    named = weights if isinstance(weights, dict) else {}
    unknown = [label for label in named if label not in labels]
    if unknown and labels:
        raise ConfigError(
            "label_weights",
            weights,
            f"Label '{unknown[0]}' in [components.{name}.label_weights] is not one of the labels "
            f"{', '.join(labels)}: use one of them, or remove it.",
        )


def weighted(
    chain: LinearChain, weights: LabelWeights, labels: Sequence[str], temperature: float
) -> LinearChain:
    """The chain in which the odds of each entity are multiplied by its label's weight.

    temperature: the temperature at which the odds are taken.
    """
    if weights in ({}, 1.0):
        return chain
    by_label = weights if isinstance(weights, dict) else dict.fromkeys(labels, weights)
    of_tags = np.zeros((len(labels), TAGS_PER_LABEL))
    logs = [log(by_label.get(label, 1.0)) for label in labels]
    # Every entity has exactly one of these tags.
    of_tags[:, [BEGIN, UNIT]] = np.asarray(logs)[:, None]
    added = chain.xp.asarray(temperature * np.concatenate([[0.0], of_tags.ravel()]))
    return replace(chain, emissions=chain.emissions + added)
