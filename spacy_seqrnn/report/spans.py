"""Predicted and annotated entities of documents, and which of them correspond."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example

from .gather import TrainingWords, word_of

# What of an entity occurs in the training data
SEEN = ("seen as an entity", "all words seen", "a word unseen")
# How a predicted and an annotated entity differ, or which of the two is missing
RIGHT, OTHER_TYPE, OTHER_BOUNDS, OTHER_BOTH, MISSED, SPURIOUS = (
    "right",
    "right span, other type",
    "overlapping span, right type",
    "overlapping span, other type",
    "missed",
    "spurious",
)
OUTCOMES = (RIGHT, OTHER_TYPE, OTHER_BOUNDS, OTHER_BOTH, MISSED, SPURIOUS)


@dataclass(frozen=True)
class Entity:
    """An entity of a document.

    start, end: its first character, and the one after its last.
    score: the probability that the recogniser gives it; None if it is annotated or has no score.
    seen: what of it occurs in the training data, an index into `SEEN`; -1 if unknown.
    """

    label: str
    start: int
    end: int
    score: float | None
    seen: int

    @property
    def place(self) -> tuple[int, int]:
        return self.start, self.end

    @property
    def key(self) -> tuple[int, int, str]:
        return self.start, self.end, self.label


@dataclass(frozen=True)
class EntityDoc:
    """An annotated document. Both lists of entities are in the order of the text."""

    text: str
    n_tokens: int
    found: tuple[Entity, ...]
    annotated: tuple[Entity, ...]


Pair = tuple[Entity | None, Entity | None]  # annotated, predicted
Matched = list[tuple[str, Pair]]  # the pairs of a document, each with its outcome


def read_entities(
    example: Example, spans_key: str | None, trained: TrainingWords | None
) -> EntityDoc | None:
    """The entities of an example as spaCy's scorer counts them; None if it is not annotated.

    Predictions where annotation is missing are neither right nor wrong, and are skipped.

    spans_key: the span group with the scores of the predictions; None: there is none.
    """
    gold = example.reference
    if not gold.has_annotation("ENT_IOB"):
        return None
    scores = _scores(example.predicted, spans_key)
    to_gold = example.alignment.x2y
    found = []
    for span in example.predicted.ents:
        rows = to_gold[span.start : span.end]
        own = gold[int(rows[0]) : int(rows[-1]) + 1] if len(rows) else None
        if own is not None and all(token.ent_iob != 0 for token in own):
            score = scores.get((span.start, span.end, span.label))
            found.append(_entity(own, span.label_, score, trained))
    annotated = [_entity(span, span.label_, None, trained) for span in gold.ents]
    return EntityDoc(gold.text, len(gold), tuple(found), tuple(annotated))


def _scores(doc: Doc, spans_key: str | None) -> dict[tuple[int, int, int], float]:
    if spans_key is None or spans_key not in doc.spans:
        return {}
    group = doc.spans[spans_key]
    scores = np.asarray(group.attrs["scores"]).tolist()
    return {(s.start, s.end, s.label): value for s, value in zip(group, scores, strict=True)}


def _entity(span: Span, label: str, score: float | None, trained: TrainingWords | None) -> Entity:
    return Entity(label, span.start_char, span.end_char, score, _seen(span, trained))


def _seen(span: Span, trained: TrainingWords | None) -> int:
    if trained is None:
        return -1
    words = tuple(map(word_of, span))
    if words in trained.entities:
        return 0
    return 1 if trained.words.issuperset(words) else 2


def match(doc: EntityDoc) -> Matched:
    """Pair annotated with predicted entities, each at most once, and classify each pair.

    Pairs are made in the order of `OUTCOMES`; among overlapping ones, the longest overlap comes
    first. Entities that remain are missed or spurious.
    """
    pairs: Matched = []
    left_gold, left_own = dict(enumerate(doc.annotated)), dict(enumerate(doc.found))
    for outcome, _, i, j in sorted(_overlapping(doc)):
        if i in left_gold and j in left_own:
            pairs.append((OUTCOMES[outcome], (left_gold.pop(i), left_own.pop(j))))
    pairs += [(MISSED, (entity, None)) for entity in left_gold.values()]
    pairs += [(SPURIOUS, (None, entity)) for entity in left_own.values()]
    return pairs


def _overlapping(doc: EntityDoc) -> Iterator[tuple[int, int, int, int]]:
    """Index of the outcome, negative overlap, and the indices of both entities of each pair."""
    ends = [entity.end for entity in doc.found]
    for i, gold in enumerate(doc.annotated):
        for j in range(bisect_right(ends, gold.start), len(doc.found)):
            own = doc.found[j]
            if own.start >= gold.end:
                break
            yield OUTCOMES.index(_outcome(gold, own)), -_overlap(gold, own), i, j


def _overlap(a: Entity, b: Entity) -> int:
    return min(a.end, b.end) - max(a.start, b.start)


def _outcome(gold: Entity, own: Entity) -> str:
    same = gold.label == own.label
    if gold.place == own.place:
        return RIGHT if same else OTHER_TYPE
    return OTHER_BOUNDS if same else OTHER_BOTH


def labels_of(docs: Iterable[EntityDoc]) -> list[str]:
    """All labels that occur, sorted."""
    return sorted({entity.label for doc in docs for entity in (*doc.found, *doc.annotated)})
