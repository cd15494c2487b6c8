"""What components that write text have in common: the search, learning, and the units."""

from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from thinc.api import Model, Optimizer, set_dropout_rate

from ..checks import check_at_least, check_int
from ..config_errors import ConfigError
from .decoder import attention_of
from .decoding import Search, search
from .hypotheses import Hypothesis
from .model import Seq2SeqModel, decoders_of, has_attention
from .training import align, train_decoder
from .units import Units, make_units
from .vocab import Copied, TargetVocabulary, count_units

# Larger values are mistakes.
LONGEST = 100_000
WIDEST_BEAM = 10_000
STRONGEST_PENALTY = 10
MORE = 10  # units that an output may have beyond its share, for very short sources


@dataclass(frozen=True)
class Output:
    """A text that a component has written.

    text: the text.
    log_probability: of its units and its end, in nats.
    score: that divided by the length penalty, by which outputs are compared.
    """

    text: str
    log_probability: float
    score: float


class Seq2SeqPipe(TrainablePipe):  # type: ignore[misc]  # spaCy has no types of it
    """The part of a component that learns which text to write for a source, and writes it.

    A source is a document whose tokens are units.
    """

    def _set_up(
        self,
        model: Seq2SeqModel,
        name: str,
        *,
        max_units: int,
        min_count: int,
        beam: int,
        length_penalty: float,
        max_length: int,
        max_growth: float,
    ) -> None:
        """Check and keep the options that all these components have."""
        check_model(name, model)
        check_int("max_units", max_units, 1)
        check_int("min_count", min_count, 1)
        check_int("beam", beam, 1, WIDEST_BEAM)
        _check_length_penalty(length_penalty)
        check_int("max_length", max_length, 1, LONGEST)
        check_at_least("max_growth", max_growth, 0)
        self.model = model
        self.name = name
        self.max_units = max_units
        self.min_count = min_count
        self.beam = beam
        self.length_penalty = length_penalty
        self.max_length = max_length
        self.max_growth = max_growth
        # Subwords are bytes in base64, as JSON has no bytes.
        self.cfg: dict[str, Any] = {"units": [], "subwords": ""}
        self._vocabulary: TargetVocabulary | None = None
        self._kinds: dict[tuple[str, str], Units] = {}

    @property
    def vocabulary(self) -> TargetVocabulary:
        """The units that it can write, looked up anew if they were replaced."""
        if self._vocabulary is None or self._vocabulary.units is not self.cfg["units"]:
            kind = self._kind(self.model.attrs["target_unit"])
            self._vocabulary = TargetVocabulary(self.cfg["units"], kind)
        return self._vocabulary

    def _kind(self, unit: str) -> Units:
        """The units of this name."""
        key = unit, self.cfg["subwords"]
        if key not in self._kinds:
            self._kinds[key] = make_units(unit, b64decode(self.cfg["subwords"]))
        return self._kinds[key]

    def write(self, sources: list[Doc], *, beam: int, k: int) -> list[list[Output]]:
        """The k best texts for each source; none for one without units.

        sources: documents whose tokens are units.
        beam: how many beginnings are continued at a time.
        """
        lengths = np.asarray([len(source) for source in sources])
        if not lengths.any():
            return [[] for _ in sources]
        most = np.minimum(self.max_length, lengths * self.max_growth + MORE).astype("int64")
        how = Search(beam, self.length_penalty, min(beam, k))
        members = zip(decoders_of(self.model), self.model.predict(sources), strict=True)
        copied = self._find_copied(sources)
        found = search(list(members), most, how, copied.numbers)
        return [
            [self._output(one, others) for one in of_source] if length else []
            for of_source, length, others in zip(
                found, lengths.tolist(), copied.others, strict=True
            )
        ]

    def _output(self, found: Hypothesis, others: Sequence[str]) -> Output:
        text = self.vocabulary.text_of(found.units, others)
        return Output(text, found.log_probability, found.score)

    def _find_copied(self, sources: list[Doc]) -> Copied:
        """The units of the sources, if the decoder copies them."""
        if decoders_of(self.model)[0].attrs["copy"]:
            return self.vocabulary.find_copied(sources)
        return Copied(None, [[] for _ in sources])

    def attend(self, sources: list[Doc], texts: list[str]) -> list[np.ndarray]:
        """What each unit of given texts, and their end, attends to in their sources.

        sources: documents whose tokens are units.

        Returns weights of shape (n_units + 1, n_source_units) for each source, the mean of an
        ensemble's members that have attention; (n_units + 1, 0) if none has.
        """
        targets = [self.vocabulary.numbers_of(text) for text in texts]
        if not any(map(len, sources)) or not has_attention(self.model):
            return [np.zeros((len(units) + 1, 0), dtype="float32") for units in targets]
        members = zip(decoders_of(self.model), self.model.predict(sources), strict=True)
        found = [
            map(self.model.ops.to_numpy, align(decoder, states, targets))
            for decoder, states in members
            if attention_of(decoder)
        ]
        return [np.mean(of_source, axis=0) for of_source in zip(*found, strict=True)]

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples.

        examples: what has no text to write is ignored.
        drop: dropout rate, from 0 to below 1.
        sgd: the optimizer; None keeps the gradients for a later `finish_update`.
        losses: the loss is added under the component's name: the negative log probability of all
            units, in nats, with label smoothing if there is some. Of an ensemble, it is the mean
            of the members', each of which learns as if it were alone.

        Returns the losses.
        """
        examples = list(examples)
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, f"{type(self).__name__}.update")
        sources, texts = self._read(examples)
        if not any(len(source) for source in sources):
            return losses
        # A source without units is never predicted, so nothing is learned from it.
        copied = self._find_copied(sources)
        targets = [
            self.vocabulary.numbers_of(text, others) if text is not None and len(source) else None
            for source, text, others in zip(sources, texts, copied.others, strict=True)
        ]
        n_units = sum(len(units) + 1 for units in targets if units is not None)
        set_dropout_rate(self.model, drop)
        scale = 1.0 / max(n_units, 1)
        # Without a text too: a shared tok2vec waits for its last listener.
        states, backprop = self.model.begin_update(sources)
        gradients = []
        for decoder, of_member in zip(decoders_of(self.model), states, strict=True):
            loss, gradient = train_decoder(decoder, of_member, targets, scale, copied.numbers)
            gradients.append(gradient)
            losses[self.name] += loss / len(states)
        backprop(gradients)
        if sgd is not None:
            self.finish_update(sgd)
        return losses

    def _read(self, examples: list[Example]) -> tuple[list[Doc], list[str | None]]:
        """The sources of examples, and the text of each; None for an unknown one."""
        raise NotImplementedError

    def _count_units(self, texts: Iterable[str]) -> None:
        """Determine the units that it can write. Raises ConfigError if none is frequent enough."""
        unit = self.model.attrs["target_unit"]
        kind = self._kind(unit)
        self.cfg["units"] = count_units(texts, kind, most=self.max_units, min_count=self.min_count)
        if not self.cfg["units"] and self.min_count > 1:
            raise ConfigError(
                "min_count",
                self.min_count,
                f"`min_count = {self.min_count}` leaves nothing to write, because none of the "
                f"{unit} of the training texts is so frequent: set it to 1.",
            )

    def _set_sizes(self, sources: list[Doc]) -> None:
        """Determine the sizes of all layers, with some of the sources."""
        self.model.set_dim("nO", self.vocabulary.size)
        self.model.initialize(X=sources)


def _check_length_penalty(value: float) -> None:
    check_at_least("length_penalty", value, 0)
    if value > STRONGEST_PENALTY:
        raise ConfigError(
            "length_penalty",
            value,
            f"`length_penalty = {value}` cannot work: set it to {STRONGEST_PENALTY} or less; 1 "
            "already compares log probabilities by unit.",
        )


def check_model(name: str, model: Any) -> None:
    """Raise ConfigError if a model has no decoder. name: the component's."""
    if not isinstance(model, Model) or "target_unit" not in model.attrs:
        raise ConfigError(
            "model",
            None,
            f"The model of '{name}' writes no text: set "
            f'`@architectures = "spacy-seqrnn.Seq2Seq.v1"` in [components.{name}.model].',
        )
