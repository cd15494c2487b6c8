"""Scores of a language model."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.training import Example

from .surprisal import surprisal_of


def score_texts(examples: Iterable[Example], **kwargs: Any) -> dict[str, float]:
    """Perplexity, bits per character and the share of units that were the most probable ones.

    `lm_probability` is the geometric mean of the units' probabilities, the inverse of the
    perplexity, for spaCy to select the best model by.
    """
    found = [(surprisal_of(eg.predicted), len(eg.predicted.text)) for eg in examples]
    known = [(each, n_characters) for each, n_characters in found if each and each.n_units]
    n_units = sum(each.n_units for each, _ in known)
    if not n_units:
        return {}
    bits = float(sum(each.bits.sum() for each, _ in known))
    return {
        "lm_perplexity": 2.0 ** (bits / n_units),
        "lm_probability": 2.0 ** (-bits / n_units),
        "lm_bits_per_character": bits / sum(n_characters + 1 for _, n_characters in known),
        "lm_accuracy": sum(each.n_best for each, _ in known) / n_units,
    }


def make_lm_scorer() -> Callable[..., dict[str, float]]:
    """Registered as `spacy-seqrnn.lm_scorer.v1`."""
    return score_texts
