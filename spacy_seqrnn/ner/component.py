"""The entity recogniser that `nlp.add_pipe("seqrnn_ner")` adds."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from math import log
from typing import Any

import numpy as np
from spacy.attrs import ENT_TYPE
from spacy.errors import Errors
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.util import check_lexeme_norms, minibatch
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from ..batch.windows import Piece, listens
from ..config_errors import ConfigError
from ..crf.chain import Chain, LinearChain, pooled
from ..crf.decoding import viterbi
from ..crf.expectations import segment_log_posteriors
from .annotations import LabelNumbers, allowed_by_docs, set_entities
from .biluo import BEGIN, TAGS_PER_LABEL, UNIT, Entities, entities_of_tags, n_tags
from .calibration import fit_temperature, judge
from .loss import ner_loss, read_gold, rehearsal_loss
from .scored_spans import ScoredSpans
from .serialization import SavedWithChecksum
from .settings import check_label, check_spans_key, check_weights
from .unlearnable import describe


@dataclass(frozen=True)
class Predictions:
    """What the recogniser found in a batch.

    entities: in the order of the text.
    scores: the probability of each, shape (n_entities,); None if they were not asked for.
    """

    entities: Entities
    scores: np.ndarray | None


class RecurrentNER(SavedWithChecksum):
    """Recognise entities with a linear chain over recurrent token vectors.

    It takes the place of spaCy's `ner`: same annotation, labels, scores and habits. Entities that
    an earlier component has set are kept. Tokens without annotation are learnt from as what they
    are, unknown.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Chain],
        name: str = "seqrnn_ner",
        *,
        incorrect_spans_key: str | None = None,
        spans_key: str | None = None,
        label_weights: float | dict[str, float] | None = None,
        scorer: Callable | None = None,
    ) -> None:
        """Create the component.

        vocab: the shared vocabulary.
        model: from documents to a `LinearChain`, e.g. `spacy-seqrnn.NER.v1`, or a `PooledChain`.
        name: its name in the pipeline and in `losses`.
        incorrect_spans_key: span group of the reference with spans that are known to be no entity
            of their label.
        spans_key: if given, `doc.spans[spans_key]` gets the entities, and its `attrs["scores"]`
            the probability of each: that of all readings of the document that have exactly it. The
            group follows its text when later components merge tokens; see `ScoredSpans`.
        label_weights: how many wrong entities are as bad as one that is missed, by label, or one
            number for all; 1 if not given. See the property.
        scorer: the scoring method.

        Raises ValueError for a model that gives no chain, a blank key or a weight that is not above
        0.
        """
        if not isinstance(model, Model) or "gives_chain" not in model.attrs:
            raise ConfigError(
                "model",
                None,
                f"The model of '{name}' gives no scores of tag sequences: set "
                f'`@architectures = "spacy-seqrnn.NER.v1"` in [components.{name}.model].',
            )
        check_spans_key(name, "spans_key", spans_key)
        check_spans_key(name, "incorrect_spans_key", incorrect_spans_key)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.incorrect_spans_key = incorrect_spans_key
        self.spans_key = spans_key
        self.label_weights = {} if label_weights is None else label_weights
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"labels": [], "unseen_labels": []}
        self._rehearsal_model: Model | None = None
        self._has_told = False  # of annotation that cannot be learnt

    @property
    def label_data(self) -> list[str]:
        """What `spacy init labels` saves and `initialize` takes."""
        return list(self.labels)

    @property
    def label_weights(self) -> float | dict[str, float]:
        """How many wrong entities are as bad as one that is missed, by label or for all.

        In prediction, the odds of each entity of the label are multiplied by its weight: where
        nothing else competes, an entity is found if its score is above 1 / (1 + weight). Above 1,
        more are found, and more that are none; below 1, fewer. Training and scores do not know of
        it, so it can be set at any time; what `spacy.load` is given in `config` is saved too.

        Raises ValueError for a weight that is not above 0.
        """
        return self._label_weights

    @label_weights.setter
    def label_weights(self, weights: float | dict[str, float]) -> None:
        check_weights(self.name, weights if isinstance(weights, dict) else {"all": weights})
        self._label_weights = dict(weights) if isinstance(weights, dict) else weights

    @property
    def _label_numbers(self) -> LabelNumbers:
        return {self.vocab.strings[label]: i for i, label in enumerate(self.labels)}

    def add_label(self, label: str) -> int:
        """Add a label.

        A trained model keeps what it has learnt, and does not predict the new label until it has
        been trained with an entity of it.

        label: an entity label such as "PER".

        Returns 1, or 0 if it is there already. Raises ValueError for what cannot be a label.
        """
        check_label(label)
        if label in self.labels:
            return 0
        size = n_tags(len(self.labels) + 1)
        if self.model.has_dim("nO"):
            self.model.attrs["resize_output"](self.model, size)
            self.cfg["unseen_labels"].append(label)
        self.cfg["labels"].append(label)
        self.vocab.strings.add(label)
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        """Prepare for training: find the labels and the sizes of all layers.

        get_examples: gives the training examples.
        nlp: the pipeline.
        labels: entity labels, e.g. from `spacy init labels`. None: those of the examples. There may
            be none yet: training adds those that it meets.

        Until training has met an entity of a label, it is not predicted.
        """
        validate_get_examples(get_examples, "RecurrentNER.initialize")
        check_lexeme_norms(self.vocab, "parser or NER")
        if labels is None:
            labels = sorted({span.label_ for eg in get_examples() for span in eg.reference.ents})
        for label in labels:
            self.add_label(label)
        self.cfg["unseen_labels"] = list(self.labels)
        self._check_label_weights()
        doc_sample = [example.predicted for example in islice(get_examples(), 10)]
        if not doc_sample:
            raise ValueError(Errors.E923.format(name=self.name))
        self.cfg.pop("temperature", None)  # of what was learnt before
        self.model.set_dim("nO", n_tags(len(self.labels)))
        self.model.initialize(X=doc_sample)

    def _check_label_weights(self) -> None:
        named = self.label_weights if isinstance(self.label_weights, dict) else {}
        unknown = [label for label in named if label not in self.labels]
        if unknown and self.labels:
            raise ConfigError(
                "label_weights",
                self.label_weights,
                f"Label '{unknown[0]}' in [components.{self.name}.label_weights] is none of the "
                f"labels {', '.join(self.labels)}: name one of them, or leave it out.",
            )

    def calibrate(
        self, nlp: Language, examples: Iterable[Example], *, batch_size: int = 256
    ) -> float:
        """Fit the temperature of the entities' scores (Guo et al. 2017).

        It changes no entity, unless there are `label_weights`, which then count for the new scores.

        nlp: the pipeline, whose earlier components run first.
        examples: annotated ones that the model was not trained on, best the development data.
        batch_size: examples that are read at a time.

        Returns the temperature, which is saved with the component. Whoever trains on has to
        calibrate again. Raises ValueError if there is no entity to learn from.
        """
        scored = []
        with nlp.select_pipes(disable=nlp.pipe_names[nlp.pipe_names.index(self.name) :]):
            for batch in minibatch((eg for eg in examples if len(eg.predicted)), batch_size):
                docs = list(nlp.pipe(example.predicted for example in batch))
                chain = self._constrain(pooled(self.model.predict(docs)), docs)
                found = self._best_entities(chain, temperature=1.0)
                scored.append(judge(batch, chain, found, self._label_numbers))
        if not any(len(batch.right) for batch in scored):
            raise ValueError(
                f"'{self.name}' cannot be calibrated: it finds no entity in the examples that is "
                "known to be right or wrong. Give it a trained model and annotated examples."
            )
        # Rounded, because settings are saved with ten digits and their checksum would count all.
        self.cfg["temperature"] = round(fit_temperature(scored), 6)
        return self.temperature

    def predict(self, docs: Iterable[Doc]) -> Predictions:
        """Find the entities of the best tag sequence, without changing the documents.

        The best is the most probable one, with `label_weights` the one whose probability times the
        weights of its entities is largest.

        docs: what earlier components made of the texts; any number, also without tokens.

        Returns the entities, with their probabilities if there is a `spans_key`.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return Predictions(entities_of_tags(*np.zeros((2, 0), dtype="int64")), np.zeros(0))
        chain = self._constrain(pooled(self.model.predict(docs)), docs)
        entities = self._best_entities(chain, self.temperature)
        scores = self._scores(chain, entities) if self.spans_key else None
        return Predictions(entities, scores)

    def _best_entities(self, chain: LinearChain, temperature: float) -> Entities:
        """The entities of the best tag sequences."""
        tags = self.model.ops.to_numpy(viterbi(self._weighted(chain, temperature)))
        return entities_of_tags(tags[chain.packing.from_packed], chain.packing.lengths)

    def _constrain(self, chain: LinearChain, docs: list[Doc]) -> LinearChain:
        """Rule out what the documents' annotation forbids and labels that were never trained."""
        numbers = self._label_numbers
        if self.cfg["unseen_labels"]:
            seen = [label not in self.cfg["unseen_labels"] for label in self.labels]
            seen_tags = np.asarray([True, *np.repeat(seen, TAGS_PER_LABEL)])
            chain = chain.restrict(chain.xp.asarray(seen_tags))
            numbers = {name: number for name, number in numbers.items() if seen[number]}
        allowed = allowed_by_docs(docs, numbers, n_tags(len(self.labels)))
        if allowed is None:
            return chain
        return chain.restrict(chain.xp.asarray(allowed[chain.packing.to_packed]))

    def _weighted(self, chain: LinearChain, temperature: float) -> LinearChain:
        """The chain in which each entity's odds at a temperature are multiplied by its weight."""
        if self.label_weights in ({}, 1.0):
            return chain
        self._check_label_weights()
        weights = np.asarray([log(self._weight_of(label)) for label in self.labels])
        of_tags = np.zeros((len(weights), TAGS_PER_LABEL))
        of_tags[:, [BEGIN, UNIT]] = weights[:, None]  # every entity has one of these tags, once
        added = chain.xp.asarray(temperature * np.concatenate([[0.0], of_tags.ravel()]))
        return replace(chain, emissions=chain.emissions + added)

    def _weight_of(self, label: str) -> float:
        if isinstance(self.label_weights, dict):
            return self.label_weights.get(label, 1.0)
        return self.label_weights

    def _tempered(self, chain: LinearChain) -> LinearChain:
        """The chain whose probabilities are shown: at the temperature that was fitted."""
        return chain if self.temperature == 1.0 else chain.scale(1.0 / self.temperature)

    def _scores(self, chain: LinearChain, entities: Entities) -> np.ndarray:
        chain = self._tempered(chain)
        scores = chain.xp.exp(segment_log_posteriors(chain, entities.segments()))
        return self.model.ops.to_numpy(scores).astype("float32")

    def set_annotations(self, docs: Iterable[Doc], predictions: Predictions) -> None:
        """Write the entities to `doc.ents`, and with their scores to `doc.spans[spans_key]`.

        docs: those that `predict` was given.
        predictions: what it gave for them.
        """
        docs = list(docs)
        entities = predictions.entities
        bounds = np.searchsorted(entities.docs, np.arange(len(docs) + 1)).tolist()
        starts, ends = entities.starts.tolist(), (entities.starts + entities.lengths).tolist()
        foreign = {id(doc.vocab): doc.vocab for doc in docs if doc.vocab is not self.vocab}
        for vocab, label in product(foreign.values(), self.labels):
            vocab.strings.add(label)
        hashes = [self.vocab.strings[label] for label in self.labels]
        labels = [hashes[number] for number in entities.labels.tolist()]
        scores = None if predictions.scores is None else predictions.scores.tolist()
        for doc, first, last in zip(docs, bounds, bounds[1:], strict=False):
            own = range(first, last)
            spans = [Span(doc, starts[i], ends[i], label=labels[i]) for i in own]
            entities_of_doc = set_entities(doc, spans)
            if self.spans_key and scores is not None:
                known = dict(zip(starts[first:last], scores[first:last], strict=True))
                doc.spans[self.spans_key] = _scored(doc, self.spans_key, entities_of_doc, known)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples.

        examples: annotated documents; new labels in them are added.
        drop: dropout rate, from 0 to below 1.
        sgd: the optimizer; None leaves the gradients for a later `finish_update`.
        losses: the loss is added under the component's name. It is the summed negative log
            probability of the gold annotation, in nats.

        Returns the losses. Raises ValueError if an annotation allows no tag sequence.

        Documents that are too long are read in windows and large batches in pieces, within the
        limits `spacy_seqrnn.batch.windows.TRAINING`, so that memory has a bound.
        """
        examples = list(examples)
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, "RecurrentNER.update")
        self._add_labels_of(examples)
        if not any(len(example.predicted) for example in examples):
            return losses
        # A batch without annotation goes all the way too, with a gradient of zero: a shared tok2vec
        # waits for its last listener before it passes on what the others have sent.
        set_dropout_rate(self.model, drop)
        gold = read_gold(examples, self._label_numbers, self.incorrect_spans_key)
        self._tell_what_is_not_learnt(examples, gold.tags)
        docs = [example.predicted for example in examples]
        for piece, chain, backprop in self._in_pieces(self.model, docs, is_train=True):
            loss, d_chain = ner_loss(chain, gold.of(piece))
            backprop(d_chain.scale(1.0 / len(examples)))
            losses[self.name] += loss
        if sgd is not None:
            self.finish_update(sgd)
        return losses

    def _add_labels_of(self, examples: list[Example]) -> None:
        """Labels that turn up in training are added, as spaCy's `ner` does, and are seen now."""
        found = {
            example.reference.vocab.strings[name]
            for example in examples
            for name in set(example.reference.to_array(ENT_TYPE).tolist()).difference({0})
        }
        for label in sorted(found.difference(self.labels)):
            self.add_label(label)
        if self.cfg["unseen_labels"]:
            unseen = [label for label in self.cfg["unseen_labels"] if label not in found]
            self.cfg["unseen_labels"] = unseen

    def _tell_what_is_not_learnt(self, examples: list[Example], tags: np.ndarray) -> None:
        """Warn of the first batch in which something is not; it is rarely the only one."""
        sentence = None if self._has_told else describe(examples, tags)
        if sentence is not None:
            self._has_told = True
            warnings.warn(
                f"'{self.name}': {sentence} Its tokens count as not annotated; `spacy debug data` "
                "looks through all of the data.",
                stacklevel=3,
            )

    def get_loss(self, examples: Iterable[Example], chain: Chain) -> tuple[float, Chain]:
        """The loss of a batch, summed over documents, and the gradient of its mean.

        examples: annotated documents.
        chain: what the model gave for the examples' predicted documents.

        Returns the loss in nats, and its gradient for every score of the chain.
        Raises ValueError if an annotation allows no tag sequence.
        """
        examples = list(examples)
        gold = read_gold(examples, self._label_numbers, self.incorrect_spans_key)
        loss, gradient = ner_loss(chain, gold)
        return loss, gradient.scale(1.0 / len(examples))

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
        **config: Any,
    ) -> dict[str, float]:
        """Learn to score as the model did when `nlp.resume_training` was called (Robins 1995).

        It needs no annotation and works against forgetting while other examples are learnt. The
        loss is the squared difference of all scores that the earlier model had.

        examples: texts; what they are annotated with does not matter.
        drop, sgd, losses: as for `update`; the loss is per token.

        Raises ValueError if the component listens to a shared `tok2vec`, since spaCy's does not
        rehearse, so that neither model would hear anything.
        """
        losses = {} if losses is None else losses
        docs = [example.predicted for example in examples]
        if self._rehearsal_model is None or not any(len(doc) for doc in docs):
            return losses
        if listens(self.model):
            raise ValueError(
                f"'{self.name}' cannot rehearse with the token vectors of a shared `tok2vec`: give "
                f"it its own before, with `nlp.replace_listeners('tok2vec', '{self.name}', "
                "['model.tok2vec'])`."
            )
        set_dropout_rate(self.model, drop)
        losses.setdefault(self.name, 0.0)
        per_token = 1.0 / sum(map(len, docs))
        students = self._in_pieces(self.model, docs, is_train=True)
        # Without dropout: what it draws for the earlier model would be learnt as if it were true.
        teachers = self._in_pieces(self._rehearsal_model, docs, is_train=False)
        for (_, chain, backprop), (_, earlier, _) in zip(students, teachers, strict=True):
            loss, d_chain = rehearsal_loss(chain, earlier)
            backprop(d_chain.scale(per_token))
            losses[self.name] += per_token * loss
        if sgd is not None:
            self.finish_update(sgd)
        return losses

    @staticmethod
    def _in_pieces(
        model: Model[list[Doc], Chain], docs: list[Doc], *, is_train: bool
    ) -> Iterator[tuple[Piece, Chain, Callable]]:
        return model.attrs["in_pieces"](model, docs, is_train)


def _scored(doc: Doc, key: str, entities: list[Span], scores: dict[int, float]) -> ScoredSpans:
    """All entities with their scores, by first token; what is there already has the score 1."""
    values = np.asarray([scores.get(span.start, 1.0) for span in entities], dtype="float32")
    return ScoredSpans(doc, name=key, spans=entities, attrs={"scores": values})
