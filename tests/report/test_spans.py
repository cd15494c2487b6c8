"""Entities, predicted and annotated, and how they are paired."""

import random

import pytest
import spacy
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_seqrnn.report.entities import entity_report
from spacy_seqrnn.report.errors import ELLIPSIS, entity_errors
from spacy_seqrnn.report.gather import TrainingWords
from spacy_seqrnn.report.spans import (
    MISSED,
    OTHER_BOTH,
    OTHER_BOUNDS,
    OTHER_TYPE,
    OUTCOMES,
    RIGHT,
    SPURIOUS,
    Entity,
    EntityDoc,
    match,
    read_entities,
)

VOCAB = spacy.blank("xx").vocab
LABELS = ["PER", "LOC", "ORG"]


def make_doc(words: list[str], spans: list[tuple[int, int, str]]) -> Doc:
    doc = Doc(VOCAB, words=words)
    doc.set_ents([Span(doc, start, end, label=label) for start, end, label in spans])
    return doc


def random_spans(chance: random.Random, n_tokens: int) -> list[tuple[int, int, str]]:
    """Entities of one to three tokens that do not overlap."""
    spans, start = [], 0
    while start < n_tokens:
        end = min(start + chance.choice([1, 1, 2, 3]), n_tokens)
        if chance.random() < 0.4:
            spans.append((start, end, chance.choice(LABELS)))
        start = end
    return spans


def random_examples(n: int) -> list[Example]:
    """Documents with random entities, some with other tokens or with missing annotation."""
    chance, examples = random.Random(0), []
    for i in range(n):
        words = [f"w{j}" for j in range(chance.randint(1, 12))]
        spans = random_spans(chance, len(words))
        gold = make_doc(words, spans)
        if i % 3 == 0:
            gone = Span(gold, 0, 1)
            gold.set_ents([e for e in gold.ents if e.start], missing=[gone], default="outside")
        if i % 10 == 0:
            gold = Doc(VOCAB, words=words)  # not annotated at all
        if i % 4 == 0:  # each word in two tokens
            words = [part for word in words for part in (word[:1], word[1:])]
            spaces = [bool(j % 2) for j in range(len(words))]
            predicted = Doc(VOCAB, words=words, spaces=spaces)
            doubled = [(2 * start, 2 * end, label) for start, end, label in spans]
            own = doubled if chance.random() < 0.6 else random_spans(chance, len(words))
            predicted.set_ents([Span(predicted, a, b, label=label) for a, b, label in own])
        else:
            own = spans if chance.random() < 0.6 else random_spans(chance, len(words))
            predicted = make_doc(words, own)
        examples.append(Example(predicted, gold))
    return examples


def test_scores_are_those_of_spacy() -> None:
    examples = random_examples(400)
    docs = [doc for example in examples if (doc := read_entities(example, None, None))]
    assert 300 < len(docs) < 400
    found = entity_report("ner", docs, None)
    theirs = get_ner_prf(examples)
    assert theirs["ents_f"] > 0.3
    assert found.total.f1.value == pytest.approx(theirs["ents_f"])
    assert found.total.precision.value == pytest.approx(theirs["ents_p"])
    assert found.total.recall.value == pytest.approx(theirs["ents_r"])
    for each in found.labels:
        assert each.f1.value == pytest.approx(theirs["ents_per_type"][each.label]["f"])
    # Every entity is in one pair, or alone.
    cells = [n for row in found.confusion.counts for n in row]
    assert sum(cells) == sum(found.outcomes.values())
    both = sum(found.outcomes[name] for name in (RIGHT, OTHER_TYPE, OTHER_BOUNDS, OTHER_BOTH))
    assert both + found.outcomes[MISSED] == found.total.annotated
    assert both + found.outcomes[SPURIOUS] == found.total.found
    assert found.outcomes[RIGHT] == found.total.right
    assert all(found.outcomes[name] for name in OUTCOMES)


def entity(start: int, end: int, label: str = "PER", score: float | None = None) -> Entity:
    return Entity(label, start, end, score, -1)


def outcomes(annotated: list[Entity], found: list[Entity]) -> list[str]:
    doc = EntityDoc("x" * 100, 100, tuple(found), tuple(annotated))
    return sorted(outcome for outcome, _ in match(doc))


@pytest.mark.parametrize(
    ("annotated", "found", "expected"),
    [
        ([entity(0, 4)], [entity(0, 4)], [RIGHT]),
        ([entity(0, 4)], [entity(0, 4, "LOC")], [OTHER_TYPE]),
        ([entity(0, 4)], [entity(0, 6)], [OTHER_BOUNDS]),
        ([entity(0, 4)], [entity(2, 6, "LOC")], [OTHER_BOTH]),
        ([entity(0, 4)], [entity(4, 6)], [MISSED, SPURIOUS]),
        ([entity(0, 9)], [entity(0, 4), entity(5, 9)], [OTHER_BOUNDS, SPURIOUS]),
        # A correct entity is paired before an overlapping one.
        ([entity(0, 4), entity(5, 9)], [entity(5, 9), entity(10, 12)], [MISSED, RIGHT, SPURIOUS]),
        ([entity(0, 3), entity(3, 9)], [entity(2, 9)], [MISSED, OTHER_BOUNDS]),
        ([], [], []),
    ],
)
def test_outcomes(annotated: list[Entity], found: list[Entity], expected: list[str]) -> None:
    assert outcomes(annotated, found) == sorted(expected)


def test_the_longest_overlap_comes_first() -> None:
    doc = EntityDoc("x" * 20, 20, (entity(2, 9),), (entity(0, 3), entity(3, 9)))
    (_, (gold, _)), *_ = match(doc)
    assert gold == entity(3, 9)


def test_what_training_has_seen_of_an_entity() -> None:
    trained = TrainingWords(frozenset(["new", "york", "oslo"]), frozenset([("new", "york")]))
    gold = make_doc(["New", "York", "Oslo", "Vik"], [(0, 2, "LOC"), (2, 3, "LOC"), (3, 4, "LOC")])
    doc = read_entities(Example(gold.copy(), gold), None, trained)
    assert doc
    assert [each.seen for each in doc.annotated] == [0, 1, 2]


def test_errors_are_the_surest_and_marked_in_a_part_of_the_text() -> None:
    text = "aa " * 200 + "Oslo" + " bb" * 200
    sure, unsure = entity(600, 604, "PER", 0.9), entity(3, 5, "PER", 0.2)
    doc = EntityDoc(text, 401, (unsure, sure), (entity(600, 604, "LOC"),))
    first, second = entity_errors([doc], [match(doc)])
    assert (first.score, first.outcome, first.entity) == (0.9, OTHER_TYPE, "Oslo")
    assert first.text.startswith(f"{ELLIPSIS}aa ")
    assert first.text.endswith(f" bb{ELLIPSIS}")
    (mark,), (gold,) = first.found, first.annotated
    assert mark.wrong
    assert first.text[mark.start : mark.end] == first.text[gold.start : gold.end] == "Oslo"
    assert (second.outcome, second.text[:5]) == (SPURIOUS, "aa aa")
    assert second.text[second.found[0].start :].startswith("aa")


def test_errors_of_long_words() -> None:
    text = "x" * 1000
    doc = EntityDoc(text, 1, (entity(500, 510, "PER", 0.5),), ())
    (error,) = entity_errors([doc], [match(doc)])
    assert len(error.text) < 320
    assert error.text[error.found[0].start : error.found[0].end] == "x" * 10
