"""Entities that can never be predicted are not learned, and a warning says so."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed

from spacy_seqrnn.ner.annotations import MISSING
from spacy_seqrnn.ner.labels import label_numbers
from spacy_seqrnn.ner.loss import read_gold

from ..pipes import get_pipe
from ..small import small_ner

# Words, the entity, and whether spaCy's `ner` can learn it
SPACES = {
    "ends with a newline": (["Jon", "\n", "sings"], (0, 2), True),
    "ends with a space": (["Jon", " ", "sings"], (0, 2), True),
    "has one within": (["Jon", "\n", "Snow", "sings"], (0, 3), True),
    "begins with a newline": (["\n", "Jon", "sings"], (0, 2), False),
    "is a space": (["Jon", " ", "sings"], (1, 2), False),
}


def example_of(
    nlp: Language,
    words: list[str],
    *spans: tuple[int, int],
    sent_starts: list[int] | None = None,
    predicted: list[str] | None = None,
) -> Example:
    docs = [Doc(nlp.vocab, words=own) for own in (predicted or words, words)]
    docs[1].set_ents([Span(docs[1], start, end, "PER") for start, end in spans])
    if sent_starts is not None:
        for token in docs[0]:
            token.is_sent_start = token.i in sent_starts
    return Example(*docs)


def learned(
    factory: str, make_example: Callable[..., Any], steps: int = 40
) -> list[tuple[int, int]]:
    """The entities that are predicted for the training data."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, config={"model": small_ner()} if factory == "seqrnn_ner" else {})
    optimizer = nlp.initialize(lambda: [make_example(nlp)])
    optimizer.learn_rate = 0.02
    for _ in range(steps):
        nlp.update([make_example(nlp)], sgd=optimizer)
    doc = nlp.get_pipe(factory)(make_example(nlp).predicted)
    return [(entity.start, entity.end) for entity in doc.ents]


@pytest.mark.parametrize("kind", SPACES)
@pytest.mark.parametrize("factory", ["seqrnn_ner", "ner"])
def test_white_space_in_entities(kind: str, factory: str) -> None:
    words, span, can_be_learned = SPACES[kind]
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = learned(factory, lambda nlp: example_of(nlp, words, span))
    assert (result == [span]) == can_be_learned
    told = [str(w.message) for w in found if "cannot be learned" in str(w.message)]
    assert len(told) == (factory == "seqrnn_ner" and not can_be_learned)


def nlp_of(**config: Any) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": small_ner(), **config})
    get_pipe(nlp, "seqrnn_ner").add_label("PER")
    nlp.initialize()
    return nlp


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"words": ["\n", "Jon", "and", "Ann"], "spans": [(0, 2), (3, 4)]},
            r"'seqrnn_ner': 1 of the 3 entities .* e.g. '\\n Jon' \(PER\), because it begins with "
            "white space",
        ),
        (
            {"words": ["Jon", "Snow", "sings"], "spans": [(0, 2)], "sent_starts": [0, 1]},
            r"1 of the 2 entities .* 'Jon Snow' \(PER\), because it crosses the start of a",
        ),
        (
            {"words": ["Jon", "s"], "spans": [(0, 1)], "predicted": ["Jon s"]},
            r"1 of the 2 entities .* 'Jon' \(PER\), which begins or ends within a token",
        ),
    ],
)
def test_says_what_is_not_learned(options: dict[str, Any], sentence: str) -> None:
    nlp = nlp_of()
    words, spans = options.pop("words"), options.pop("spans")

    def update() -> None:
        nlp.update([example_of(nlp, ["Ann"], (0, 1)), example_of(nlp, words, *spans, **options)])

    with pytest.warns(UserWarning, match=sentence):
        update()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        update()  # once is enough


def test_nothing_is_said_where_all_is_learned() -> None:
    nlp = nlp_of()
    examples = [
        example_of(nlp, ["Jon", "\n", "Snow", "."], (0, 3), sent_starts=[0, 3]),
        example_of(nlp, ["Jon", "Snow"], (0, 2), predicted=["Jon Snow"]),
        example_of(nlp, [], predicted=[]),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp.update(examples)


def test_all_tokens_of_such_an_entity_are_missing() -> None:
    nlp = nlp_of()
    numbers = label_numbers(get_pipe(nlp, "seqrnn_ner").labels, nlp.vocab.strings)
    words = ["a", "\n", "Jon", "Snow", "b", "Ann", "c", "Bo", "Li"]
    spans = [(1, 4), (5, 6), (7, 9)]
    examples = [example_of(nlp, words, *spans, sent_starts=[0, 8]), example_of(nlp, ["d"])]
    tags = read_gold(examples, numbers, None).tags
    assert np.flatnonzero(tags == MISSING).tolist() == [1, 2, 3, 7, 8]
    assert tags[5] > 0
