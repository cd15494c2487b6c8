from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_seqrnn.ner.annotations import (
    MISSING,
    OTHER,
    allowed_by_docs,
    allowed_by_gold,
    gold_tags,
    wrong_entities,
)
from spacy_seqrnn.ner.biluo import tag_names

NLP = spacy.blank("en")
LABELS = ["PER", "ORG"]
NUMBERS = {NLP.vocab.strings.add(label): i for i, label in enumerate(LABELS)}
NAMES = tag_names(LABELS)


def names_of(tags: np.ndarray) -> list[Any]:
    return [None if tag == MISSING else NAMES[tag] for tag in tags]


@st.composite
def annotated_docs(draw: DrawFn) -> Doc:
    """Documents whose tokens are in an entity, outside, blocked or not annotated."""
    texts: list[str] = []
    starts: list[tuple[str, int, int]] = []
    kinds: list[str] = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["O", "missing", "blocked", *LABELS]))
        size = draw(st.integers(1, 3)) if kind in LABELS else 1
        starts.append((kind, len(texts), len(texts) + size))
        # spaCy rejects entities that begin or end with whitespace.
        words = ["a", "Bo"] if kind in LABELS else ["a", "Bo", " ", "\n"]
        own = [draw(st.sampled_from(words))]
        texts += own * size
        kinds.append(kind)
    doc = Doc(NLP.vocab, words=texts)
    spans: dict[str, list[Span]] = {kind: [] for kind in ("O", "missing", "blocked", *LABELS)}
    for kind, start, end in starts:
        spans[kind].append(Span(doc, start, end, label=kind if kind in LABELS else ""))
    doc.set_ents(
        [span for label in LABELS for span in spans[label]],
        blocked=spans["blocked"],
        missing=spans["missing"],
        outside=spans["O"],
        default="missing",
    )
    return doc


@given(annotated_docs())
def test_gold_tags_are_what_spacys_ner_learns_from(reference: Doc) -> None:
    """The fast path through arrays, against spaCy's own alignment."""
    predicted = Doc(NLP.vocab, words=[token.text for token in reference])
    example = Example(predicted, reference)
    assert names_of(gold_tags([example], NUMBERS)) == example.get_aligned_ner()


@given(annotated_docs(), st.integers(0, 3))
def test_gold_tags_with_other_tokens(reference: Doc, first: int) -> None:
    """The same where two tokens of the reference are one in the prediction."""
    words = [token.text for token in reference]
    if first + 1 < len(words):
        words[first : first + 2] = ["".join(words[first : first + 2])]
    spaces = [False] * len(words)
    own = Doc(NLP.vocab, words=[token.text for token in reference], spaces=[False] * len(reference))
    own.set_ents([Span(own, e.start, e.end, e.label) for e in reference.ents], default="outside")
    example = Example(Doc(NLP.vocab, words=words, spaces=spaces), own)
    assert names_of(gold_tags([example], NUMBERS)) == example.get_aligned_ner()


@given(st.lists(annotated_docs(), min_size=1, max_size=4), st.booleans())
def test_gold_tags_of_a_batch(references: list[Doc], other_tokens: bool) -> None:
    """The batch is read at once; no document's annotation affects the next one."""
    examples = [Example(Doc(NLP.vocab, words=[t.text for t in doc]), doc) for doc in references]
    if other_tokens:
        own = doc_with(["a", "b"], [(0, 2, "PER")])
        examples.append(Example(Doc(NLP.vocab, words=["a b"]), own))
    expected = [gold_tags([example], NUMBERS) for example in examples]
    np.testing.assert_array_equal(gold_tags(examples, NUMBERS), np.concatenate(expected))


@pytest.mark.parametrize("words", [["a", "b", "c", "d"], ["a b", "c", "d"]])
def test_entities_of_labels_without_a_number(words: list[str]) -> None:
    """Evaluation data may have labels that training data did not have."""
    reference = Doc(NLP.vocab, words=["a", "b", "c", "d"])
    spans = [Span(reference, 0, 2, "NEW"), Span(reference, 2, 3, "PER")]
    reference.set_ents(spans)
    tags = gold_tags([Example(Doc(NLP.vocab, words=words), reference)], NUMBERS)
    assert tags.tolist() == [OTHER] * (len(words) - 2) + [NAMES.index("U-PER"), 0]
    allowed = allowed_by_gold(tags, len(NAMES))
    assert allowed.sum(axis=1).tolist() == [len(NAMES)] * (len(words) - 2) + [1, 1]


