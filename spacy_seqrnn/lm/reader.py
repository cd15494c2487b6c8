"""Reading with a language model one unit at a time, with the state carried along."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model

from ..batch.composition import run_packed, split_encoders
from ..batch.docs import DocBatch
from ..batch.packed import Packed
from ..rnn import directions, stack
from ..rnn.layer import RNN
from ..rnn.stack import RNNStack
from ..rnn.states import States
from ..rnn.tensors import direction_weights, layout_of, to_xp
from ..types import Floats2d
from .shared import origin_of


@dataclass(frozen=True)
class Reading:
    """Where a number of texts have been read to.

    hidden: the state that predicts each one's next unit. Shape (n_texts, width).
    states: those of each layer, for `stack.read`; None before any unit.
    """

    hidden: Floats2d
    states: list[States] | None

    def take(self, texts: np.ndarray) -> "Reading":
        """Some of the texts, any number of times each. texts: Shape (n_taken,)."""
        states = self.states and [[array[:, texts] for array in layer] for layer in self.states]
        return Reading(self.hidden[texts], states)


class Reader:
    """Reads units left to right with a language model's encoder, whose weights must not change."""

    def __init__(self, model: Model[list[Doc], Any], nlp: Language) -> None:
        """model: an initialised `spacy-seqrnn.LanguageModel.v1`. nlp: its pipeline."""
        self.model = model
        self.vocab = nlp.vocab
        self._embed, encoders = split_encoders(origin_of(model.get_ref("tok2vec"), nlp))
        (encoder,) = encoders
        self._stack = left_to_right(encoder.layers[0])
        self._prepared = stack.prepare(self._stack)

    def begin(self, n_texts: int) -> Reading:
        """Before the first unit of some texts."""
        start = self.model.get_param("start")[:1]
        return Reading(self.model.ops.xp.repeat(start, n_texts, axis=0), None)

    def read(self, reading: Reading, units: list[list[str]]) -> Reading:
        """Read on. units: the next ones of each text, at least one for each."""
        docs = [Doc(self.vocab, words=words) for words in units]
        X, _ = run_packed(self._embed, DocBatch(docs), is_train=False)
        Y, states, _ = stack.read(
            self._stack, X, reading.states, is_train=False, prepared=self._prepared
        )
        last = np.cumsum(Y.packing.lengths) - 1
        return Reading(Y.rows(Y.packing.from_packed[last]), states)


def left_to_right(encoder: Model[Packed, Packed]) -> Model[Packed, Packed]:
    """The stack of an encoder that reads left to right, with the same weights."""
    if encoder._func is directions.forward:
        return encoder.layers[0]
    first = encoder.layers[0]
    if first.attrs["directions"] == 1:
        return encoder
    alone = RNN(
        cell=first.attrs["cell"],
        nO=first.get_dim("nO") // 2,
        nI=first.get_dim("nI"),
        bidirectional=False,
    )
    weights = layout_of(alone).join(direction_weights(first)[:1])
    alone.set_param("weights", to_xp(first.ops, weights))
    made = RNNStack([alone], residual=False, dropout=0.0, word_dropout=0.0)
    made.set_dim("nI", first.get_dim("nI"))
    return made
