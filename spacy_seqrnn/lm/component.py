"""The language model that `nlp.add_pipe("seqrnn_lm")` adds."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from spacy.errors import Errors
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from ..checks import check_int
from .loss import learn_units, units_at
from .model import Predictors, in_chunks, predict_states
from .softmax import likeliest, log_probabilities_of
from .spaces import train_spaces
from .surprisal import KEY, Surprisal, set_extensions
from .units import (
    Vocabulary,
    count_units,
    in_units,
    make_vocabulary,
    spaces_before,
)


class RecurrentLM(TrainablePipe):  # type: ignore[misc]  # spaCy has no types of it
    """A language model: the probability of each unit of a text, given those before it.

    It sets `token._.surprisal`, the negative binary logarithm of a token's probability in bits, and
    `doc._.perplexity`, 2 to the power of the mean surprisal of a document's units and of its end.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Predictors],
        name: str = "seqrnn_lm",
        *,
        max_units: int = 50_000,
        min_count: int = 2,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Create the component.

        vocab: the shared vocabulary.
        model: a `spacy-seqrnn.LanguageModel.v1`.
        name: its name in the pipeline and in `losses`.
        max_units: the most units that get a probability of their own; all others share one.
        min_count: how often a unit must occur in the training texts for that.
        scorer: the scoring method.
        """
        check_int("max_units", max_units, 1)
        check_int("min_count", min_count, 1)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.max_units = max_units
        self.min_count = min_count
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"units": []}
        self._vocabulary = make_vocabulary([])
        set_extensions()

    @property
    def unit(self) -> str:
        """What is predicted: "words" or "characters"."""
        unit: str = self.model.attrs["unit"]
        return unit

    @property
    def vocabulary(self) -> Vocabulary:
        """The units that have a probability of their own, looked up anew if they were replaced."""
        if self._vocabulary.units is not self.cfg["units"]:
            self._vocabulary = make_vocabulary(self.cfg["units"])
        return self._vocabulary

    def predict(self, docs: Iterable[Doc]) -> list[Surprisal]:
        """How surprising each document's tokens are, to the direction that reads left to right."""
        docs = list(docs)
        units = in_units(docs, self.unit)
        numbers = self.vocabulary.numbers_of(units)
        nats, is_best = [], []
        softmax, ops = self.model.get_ref("softmax"), self.model.ops
        for chunk, found in predict_states(self.model, units):
            targets = units_at(numbers[chunk.rows], found.positions[0].targets)
            states = found.states[0]
            nats.append(ops.to_numpy(log_probabilities_of(softmax, states, targets)))
            is_best.append(likeliest(softmax, states) == targets)
        return list(_split(docs, units, np.concatenate(nats), np.concatenate(is_best)))

    def set_annotations(self, docs: Iterable[Doc], surprisals: list[Surprisal]) -> None:
        """Write to `doc._.perplexity` and `token._.surprisal`."""
        for doc, surprisal in zip(docs, surprisals, strict=True):
            doc.user_data[KEY] = surprisal.as_dict()

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from texts. The loss is in nats, of all predictions of all directions."""
        examples = list(examples)
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, "RecurrentLM.update")
        docs = in_units([eg.predicted for eg in examples], self.unit)
        if not any(len(doc) for doc in docs):
            return losses
        set_dropout_rate(self.model, drop)
        numbers = self.vocabulary.numbers_of(docs)
        spaces = spaces_before(docs)
        softmax = self.model.get_ref("softmax")
        scale = 1.0 / len(numbers)
        for chunk, found, backprop in in_chunks(self.model, docs, is_train=True):
            self._learn_spaces(found, numbers[chunk.rows], spaces[chunk.rows], scale)
            loss, gradient = learn_units(softmax, found, numbers[chunk.rows], scale)
            losses[self.name] += loss
            backprop(gradient)
        if sgd is not None:
            self.finish_update(sgd)
        return losses

    def _learn_spaces(
        self, found: Predictors, numbers: np.ndarray, spaces: np.ndarray, scale: float
    ) -> None:
        """Learn where there is a space between two words, from the direction left to right.

        numbers, spaces: the unit of each token that is read, and whether a space is before it.
        """
        layer = self.model.maybe_get_ref("spaces")
        if layer is None:
            return
        states, positions = found.states[0], found.positions[0]
        between = np.flatnonzero((positions.states >= 0) & (positions.targets >= 0))
        tokens = positions.targets[between]
        rows = states[self.model.ops.xp.asarray(between)]
        train_spaces(layer, rows, numbers[tokens], spaces[tokens], scale)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        corpus: Callable[[Language], Iterable[Example]] | None = None,
    ) -> None:
        """Count the units and determine the sizes of all layers.

        get_examples: returns the training examples.
        nlp: the pipeline.
        corpus: reads the texts whose units are counted. None: those of the training examples, of
            which spaCy gives only the first hundred with `max_epochs = -1` of [training].
        """
        validate_get_examples(get_examples, "RecurrentLM.initialize")
        examples = corpus(nlp) if corpus and nlp else get_examples()
        docs = (example.predicted for example in examples)
        self.cfg["units"] = count_units(
            docs, self.unit, most=self.max_units, min_count=self.min_count
        )
        sample = [example.predicted for example in islice(get_examples(), 10)]
        if not sample:
            raise ValueError(Errors.E923.format(name=self.name))
        self.model.set_dim("nO", self.vocabulary.size)
        self.model.initialize(X=in_units(sample, self.unit))


def _split(
    docs: list[Doc], units: list[Doc], log_probabilities: np.ndarray, is_best: np.ndarray
) -> Iterator[Surprisal]:
    bits = -log_probabilities.astype("float64") / np.log(2)
    sizes = [len(doc) + 1 if len(doc) else 0 for doc in units]
    ends = np.cumsum(sizes).tolist()
    for doc, size, end in zip(docs, sizes, ends, strict=True):
        part = bits[end - size : end]
        if size not in (0, len(doc) + 1):  # characters: sum them up by token
            starts = [token.idx for token in doc]
            part = np.append(np.add.reduceat(part[:-1], starts), part[-1])
        yield Surprisal(part.astype("float32"), size, int(is_best[end - size : end].sum()))
