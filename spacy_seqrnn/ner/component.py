"""The entity recogniser that `nlp.add_pipe("seqrnn_ner")` adds."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from spacy.errors import Errors
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.util import check_lexeme_norms
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from ..batch.windows import Chunk
from ..crf.chain import Chain
from .biluo import n_tags, no_entities
from .inference import ChainInference
from .label_weights import LabelWeights
from .labels import share_labels
from .loss import ner_loss, read_gold, rehearsal_loss
from .predictions import Predictions, set_entities, set_scores
from .settings import check_model, check_rehearsal, check_spans_key
from .unlearnable import warn_of_unlearnable


class RecurrentNER(ChainInference):
    """Recognise entities with a linear chain over recurrent token vectors.

    It is a drop-in replacement for spaCy's `ner`, with the same annotation, labels and scores.
    Entities that an earlier component has set are kept. Tokens without annotation count as unknown
    in training.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Chain],
        name: str = "seqrnn_ner",
        *,
        incorrect_spans_key: str | None = None,
        spans_key: str | None = None,
        label_weights: LabelWeights | None = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Create the component.

        vocab: the shared vocabulary.
        model: maps documents to a `LinearChain`, e.g. `spacy-seqrnn.NER.v1`, or a `PooledChain`.
        name: its name in the pipeline and in `losses`.
        incorrect_spans_key: span group of the reference with spans that are known not to be
            entities of their label.
        spans_key: if given, `doc.spans[spans_key]` gets the entities, and its `attrs["scores"]`
            their
            probabilities: the total probability of all tag sequences that contain exactly the
                entity.
            The group follows its text when later components merge tokens; see `ScoredSpans`.
        label_weights: how many wrong entities are as bad as a missed one, by label, or one number
            for all; 1 if not given. See the property.
        scorer: the scoring method.

        Raises ValueError for a model that does not return a chain, a blank key or a weight that is
        not above 0.
        """
        check_model(name, model)
        check_spans_key(name, "spans_key", spans_key)
        check_spans_key(name, "incorrect_spans_key", incorrect_spans_key)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.incorrect_spans_key = incorrect_spans_key
        self.spans_key = spans_key
        self.label_weights = {} if label_weights is None else label_weights
        self.scorer = scorer
        # JSON only: it is saved. Unseen labels have had no entity in training yet.
        self.cfg: dict[str, Any] = {"labels": [], "unseen_labels": []}
        self._rehearsal_model: Model[list[Doc], Chain] | None = None
        self._has_warned = False  # about annotation that cannot be learned

    def predict(self, docs: Iterable[Doc]) -> Predictions:
        """Predict the entities of the best tag sequences, without changing the documents.

        docs: the output of earlier components; any number of documents, which may have no tokens.

        Returns the entities, with their probabilities if there is a `spans_key`.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return Predictions(no_entities(), np.zeros(0))
        chain = self.chains(docs)
        entities = self.entities(chain)
        return Predictions(entities, self.scores(chain, entities) if self.spans_key else None)

    def set_annotations(self, docs: Iterable[Doc], predictions: Predictions) -> None:
        """Write the entities to `doc.ents`, and with their scores to `doc.spans[spans_key]`.

        docs: the documents that `predict` was given.
        predictions: what it returned for them.
        """
        docs = list(docs)
        share_labels(self.labels, self.vocab, docs)
        names = [self.vocab.strings[label] for label in self.labels]
        for doc, spans, scores in predictions.spans(docs, names):
            entities = set_entities(doc, spans)
            if self.spans_key and predictions.scores is not None:
                set_scores(doc, self.spans_key, entities, spans, scores)

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
        sgd: the optimizer; None keeps the gradients for a later `finish_update`.
        losses: the loss is added under the component's name. It is the summed negative log
            probability of the gold annotation, in nats; in adversarial training the sum of both
            passes.

        Returns the losses. Raises ValueError if an annotation allows no tag sequence.

        To bound memory, long documents are read in windows and large batches in chunks, within the
        limits `spacy_seqrnn.batch.windows.TRAINING`.
        """
        examples = list(examples)
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, "RecurrentNER.update")
        self._see_labels(examples)
        docs = [example.predicted for example in examples]
        if not any(len(doc) for doc in docs):
            return losses
        # A batch without annotation is run too, with a gradient of zero: a shared tok2vec waits
        # for its last listener before it passes on the gradients of the others.
        set_dropout_rate(self.model, drop)
        gold = read_gold(examples, self._label_numbers, self.incorrect_spans_key)
        if not self._has_warned:
            self._has_warned = warn_of_unlearnable(self.name, examples, gold.tags)
        chunks = _in_chunks(self.model, docs, is_train=True, adversarial=True)
        for chunk, chain, backprop in chunks:
            loss, gradient = ner_loss(chain, gold.of(chunk))
            backprop(gradient.scale(1.0 / len(examples)))
            losses[self.name] += loss
        if sgd is not None:
            self.finish_update(sgd)
        return losses

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

        Rehearsal needs no annotation and counteracts forgetting while other examples are learned.
        The loss is the squared difference from all scores of the earlier model.

        examples: texts; their annotation is ignored.
        drop, sgd, losses: as for `update`; the loss is per token.

        Raises ValueError if the component listens to a shared `tok2vec`: spaCy's tok2vec does not
        rehearse, so neither model would receive token vectors.
        """
        losses = {} if losses is None else losses
        docs = [example.predicted for example in examples]
        if self._rehearsal_model is None or not any(len(doc) for doc in docs):
            return losses
        check_rehearsal(self.name, self.model)
        set_dropout_rate(self.model, drop)
        losses.setdefault(self.name, 0.0)
        per_token = 1.0 / sum(map(len, docs))
        students = _in_chunks(self.model, docs, is_train=True)
        # Without dropout: the noise of the earlier model would be learned as if it were true.
        teachers = _in_chunks(self._rehearsal_model, docs, is_train=False)
        for (_, chain, backprop), (_, earlier, _) in zip(students, teachers, strict=True):
            loss, gradient = rehearsal_loss(chain, earlier)
            backprop(gradient.scale(per_token))
            losses[self.name] += per_token * loss
        if sgd is not None:
            self.finish_update(sgd)
        return losses

    def get_loss(self, examples: Iterable[Example], chain: Chain) -> tuple[float, Chain]:
        """The loss of a batch, summed over documents, and the gradient of its mean.

        examples: annotated documents.
        chain: the model's output for the examples' predicted documents.

        Returns the loss in nats, and its gradient for every score of the chain.
        Raises ValueError if an annotation allows no tag sequence.
        """
        examples = list(examples)
        gold = read_gold(examples, self._label_numbers, self.incorrect_spans_key)
        loss, gradient = ner_loss(chain, gold)
        return loss, gradient.scale(1.0 / len(examples))

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        """Prepare for training: determine the labels and the sizes of all layers.

        get_examples: returns the training examples.
        nlp: the pipeline.
        labels: entity labels, e.g. from `spacy init labels`. None: those of the examples. There may
            be none yet: training adds labels as it meets them.

        A label is not predicted until training has met an entity of it.
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
        self.cfg.pop("temperature", None)  # fitted to the previous model
        self.model.set_dim("nO", n_tags(len(self.labels)))
        self.model.initialize(X=doc_sample)


def _in_chunks(
    model: Model[list[Doc], Chain], docs: list[Doc], *, is_train: bool, adversarial: bool = False
) -> Iterator[tuple[Chunk, Chain, Callable[[Chain], list[Doc]]]]:
    chunks: Iterator[tuple[Chunk, Chain, Callable[[Chain], list[Doc]]]]
    chunks = model.attrs["in_chunks"](model, docs, is_train, adversarial=adversarial)
    return chunks
