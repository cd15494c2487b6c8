from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from spacy.tokens import Doc
from spacy.training import biluo_tags_to_spans, biluo_to_iob, iob_to_biluo
from spacy.vocab import Vocab

from spacy_seqrnn.config_errors import ConfigError
from spacy_seqrnn.ner.biluo import (
    Entities,
    biluo_constraints,
    entities_of_tags,
    n_tags,
    no_entities,
    tag_names,
)

LABELS = ["PER", "ORG"]
NAMES = tag_names(LABELS)
VOCAB = Vocab()


@pytest.fixture(autouse=True)
def own_constraints() -> None:
    """Each test computes the constraints that it tests."""
    biluo_constraints.cache_clear()


def is_valid(names: list[str]) -> bool:
    """By the definition of the scheme, one token after the other."""
    open_label = None
    for name in names:
        prefix, _, label = name.partition("-")
        if open_label is None:
            if prefix in ("I", "L"):
                return False
        elif prefix not in ("I", "L") or label != open_label:
            return False
        open_label = label if prefix in ("B", "I") else None
    return open_label is None


def test_names() -> None:
    assert [
        *("O", "B-PER", "I-PER", "L-PER", "U-PER"),
        *("B-ORG", "I-ORG", "L-ORG", "U-ORG"),
    ] == NAMES
    assert len(NAMES) == n_tags(2)
    assert tag_names([]) == ["O"]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_constraints_allow_the_valid_sequences_and_no_others(length: int) -> None:
    allowed = biluo_constraints(n_tags(2))
    n_valid = 0
    for tags in product(range(n_tags(2)), repeat=length):
        names = [NAMES[tag] for tag in tags]
        own = allowed.start[tags[0]] and allowed.end[tags[-1]]
        own = own and all(allowed.transitions[a, b] for a, b in pairwise(tags))
        assert bool(own) == is_valid(names), names
        n_valid += bool(own)
    assert n_valid > 0


@pytest.mark.parametrize("size", [0, 2, 3, 4, 6, 7, -1])
def test_sizes_that_no_labels_have(size: int) -> None:
    message = f"with {size} scores per token cannot be a BILUO tagger"
    with pytest.raises(ConfigError, match=message) as error:
        biluo_constraints(size)
    assert (error.value.option, error.value.value) == ("nO", size)


def test_a_later_label_leaves_earlier_tags_alone() -> None:
    small, large = biluo_constraints(5), biluo_constraints(9)
    assert (large.transitions[:5, :5] == small.transitions).all()
    assert (large.start[:5] == small.start).all()
    assert (large.end[:5] == small.end).all()


@st.composite
def tagged_docs(draw: DrawFn) -> list[list[str]]:
    """Documents as lists of tag names, each valid."""
    docs = []
    for _ in range(draw(st.integers(0, 4))):
        names = []
        for _ in range(draw(st.integers(0, 5))):
            label, size = draw(st.sampled_from(["", *LABELS])), draw(st.integers(1, 4))
            if not label:
                names.append("O")
            elif size == 1:
                names.append(f"U-{label}")
            else:
                names += [f"B-{label}", *[f"I-{label}"] * (size - 2), f"L-{label}"]
        docs.append(names)
    return docs


@given(tagged_docs())
def test_entities_are_those_that_spacy_reads(docs: list[list[str]]) -> None:
    tags = np.asarray([NAMES.index(name) for names in docs for name in names], dtype=int)
    entities = entities_of_tags(tags, np.asarray([len(names) for names in docs], dtype=int))
    expected = []
    for i, names in enumerate(docs):
        doc = Doc(VOCAB, words=["x"] * len(names))
        spans = biluo_tags_to_spans(doc, names)
        expected += [(i, span.start, len(span), LABELS.index(span.label_)) for span in spans]
    own = zip(entities.docs, entities.starts, entities.lengths, entities.labels, strict=True)
    assert [tuple(map(int, entity)) for entity in own] == expected


@given(tagged_docs())
def test_tags_of_entities(docs: list[list[str]]) -> None:
    names = [name for doc in docs for name in doc]
    tags = np.asarray([NAMES.index(name) for name in names], dtype=int)
    entities = entities_of_tags(tags, np.asarray([len(doc) for doc in docs], dtype=int))
    assert entities.tags().tolist() == [tag for tag in tags.tolist() if tag]


def test_tags_agree_with_spacys_own_conversion() -> None:
    iob = ["B-PER", "I-PER", "I-PER", "O", "B-ORG", "B-PER", "I-PER"]
    biluo = iob_to_biluo(iob)
    tags = np.asarray([NAMES.index(name) for name in biluo])
    entities = entities_of_tags(tags, np.asarray([7]))
    assert entities.starts.tolist() == [0, 4, 5]
    assert entities.lengths.tolist() == [3, 1, 2]
    assert biluo_to_iob([NAMES[tag] for tag in tags]) == iob


def test_no_entities() -> None:
    nothing = entities_of_tags(np.zeros(3, dtype=int), np.asarray([0, 3]))
    for entities in (nothing, no_entities()):
        assert isinstance(entities, Entities)
        fields = (entities.docs, entities.starts, entities.lengths, entities.labels)
        assert [len(field) for field in (*fields, entities.tags())] == [0] * 5
        assert {field.dtype.kind for field in fields} == {"i"}


ENTITIES = Entities(*np.asarray([[0, 0, 1], [2, 5, 0], [1, 3, 2], [1, 0, 1]]))


def test_a_subset_of_entities() -> None:
    some = ENTITIES.where(np.asarray([True, False, True]))
    fields = (some.docs, some.starts, some.lengths, some.labels)
    assert [field.tolist() for field in fields] == [[0, 1], [2, 0], [1, 2], [1, 1]]


def test_entities_as_segments() -> None:
    segments = ENTITIES.segments()
    assert segments.docs.tolist() == [0, 0, 1]
    assert segments.starts.tolist() == [2, 5, 0]
    assert segments.lengths.tolist() == [1, 3, 2]
    expected = ["U-ORG", "B-PER", "I-PER", "L-PER", "B-ORG", "L-ORG"]
    assert [NAMES[tag] for tag in segments.tags] == expected
