"""Our language model, with the recipe of `spacy seqrnn init-config --task lm`."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np
import spacy
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import Optimizer, fix_random_seed

from spacy_seqrnn.batch.composition import run_packed, split_encoders
from spacy_seqrnn.batch.docs import DocBatch
from spacy_seqrnn.cli.init_config import init_config
from spacy_seqrnn.lm.generation import generate
from spacy_seqrnn.lm.scorer import score_texts
from spacy_seqrnn.lm.units import CHARACTERS, WORDS

from .clock import Budget
from .text import Lines

NAME = "seqrnn_lm"
BATCH = {WORDS: 2500, CHARACTERS: 2500}
WARM_UP = 0.02  # the share of the time in which the learning rate grows
END = "\n"  # of a line within a document


class OurModel:
    """A pipeline with nothing but a language model."""

    def __init__(self, vocabulary: list[str], unit: str, width: int) -> None:
        """vocabulary: the units, the most frequent first. width: of the states."""
        fix_random_seed(0)
        config: Any = init_config(task="lm").interpolate()
        component, training = config["components"][NAME], config["training"]
        # The units of `vocabulary`, all of them
        component["min_count"], component["max_units"] = 1, max(len(vocabulary), 1)
        component["model"]["unit"] = unit
        component["model"]["tok2vec"]["encode"]["width"] = width
        component["model"]["tok2vec"]["embed"]["layers"]["words"]["rows"] = len(vocabulary)
        self.unit = unit
        self.dropout: float = training["dropout"]
        self.rate: float = training["optimizer"]["learn_rate"]["initial_rate"]
        settings = {**training["optimizer"], "learn_rate": self.rate}
        self.optimizer: Optimizer = registry.resolve({"optimizer": settings})["optimizer"]
        self.nlp = spacy.blank("en")
        self.nlp.add_pipe(component.pop("factory"), name=NAME, config=component)
        self._initialize(vocabulary)
        self.units = 0  # read in training

    def _initialize(self, vocabulary: list[str]) -> None:
        """Let the vocabulary be that of the model, in this order, with a vector for each unit."""
        docs = [Doc(self.nlp.vocab, words=[unit]) for unit in vocabulary]
        self.nlp.initialize(lambda: [Example(doc, doc) for doc in docs])
        embed, _ = split_encoders(self.model.get_ref("tok2vec"))
        run_packed(embed, DocBatch(docs), is_train=True)

    @property
    def model(self) -> Any:
        """The component's model."""
        pipe: Any = self.nlp.get_pipe(NAME)
        return pipe.model

    @property
    def parameters(self) -> int:
        """How many the model has."""
        nodes = list(self.model.walk())
        return sum(node.get_param(name).size for node in nodes for name in node.param_names)

    def train(self, documents: list[list[str]], budget: Budget) -> None:
        """Pass over documents in random order until the time is spent."""
        batches = self.batches(documents)
        for share in budget.left():
            self.optimizer.learn_rate = self.rate * min(share / WARM_UP, 1 - share)
            budget.spend(partial(self.steps, islice(batches, 1)))

    def steps(self, batches: Iterable[list[list[str]]]) -> None:
        """Learn from some batches."""
        for batch in batches:
            self._learn(batch)

    def _learn(self, batch: list[list[str]]) -> None:
        docs = self.docs(batch)
        self.units += sum(len(doc.text if self.unit == CHARACTERS else doc) + 1 for doc in docs)
        examples = [Example(doc, doc) for doc in docs]
        self.nlp.update(examples, drop=self.dropout, sgd=self.optimizer)

    def batches(self, documents: list[list[str]]) -> Iterator[list[list[str]]]:
        """Infinitely many, in random order, of about equal size."""
        random = np.random.default_rng(0)
        batch: list[list[str]] = []
        size = 0
        while True:
            for number in random.permutation(len(documents)).tolist():
                batch.append(documents[number])
                size += self._size(documents[number])
                if size >= BATCH[self.unit]:
                    yield batch
                    batch, size = [], 0

    def _size(self, words: list[str]) -> int:
        return len(words) if self.unit == WORDS else sum(map(len, words)) + len(words)

    def docs(self, documents: list[list[str]]) -> list[Doc]:
        """As spaCy's documents, without annotation."""
        return [make_doc(self.nlp.vocab, words) for words in documents]

    def scores(self, documents: list[list[str]]) -> dict[str, float]:
        """Perplexity and bits per character."""
        docs = self.nlp.pipe(self.docs(documents))
        return score_texts(Example(doc, doc) for doc in docs)

    def write(self, n_units: int) -> list[str]:
        """Write texts, one after the other, until there are so many units, ends included."""
        written: list[str] = []
        while len(written) < n_units:
            written += generate(self.nlp, words=n_units - len(written), seed=len(written))
        return written


def make_doc(vocab: Vocab, words: list[str]) -> Doc:
    """A document with a space between any two words, and none behind the last one."""
    return Doc(vocab, words=words, spaces=[True] * (len(words) - 1) + [False])


def group(lines: Lines, n_lines: int) -> list[list[str]]:
    """Documents of so many lines each, which `END` separates; the last one ends a document."""
    return [
        list(chain.from_iterable([*line, END] for line in lines[i : i + n_lines]))[:-1]
        for i in range(0, len(lines), n_lines)
    ]
