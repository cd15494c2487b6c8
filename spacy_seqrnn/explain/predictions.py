"""What a language model expects at each place of a document."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log

import numpy as np
from spacy.tokens import Doc

from ..lm.component import RecurrentLM
from ..lm.model import predict_states
from ..lm.units import END, UNKNOWN, in_units

ROWS_AT_ONCE = 256  # bounds the memory for the probabilities of all units
END_NAME = "end of the text"


@dataclass(frozen=True)
class Candidate:
    """A unit that may come next.

    unit: the word or character; "any other word" or "any other character" for all that have no
        probability of their own, "end of the text" for the end.
    probability: from 0 to 1. All units together have 1.
    is_true: whether it is what the text has.
    """

    unit: str
    probability: float
    is_true: bool


@dataclass(frozen=True)
class Prediction:
    """What a model expects at one place of a text.

    unit: the true word or character, or "end of the text".
    start_char, end_char: its first character in the text, and the one after its last.
    probability: what the model gives it. A unit without a probability of its own has that of all
        such units together.
    surprisal: the negative binary logarithm of it, in bits.
    rank: one more than the number of more probable units.
    is_known: whether it has a probability of its own.
    best: the most probable units, best first.
    """

    unit: str
    start_char: int
    end_char: int
    probability: float
    surprisal: float
    rank: int
    is_known: bool
    best: tuple[Candidate, ...]


def predictions_of(pipe: RecurrentLM, doc: Doc, k: int) -> Iterator[Prediction]:
    """The predictions of all units of a document, and of its end."""
    (units,) = in_units([doc], pipe.unit)
    names = _names(pipe)
    true = np.append(pipe.vocabulary.numbers_of([units]), END)
    texts = [*(token.text for token in units), END_NAME]
    starts = [*(token.idx for token in units), len(doc.text)]
    place = 0
    for scores in _log_probabilities(pipe, units):
        for row, order in zip(scores, _likeliest(scores, k), strict=True):
            number, text = int(true[place]), texts[place]
            log_probability = float(row[number])
            yield Prediction(
                unit=text,
                start_char=starts[place],
                end_char=starts[place] + (len(text) if place < len(units) else 0),
                probability=exp(log_probability),
                surprisal=abs(log_probability) / log(2),
                rank=1 + int((row > row[number]).sum()),
                is_known=number != UNKNOWN,
                best=tuple(
                    Candidate(names[unit], exp(row[unit]), unit == number)
                    for unit in order.tolist()
                ),
            )
            place += 1


def _names(pipe: RecurrentLM) -> list[str]:
    """What the units are called, by their numbers."""
    return [f"any other {pipe.unit.removesuffix('s')}", END_NAME, *pipe.vocabulary.units]


def _log_probabilities(pipe: RecurrentLM, units: Doc) -> Iterator[np.ndarray]:
    """Log probabilities of all units at some places after the other. Shape (n_places, n_units)."""
    softmax, ops = pipe.model.get_ref("softmax"), pipe.model.ops
    for _, found in predict_states(pipe.model, [units]):
        states = found.states[0]
        for start in range(0, len(states), ROWS_AT_ONCE):
            yield ops.to_numpy(softmax.predict(states[start : start + ROWS_AT_ONCE]))


def _likeliest(scores: np.ndarray, k: int) -> np.ndarray:
    """The numbers of the units with the highest scores, best first. Shape (n_places, k)."""
    k = min(k, scores.shape[1])
    best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    found: np.ndarray = np.take_along_axis(best, order, axis=1)
    return found
