"""The entities that a pipeline predicts, compared with the annotated ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .errors import EntityError, entity_errors
from .groups import Group, by_kind, by_length
from .reliability import Reliability, reliability
from .scores import LabelScores, counts_of_labels, f1, label_scores
from .spans import OUTCOMES, RIGHT, SEEN, EntityDoc, Matched, labels_of, match
from .transitions import Transitions

ALL = "all"
NONE_ANNOTATED, NONE_FOUND = "(spurious)", "(missed)"


@dataclass(frozen=True)
class Confusion:
    """How often each annotated label (row) was predicted as each label (column)."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class EntityReport:
    """The evaluation of the entities.

    component: the component that predicts them.
    total: the scores of all labels together, counted as spaCy's scorer does.
    outcomes: how often each of `spans.OUTCOMES` occurs.
    confusion: the labels of all pairs, also of pairs with different bounds, and of unpaired
        entities.
    reliability: of the entities' scores; None if they have none.
    lengths: F1 by document length.
    seen: F1 by occurrence in the training data; None if unknown.
    transitions: None without a CRF.
    errors: the wrong entities with the highest scores.
    """

    component: str
    n_docs: int
    total: LabelScores
    labels: list[LabelScores]
    outcomes: dict[str, int]
    confusion: Confusion
    reliability: Reliability | None
    lengths: list[Group]
    seen: list[Group] | None
    transitions: Transitions | None
    errors: list[EntityError]


def entity_report(
    component: str, docs: Sequence[EntityDoc], transitions: Transitions | None
) -> EntityReport:
    """docs: annotated ones, not empty."""
    labels = labels_of(docs)
    matched = [match(doc) for doc in docs]
    counts = counts_of_labels(
        [_labels(doc, pairs) for doc, pairs in zip(docs, matched, strict=True)], labels
    )
    total = counts.sum(axis=1, keepdims=True)
    pairs = [each for own in matched for each in own]
    return EntityReport(
        component=component,
        n_docs=len(docs),
        total=label_scores(total, [ALL])[0],
        labels=label_scores(counts, labels),
        outcomes=_outcomes(pairs),
        confusion=_confusion(labels, pairs),
        reliability=_reliability(pairs),
        lengths=by_length(np.asarray([doc.n_tokens for doc in docs]), total[:, 0], f1),
        seen=_by_seen(docs, matched),
        transitions=transitions,
        errors=entity_errors(docs, matched),
    )


Labels = tuple[list[str], list[str], list[str]]  # of correct, predicted and annotated entities


def _labels(doc: EntityDoc, pairs: Matched) -> Labels:
    right = [gold.label for outcome, (gold, _) in pairs if outcome == RIGHT and gold]
    return right, [e.label for e in doc.found], [e.label for e in doc.annotated]


def _outcomes(pairs: Matched) -> dict[str, int]:
    counts = Counter(outcome for outcome, _ in pairs)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _confusion(labels: list[str], pairs: Matched) -> Confusion:
    rows, columns = (*labels, NONE_ANNOTATED), (*labels, NONE_FOUND)
    counts = Counter(
        (gold.label if gold else NONE_ANNOTATED, own.label if own else NONE_FOUND)
        for _, (gold, own) in pairs
    )
    return Confusion(rows, columns, tuple(tuple(counts[r, c] for c in columns) for r in rows))


def _reliability(pairs: Matched) -> Reliability | None:
    scored = [(own.score, o == RIGHT) for o, (_, own) in pairs if own and own.score is not None]
    if not scored:
        return None
    scores, right = zip(*scored, strict=True)
    return reliability(np.asarray(scores), np.asarray(right))


def _by_seen(docs: Sequence[EntityDoc], matched: list[Matched]) -> list[Group] | None:
    if any(entity.seen < 0 for doc in docs for entity in doc.annotated):
        return None
    names = [
        (
            [SEEN[gold.seen] for outcome, (gold, _) in pairs if outcome == RIGHT and gold],
            [SEEN[entity.seen] for entity in doc.found],
            [SEEN[entity.seen] for entity in doc.annotated],
        )
        for doc, pairs in zip(docs, matched, strict=True)
    ]
    counts = counts_of_labels(names, SEEN)
    return by_kind(SEEN, counts, counts.sum(axis=0)[:, 2], f1)