def test_gold_lattice() -> None:
    allowed = allowed_by_gold(np.asarray([0, MISSING, 4]), size=5)
    assert allowed.tolist() == [
        [True, False, False, False, False],
        [True] * 5,
        [False, False, False, False, True],
    ]


def doc_with(
    words: list[str],
    ents: list[tuple[int, int, str]] | tuple[()] = (),
    blocked: tuple[()] | list[int] = (),
    **options: Any,
) -> Doc:
    doc = Doc(NLP.vocab, words=words, **options)
    spans = [Span(doc, start, end, label=label) for start, end, label in ents]
    if ents or blocked:
        doc.set_ents(spans, blocked=[Span(doc, i, i + 1) for i in blocked], default="missing")
    return doc


def allowed_names(doc: Doc) -> list[set[str]]:
    allowed = allowed_by_docs([doc], NUMBERS, len(NAMES))
    assert allowed is not None
    return [{NAMES[i] for i in np.flatnonzero(row)} for row in allowed]


def test_nothing_set_allows_everything() -> None:
    assert allowed_by_docs([doc_with(["a", "b"]), doc_with([])], NUMBERS, len(NAMES)) is None


def test_preset_entities_are_fixed() -> None:
    doc = doc_with(["a", "b", "c", "d"], [(0, 1, "ORG"), (1, 3, "PER")])
    assert allowed_names(doc) == [{"U-ORG"}, {"B-PER"}, {"L-PER"}, set(NAMES)]


def test_preset_entities_of_unknown_labels_and_blocked_tokens_are_outside() -> None:
    doc = doc_with(["a", "b", "c"], [(0, 2, "NEW")], blocked=[2])
    assert allowed_names(doc) == [{"O"}, {"O"}, {"O"}]


def test_labels_that_cannot_be_predicted_yet() -> None:
    """Their tags exist, but an entity with such a label counts as one of an unknown label."""
    doc = doc_with(["a", "b"], [(0, 1, "ORG")])
    per = {name: number for name, number in NUMBERS.items() if number == 0}
    allowed = allowed_by_docs([doc], per, len(NAMES))
    assert allowed is not None
    assert allowed.tolist() == [[True] + [False] * 8, [True] * 9]


def test_outside_is_no_constraint() -> None:
    """spaCy's ner predicts entities where an earlier component has ruled them out."""
    doc = Doc(NLP.vocab, words=["a"])
    doc.set_ents([], default="outside")
    assert allowed_by_docs([doc], NUMBERS, len(NAMES)) is None


def test_no_entity_crosses_a_sentence_or_begins_with_whitespace() -> None:
    doc = doc_with(["a", " ", "b"], sent_starts=[True, False, True])
    first, space, second = allowed_names(doc)
    assert first == set(NAMES)  # nothing can continue at the first token
    assert second == {"O", "B-PER", "U-PER", "B-ORG", "U-ORG"}
    assert space == {"O", "I-PER", "I-ORG", "L-PER", "L-ORG"}


def test_preset_entity_may_cross_a_sentence() -> None:
    doc = doc_with(["a", "b"], [(0, 2, "PER")], sent_starts=[True, True])
    assert allowed_names(doc) == [{"B-PER"}, {"L-PER"}]


def example_with_wrong(
    wrong: list[tuple[int, int, str]], ents: tuple[()] | list[tuple[int, int, str]] = ()
) -> Example:
    reference = doc_with(["a", "b", "c"], ents)
    reference.spans["wrong"] = [Span(reference, *span) for span in wrong]
    return Example(Doc(NLP.vocab, words=["a", "b", "c"]), reference)


def test_wrong_entities() -> None:
    examples = [
        example_with_wrong([]),
        example_with_wrong([(0, 2, "ORG"), (2, 3, "PER"), (0, 1, "unheard of")]),
    ]
    wrong = wrong_entities(examples, "wrong", NUMBERS)
    assert wrong.docs.tolist() == [1, 1]
    assert wrong.starts.tolist() == [0, 2]
    assert wrong.lengths.tolist() == [2, 1]
    assert wrong.labels.tolist() == [1, 0]
    assert [NAMES[tag] for tag in wrong.tags()] == ["B-ORG", "L-ORG", "U-PER"]


def test_no_wrong_entities() -> None:
    assert len(wrong_entities([example_with_wrong([])], "other key", NUMBERS).docs) == 0


def test_right_and_wrong_at_once_is_named() -> None:
    example = example_with_wrong([(0, 2, "ORG")], ents=[(0, 2, "ORG")])
    with pytest.raises(ValueError, match="E868"):
        wrong_entities([example], "wrong", NUMBERS)
