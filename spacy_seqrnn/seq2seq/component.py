"""The component that `nlp.add_pipe("seqrnn_text2text")` adds: a text for a text."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
from spacy.errors import Errors
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab

from ..checks import MOST_ROWS, check_int
from ..config_errors import ConfigError
from ..lm.units import WORDS
from .extension import check_extension, set_extension
from .model import Seq2SeqModel
from .pipe import WIDEST_BEAM, Output, Seq2SeqPipe
from .units import SUBWORDS, learn_subwords


class RecurrentText2Text(Seq2SeqPipe):
    """Write a text for each document: a translation, a normal form, anything that examples show.

    The examples have it in an extension of their reference documents, `doc._.output` unless another
    name is set, and predictions go to the same one. A document without text gets "".
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Seq2SeqModel,
        name: str = "seqrnn_text2text",
        *,
        output: str = "output",
        max_subwords: int = 8000,
        max_units: int = 50_000,
        min_count: int = 1,
        beam: int = 1,
        length_penalty: float = 0.6,
        max_length: int = 300,
        max_growth: float = 3.0,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Create the component.

        vocab: the shared vocabulary.
        model: a `spacy-seqrnn.Seq2Seq.v1`.
        name: its name in the pipeline and in `losses`.
        output: the extension of documents with the text.
        max_subwords: how many subwords are learned at most, if source or target consists of some.
        max_units: the most units that it can write.
        min_count: how often a unit must occur in the training texts for that.
        beam: how many beginnings are continued at a time; 1 takes the most probable unit each time.
        length_penalty: how much longer texts are favoured (α of Wu et al. 2016); 0: not at all.
        max_length: the most units of a text.
        max_growth: the most units of a text for each unit of the source, beside ten in any case.
        scorer: the scoring method.

        Raises ValueError for an option that cannot work.
        """
        self.vocab = vocab
        self._set_up(
            model,
            name,
            max_units=max_units,
            min_count=min_count,
            beam=beam,
            length_penalty=length_penalty,
            max_length=max_length,
            max_growth=max_growth,
        )
        check_extension(output)
        check_int("max_subwords", max_subwords, 1, MOST_ROWS)
        self.output = output
        self.max_subwords = max_subwords
        self.scorer = scorer
        set_extension(output)

    def predict(self, docs: Iterable[Doc]) -> list[str]:
        """The best text for each document, without changing it."""
        found = self.write(self.sources(docs), beam=self.beam, k=1)
        return [outputs[0].text if outputs else "" for outputs in found]

    def set_annotations(self, docs: Iterable[Doc], texts: list[str]) -> None:
        """Write the texts to the extension."""
        for doc, text in zip(docs, texts, strict=True):
            doc._.set(self.output, text)

    def best(self, docs: Iterable[Doc], k: int, *, beam: int | None = None) -> list[list[Output]]:
        """The best texts for each document, with their scores.

        docs: the output of earlier components.
        k: the most texts for each.
        beam: how many beginnings are continued at a time, at least `k`. None: the component's.

        Returns up to `k` outputs for each document, the best first, and none for a document without
        text. Raises ValueError for a number out of its range.
        """
        beam = max(self.beam, k) if beam is None else beam
        check_int("k", k, 1, WIDEST_BEAM)
        check_int("beam", beam, k, WIDEST_BEAM)
        return self.write(self.sources(docs), beam=beam, k=k)

    def align(self, docs: Iterable[Doc], texts: Iterable[str]) -> list[np.ndarray]:
        """What each unit of given texts attends to in their documents.

        Returns the weights of the attention, of shape (n_units + 1, n_source_units) for each
        document; the last row is of the end of the text.
        """
        return self.attend(self.sources(docs), list(texts))

    def _read(self, examples: list[Example]) -> tuple[list[Doc], list[str | None]]:
        sources = self.sources(example.predicted for example in examples)
        return sources, [example.reference._.get(self.output) for example in examples]

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        corpus: Callable[[Language], Iterable[Example]] | None = None,
    ) -> None:
        """Count the units of the texts and determine the sizes of all layers.

        get_examples: returns the training examples.
        nlp: the pipeline.
        corpus: reads the examples whose units are counted. None: the training examples, of which
            spaCy gives only the first hundred with `max_epochs = -1` of [training].

        Raises ValueError if no example has a text.
        """
        validate_get_examples(get_examples, "RecurrentText2Text.initialize")
        sample = [example.predicted for example in islice(get_examples(), 10)]
        if not sample:
            raise ValueError(Errors.E923.format(name=self.name))
        examples = corpus(nlp) if corpus and nlp else get_examples()
        texts = self._texts(examples)
        first = next(texts, None)
        if first is None:
            raise ConfigError(
                "output",
                self.output,
                f"No example has a text in `doc._.{self.output}` to learn from: read the corpus "
                'with "spacy-seqrnn.Pairs.v1", or set `output` of '
                f"[components.{self.name}] to the extension that has the texts.",
            )
        if SUBWORDS in self._units:
            self._learn_subwords(corpus(nlp) if corpus and nlp else get_examples())
        self._count_units(chain([first], texts))
        self._set_sizes(self.sources(sample))

    def _learn_subwords(self, examples: Iterable[Example]) -> None:
        """Learn the subwords of sources and targets together, of those that consist of some."""
        source, target = (unit == SUBWORDS for unit in self._units)
        pairs = ((eg.reference.text, eg.reference._.get(self.output)) for eg in examples)
        texts = (
            text
            for pair in pairs
            for text, taken in zip(pair, (source, target), strict=True)
            if taken and text is not None
        )
        subwords = learn_subwords(texts, self.max_subwords)
        self.cfg["subwords"] = b64encode(subwords).decode("ascii")

    @property
    def _units(self) -> tuple[str, str]:
        """Those of source and target."""
        return self.model.attrs["source_unit"], self.model.attrs["target_unit"]

    def sources(self, docs: Iterable[Doc]) -> list[Doc]:
        """Documents whose tokens are the units that the encoder reads."""
        unit = self._units[0]
        if unit == WORDS:
            return list(docs)
        split = self._kind(unit).split
        units = ((doc.vocab, split(doc.text)) for doc in docs)
        return [Doc(vocab, words=each, spaces=[False] * len(each)) for vocab, each in units]

    def _texts(self, examples: Iterable[Example]) -> Iterator[str]:
        texts = (example.reference._.get(self.output) for example in examples)
        return (text for text in texts if text is not None)
