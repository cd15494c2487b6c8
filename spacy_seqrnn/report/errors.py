"""The errors with the highest predicted probability, with their context."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from typing import TypeAlias

from spacy.tokens import Doc

from ..explain.alignment import Alignment
from .spans import RIGHT, Entity, EntityDoc, Matched

MOST_ERRORS = 20
MOST_ALIGNMENTS = 5
# How many characters to show on either side of an entity, and of a misclassified text
AROUND = 150
MOST_CHARACTERS = 400
ELLIPSIS = "…"


@dataclass(frozen=True)
class Mark:
    """An entity to highlight in a text, by its first character and the one after its last.

    wrong: whether this entity is the error.
    """

    label: str
    start: int
    end: int
    score: float | None
    wrong: bool


@dataclass(frozen=True)
class EntityError:
    """An entity that was predicted wrongly.

    text: the document, or the surroundings of the entity if the document is long.
    outcome: the kind of error; one of `spans.OUTCOMES`.
    score: the probability that the recogniser gives the entity; None if it gives none.
    entity: its text. label: its label.
    found, annotated: all predicted and all annotated entities in `text`.
    """

    text: str
    outcome: str
    score: float | None
    entity: str
    label: str
    found: tuple[Mark, ...]
    annotated: tuple[Mark, ...]


@dataclass(frozen=True)
class Word:
    """A token of a text, by its first character and the one after its last.

    attribution: what it adds to the probability of a category.
    """

    start: int
    end: int
    attribution: float


# What each token of a text adds to the probability of a category
Attribute: TypeAlias = Callable[[str, str], Sequence[tuple[str, float]]]


@dataclass(frozen=True)
class CategoryError:
    """A text with a wrong category.

    text: the document, or its beginning.
    score: the probability of the predicted category.
    label: the category in question: predicted, or wrongly not.
    words: what spoke for `label`, or against it; empty if the classifier cannot be explained.
    """

    text: str
    found: str
    annotated: str
    score: float
    label: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class TextError:
    """A text that was written, with the one of the reference. Both may be the same.

    source, reference, written: the texts, or their beginnings.
    error_rate: the edits from `written` to `reference`, by the characters of `reference`.
    alignment: what the units of `written` attend to; None if it is not shown.
    """

    source: str
    reference: str
    written: str
    error_rate: float
    alignment: Alignment | None = None


# What a component writes for a document, and what each unit of it attends to
Align: TypeAlias = Callable[[Doc], Alignment]


def entity_errors(docs: Iterable[EntityDoc], matched: Iterable[Matched]) -> list[EntityError]:
    """The wrong entities with the highest scores; the first ones if there are no scores.

    matched: the result of `spans.match` for each document.
    """
    found = nlargest(MOST_ERRORS, _wrong_entities(docs, matched), key=_score_of)
    return [_entity_error(*each) for each in found]


def _wrong_entities(
    docs: Iterable[EntityDoc], matched: Iterable[Matched]
) -> Iterator[tuple[EntityDoc, str, Entity]]:
    for doc, pairs in zip(docs, matched, strict=True):
        for outcome, (_, own) in pairs:
            if own is not None and outcome != RIGHT:
                yield doc, outcome, own


def _score_of(error: tuple[EntityDoc, str, Entity]) -> float:
    return error[2].score or 0.0


def _entity_error(doc: EntityDoc, outcome: str, entity: Entity) -> EntityError:
    start, end = _word_bounds(doc.text, entity.start - AROUND, entity.end + AROUND)
    before = ELLIPSIS if start > 0 else ""
    after = ELLIPSIS if end < len(doc.text) else ""
    return EntityError(
        text=before + doc.text[start:end] + after,
        outcome=outcome,
        score=entity.score,
        entity=doc.text[entity.start : entity.end],
        label=entity.label,
        found=_marks(doc.found, start, end, len(before), wrong=entity),
        annotated=_marks(doc.annotated, start, end, len(before)),
    )


def _word_bounds(text: str, start: int, end: int) -> tuple[int, int]:
    """Bounds of a part of a text, extended to whole words where there are spaces."""
    if start > 0:
        start = text.find(" ", start, start + AROUND) + 1 or start
    if end < len(text):
        space = text.rfind(" ", end - AROUND, end)
        end = space if space >= 0 else end
    return max(start, 0), min(end, len(text))


def _marks(
    entities: tuple[Entity, ...], start: int, end: int, offset: int, wrong: Entity | None = None
) -> tuple[Mark, ...]:
    shift = offset - start
    return tuple(
        Mark(e.label, max(e.start, start) + shift, min(e.end, end) + shift, e.score, e is wrong)
        for e in entities
        if e.start < end and e.end > start
    )


def category_errors(
    errors: Iterable[CategoryError], attribute: Attribute | None
) -> list[CategoryError]:
    """The errors with the highest scores, with their texts shortened.

    attribute: maps a text and a category to its tokens and what each adds to the category's
        probability; None if that is unknown.
    """
    found = nlargest(MOST_ERRORS, errors, key=_score_of_category)
    return [_category_error(error, attribute) for error in found]


def _category_error(error: CategoryError, attribute: Attribute | None) -> CategoryError:
    text = _cut(error.text)
    tokens = attribute(error.text, error.label) if attribute else []
    words = [word for word in _words(error.text, tokens) if word.end <= len(text)]
    return replace(error, text=text, words=tuple(words))


def worst_texts(found: Iterable[tuple[Doc, TextError]], align: Align) -> list[TextError]:
    """The texts with the highest error rates, shortened; the first of them with their alignment.

    found: documents with their annotation, and what was written for each.
    """
    worst = nlargest(MOST_ERRORS, found, key=_error_rate)
    return [
        replace(
            error,
            source=_cut(error.source),
            reference=_cut(error.reference),
            written=_cut(error.written),
            alignment=align(doc) if number < MOST_ALIGNMENTS else None,
        )
        for number, (doc, error) in enumerate(worst)
    ]


def _error_rate(found: tuple[Doc, TextError]) -> float:
    return found[1].error_rate


def _words(text: str, tokens: Iterable[tuple[str, float]]) -> Iterator[Word]:
    end = 0
    for token, attribution in tokens:
        start = text.index(token, end)
        end = start + len(token)
        yield Word(start, end, attribution)


def _score_of_category(error: CategoryError) -> float:
    return error.score


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    _, end = _word_bounds(text, 0, MOST_CHARACTERS)
    return text[:end] + ELLIPSIS
