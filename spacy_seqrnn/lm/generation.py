"""Write text with a language model."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from spacy.pipeline import Sentencizer

from ..checks import check_at_least, check_choice, check_int
from ..config_errors import ConfigError
from .component import RecurrentLM
from .find import find_language_model
from .reader import Reader, Reading
from .spaces import logits
from .units import END, N_SPECIAL, UNKNOWN, WORDS

STOPS = ["document", "sentence"]
SENTENCE_ENDS = frozenset(Sentencizer.default_punct_chars)


@dataclass(frozen=True)
class Choice:
    """How the next unit is chosen from the probabilities of all units.

    temperature: what the log probabilities are divided by; 0 always takes the most probable unit.
    top_k: choose among this many most probable units; None for all.
    top_p: choose among the fewest most probable units that have this much probability together
        (Holtzman et al. 2020); None for all.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        check_at_least("temperature", self.temperature, 0)
        if self.top_k is not None:
            check_int("top_k", self.top_k, 1)
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(
                "top_p", self.top_p, f"`top_p = {self.top_p}`: set it above 0, and to 1 or less."
            )

    def choose(self, scores: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Choose a unit for each text. scores: log probabilities, (n_texts, n_units)."""
        if self.temperature == 0:
            best: np.ndarray = scores.argmax(axis=1)
            return best
        scores = scores / self.temperature
        if self.top_k is not None and self.top_k < scores.shape[1]:
            bound = np.partition(scores, -self.top_k, axis=1)[:, [-self.top_k]]
            scores = np.where(scores < bound, -np.inf, scores)
        if self.top_p is not None and self.top_p < 1:
            scores = _nucleus(scores, self.top_p)
        return _draw(scores, random)


def _nucleus(scores: np.ndarray, top_p: float) -> np.ndarray:
    """The scores, -inf for units outside the most probable ones."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    ranked = np.sort(shares, axis=1)[:, ::-1]
    # What comes before it is not enough.
    inside = np.cumsum(ranked, axis=1, dtype="float64") - ranked < top_p
    bound = np.where(inside, ranked, np.inf).min(axis=1, keepdims=True)
    return np.where(shares < bound, -np.inf, scores)


def _draw(scores: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A unit for each text, distributed as the softmax of its scores. Shape (n_texts,)."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    ends = np.cumsum(shares, axis=1, dtype="float64")
    total = np.nextafter(ends[:, -1:], 0.0)  # so that what is drawn is below it in any case
    drawn: np.ndarray = (ends > total * random.random((len(ends), 1))).argmax(axis=1)
    return drawn


def generate(
    nlp: Language,
    prompt: str = "",
    *,
    words: int = 50,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stop: str = "document",
    component: str | None = None,
) -> Iterator[str]:
    """Continue a text, one word after the other, each with the space before it.

    nlp: a pipeline with a `seqrnn_lm`.
    prompt: the beginning, which is not repeated; "" to begin a text.
    words: the most words, or characters, to write.
    temperature, top_k, top_p: see `Choice`.
    seed: of the random choice; None for another text each time.
    stop: "document" at the end of the text, "sentence" also behind a full stop or the like.
    component: the name of the language model; None if there is one.

    The time for a word does not depend on how many came before. Raises ValueError for options out
    of their range and a pipeline without a language model.
    """
    check_int("words", words, 0)
    check_choice("stop", stop, STOPS)
    model = find_language_model(nlp, component)
    choice = Choice(temperature, top_k, top_p)
    writer = Writer(nlp, model)
    return (texts[0] for texts in writer.write(prompt, 1, words, choice, seed, stop))


class Writer:
    """Writes any number of texts side by side."""

    def __init__(self, nlp: Language, component: RecurrentLM) -> None:
        self.nlp = nlp
        self.component = component
        self.model = component.model
        self.units = component.vocabulary.units
        self.reader = Reader(component.model, nlp)

    def write(
        self,
        prompt: str,
        n_texts: int,
        most: int,
        choice: Choice,
        seed: int | None,
        stop: str,
    ) -> Iterator[list[str]]:
        """Yield the next piece of each text, "" for one that has ended."""
        random = np.random.default_rng(seed)
        reading = self.read_prompt(prompt, n_texts)
        going = np.arange(n_texts)  # the text of each row of the reading
        for step in range(most):
            units = choice.choose(self.scores(reading), random)
            spaces = self.spaces(reading, units, begins=not prompt and step == 0)
            pieces = [""] * n_texts
            for text, unit, space in zip(going, units.tolist(), spaces.tolist(), strict=True):
                if unit != END:
                    pieces[text] = self.piece(unit, space=space)
            yield pieces
            rows = np.flatnonzero([self._goes_on(unit, stop) for unit in units.tolist()])
            if not len(rows):
                return
            going = going[rows]
            words = [[self.word(unit)] for unit in units[rows].tolist()]
            reading = self.reader.read(reading.take(rows), words)

    def word(self, unit: int) -> str:
        """The word or character with a number."""
        return self.units[unit - N_SPECIAL]

    def piece(self, unit: int, *, space: bool) -> str:
        """A unit as it is written, with a space before it or none."""
        return f" {self.word(unit)}" if space else self.word(unit)

    def _goes_on(self, unit: int, stop: str) -> bool:
        return unit != END and not (stop == "sentence" and self.word(unit) in SENTENCE_ENDS)

    def read_prompt(self, prompt: str, n_texts: int) -> Reading:
        """Begin some texts with the same words, of which there may be none."""
        reading = self.reader.begin(1)
        if prompt:
            words = self.component.unit == WORDS
            units = [t.text for t in self.nlp.make_doc(prompt)] if words else list(prompt)
            reading = self.reader.read(reading, [units])
        return reading.take(np.zeros(n_texts, dtype="int64"))

    def scores(self, reading: Reading) -> np.ndarray:
        """Log probabilities of all units; the unknown one has -inf. Shape (n_texts, n_units)."""
        softmax = self.model.get_ref("softmax")
        scores: np.ndarray = self.model.ops.to_numpy(softmax.predict(reading.hidden))
        scores[:, UNKNOWN] = -np.inf
        return scores

    def spaces(self, reading: Reading, units: np.ndarray, *, begins: bool) -> np.ndarray:
        """Whether there is a space before each unit. Shape (n_texts,), bool.

        begins: whether the units are the first of their texts.
        """
        layer = self.model.maybe_get_ref("spaces")
        if layer is None or begins:
            return np.zeros(len(units), dtype=bool)
        odds: np.ndarray = self.model.ops.to_numpy(logits(layer, reading.hidden, units))
        return odds > 0


@dataclass(frozen=True)
class Found:
    """A continuation that beam search has found.

    text: the continuation.
    log_probability: of its units, and of the end of the text if it has one, in nats.
    n_units: how many these are.
    """

    text: str
    log_probability: float
    n_units: int

    @property
    def per_unit(self) -> float:
        """The mean log probability of a unit, by which continuations are compared."""
        return self.log_probability / max(self.n_units, 1)


def beam_search(
    nlp: Language,
    prompt: str = "",
    *,
    words: int = 50,
    beam: int = 5,
    component: str | None = None,
) -> list[Found]:
    """The most probable continuations of a text, best first.

    Only the `beam` most probable beginnings are read on at each step, so a better continuation may
    be missed. They are compared by the mean log probability of their units, as longer ones are less
    probable.

    nlp, prompt, words, component: see `generate`.
    beam: how many beginnings are read on, and how many continuations are returned at most.
    """
    check_int("words", words, 0)
    check_int("beam", beam, 1)
    writer = Writer(nlp, find_language_model(nlp, component))
    reading = writer.read_prompt(prompt, 1)
    texts, totals = [""], np.zeros(1)
    ended: list[Found] = []
    for step in range(words):
        scores = totals[:, None] + writer.scores(reading)  # (n_texts, n_units)
        best = np.argsort(-scores, axis=None)[: 2 * beam]
        rows, units = np.divmod(best, scores.shape[1])
        spaces = writer.spaces(reading.take(rows), units, begins=not prompt and step == 0)
        ahead: list[tuple[int, int, str, float]] = []
        for row, unit, space in zip(rows.tolist(), units.tolist(), spaces.tolist(), strict=True):
            total = float(scores[row, unit])
            if not np.isfinite(total) or len(ahead) == beam:
                break
            if unit == END:
                ended.append(Found(texts[row], total, step + 1))
            else:
                text = texts[row] + writer.piece(unit, space=space)
                ahead.append((row, unit, text, total))
        if not ahead:
            texts = []
            break
        texts, totals = [text for _, _, text, _ in ahead], np.asarray([t for *_, t in ahead])
        taken = reading.take(np.asarray([row for row, *_ in ahead]))
        reading = writer.reader.read(taken, [[writer.word(unit)] for _, unit, _, _ in ahead])
    ended += [Found(t, float(total), words) for t, total in zip(texts, totals, strict=False)]
    return sorted(ended, key=lambda found: found.per_unit, reverse=True)[:beam]
