"""The categories that a text classifier predicts, compared with the annotated ones."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.training import Example

from .entities import Confusion
from .errors import Attribute, CategoryError, category_errors
from .gather import TrainingWords, word_of
from .groups import Group, by_length, by_unseen_share
from .reliability import Reliability, reliability
from .scores import LabelScores, Metric, Score, accuracy, counts_of_labels, f1, label_scores, score
from .scores import macro_f1 as macro_f1_of


@dataclass(frozen=True)
class CategoryDoc:
    """An annotated document.

    scores: the probability of each category. annotated: the gold values of the categories that have
        one.
    unseen: the share of words that are not in the training data; None if unknown.
    """

    text: str
    n_tokens: int
    scores: dict[str, float]
    annotated: dict[str, float]
    unseen: float | None


@dataclass(frozen=True)
class CategoryReport:
    """The evaluation of one component's categories.

    exclusive: whether each document has exactly one.
    accuracy: the share of documents whose most probable category is correct; None unless exclusive.
    macro_f1: the mean of the categories' F1.
    confusion: None unless exclusive.
    reliability: of the most probable category's probability, or, unless exclusive, of all
        probabilities.
    lengths, unseen: accuracy, or, unless exclusive, the F1 of all categories together, by document
        length and by the share of words that are not in the training data.
    errors: the errors with the highest predicted probability.
    """

    component: str
    exclusive: bool
    n_docs: int
    accuracy: Score | None
    macro_f1: Score
    labels: list[LabelScores]
    confusion: Confusion | None
    reliability: Reliability
    lengths: list[Group]
    unseen: list[Group] | None
    errors: list[CategoryError]


def read_categories(
    example: Example, labels: Sequence[str], exclusive: bool, trained: TrainingWords | None
) -> CategoryDoc | None:
    """The categories of an example; None if it is not annotated with any of the labels."""
    gold = {label: example.reference.cats.get(label) for label in labels}
    annotated = {label: float(value) for label, value in gold.items() if value is not None}
    if not annotated or (exclusive and max(annotated.values()) <= 0):
        return None
    words = list(map(word_of, example.reference))
    unseen = None
    if trained is not None:
        unseen = sum(word not in trained.words for word in words) / max(len(words), 1)
    scores = {label: float(example.predicted.cats.get(label, 0.0)) for label in labels}
    return CategoryDoc(example.reference.text, len(words), scores, annotated, unseen)


def category_report(
    component: str,
    docs: Sequence[CategoryDoc],
    labels: Sequence[str],
    *,
    exclusive: bool,
    threshold: float,
    attribute: Attribute | None = None,
) -> CategoryReport:
    """docs: annotated ones, not empty.

    threshold: the least probability of a predicted category, unless exclusive.
    attribute: as in `category_errors`.
    """
    answers = [_answers(doc, exclusive, threshold) for doc in docs]
    counts = counts_of_labels(answers, labels)
    right = np.asarray([[int(own == gold), 1] for _, own, gold in answers])
    grouped, metric = (right, accuracy) if exclusive else (counts, _micro_f1)
    judged = [each for doc in docs for each in _judged(doc, exclusive)]
    scores, truths = zip(*judged, strict=True)
    return CategoryReport(
        component=component,
        exclusive=exclusive,
        n_docs=len(docs),
        accuracy=score(right, accuracy) if exclusive else None,
        macro_f1=score(counts, macro_f1_of),
        labels=label_scores(counts, labels),
        confusion=_confusion(labels, answers) if exclusive else None,
        reliability=reliability(np.asarray(scores), np.asarray(truths)),
        lengths=by_length(np.asarray([doc.n_tokens for doc in docs]), grouped, metric),
        unseen=_by_unseen(docs, grouped, metric),
        errors=category_errors(_errors(docs, exclusive, threshold), attribute),
    )


Answers = tuple[list[str], list[str], list[str]]  # correct, predicted and annotated categories


def _answers(doc: CategoryDoc, exclusive: bool, threshold: float) -> Answers:
    if exclusive:
        own, gold = [_best(doc.scores)], [_best(doc.annotated)]
    else:
        own = [label for label in doc.annotated if doc.scores[label] >= threshold]
        gold = [label for label, value in doc.annotated.items() if value > 0]
    return [label for label in own if label in gold], own, gold


def _best(scores: dict[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def _micro_f1(counts: np.ndarray) -> np.ndarray:
    return f1(counts.sum(axis=-2))


def _judged(doc: CategoryDoc, exclusive: bool) -> list[tuple[float, bool]]:
    """Predicted probabilities, and whether what each predicts is true."""
    if exclusive:
        best = _best(doc.scores)
        return [(doc.scores[best], best == _best(doc.annotated))]
    return [(doc.scores[label], value > 0) for label, value in doc.annotated.items()]


def _confusion(labels: Sequence[str], answers: list[Answers]) -> Confusion:
    counts = Counter((gold, own) for _, (own,), (gold,) in answers)
    rows = tuple(tuple(counts[gold, own] for own in labels) for gold in labels)
    return Confusion(tuple(labels), tuple(labels), rows)


def _by_unseen(
    docs: Sequence[CategoryDoc], counts: np.ndarray, metric: Metric
) -> list[Group] | None:
    shares = [doc.unseen for doc in docs]
    if any(share is None for share in shares):
        return None
    return by_unseen_share(np.asarray(shares, dtype="float64"), counts, metric)


def _errors(
    docs: Sequence[CategoryDoc], exclusive: bool, threshold: float
) -> Iterator[CategoryError]:
    for doc in docs:
        if exclusive:
            own, gold = _best(doc.scores), _best(doc.annotated)
            if own != gold:
                yield CategoryError(doc.text, own, gold, doc.scores[own], own)
            continue
        for label, value in doc.annotated.items():
            p = doc.scores[label]
            if (p >= threshold) != (value > 0):
                names = (label, f"not {label}")
                own, gold = names if p >= threshold else names[::-1]
                score = p if p >= threshold else 1 - p
                yield CategoryError(doc.text, own, gold, score, label)
