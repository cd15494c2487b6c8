"""Annotated entities that cannot be learned, because they can never be predicted.

As in spaCy's `ner`, no entity begins with white space or crosses the start of a sentence, and one
that begins or ends within a token has no tags. The tokens of such entities count as unannotated.
"""

import warnings

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, SENT_START
from spacy.tokens import Doc
from spacy.training import Example

from .annotations import (
    IOB_BEGIN,
    MISSING,
    NOT_AT_SENTENCE_START,
    NOT_ON_SPACE,
    read_annotation,
)
from .biluo import BEGIN, TAGS_PER_LABEL, UNIT


def without_ruled_out(docs: list[Doc], tags: np.ndarray) -> np.ndarray:
    """Gold tags, MISSING at all tokens of entities that prediction rules out.

    docs: the predicted documents.
    tags: the tags of their tokens, one document after the other. Shape (n_tokens,).
    """
    annotation = read_annotation(docs, [SENT_START, IS_SPACE])
    sentence_starts, spaces = annotation.columns
    sentence_starts[annotation.firsts] = 0
    if not ((sentence_starts == 1) | (spaces > 0)).any():
        return tags
    in_entity, position = tags > 0, (tags - 1) % TAGS_PER_LABEL
    ruled_out = np.isin(position, NOT_ON_SPACE) & (spaces > 0)
    ruled_out |= np.isin(position, NOT_AT_SENTENCE_START) & (sentence_starts == 1)
    entity = np.cumsum(_begins(tags))
    lost = in_entity & np.isin(entity, entity[in_entity & ruled_out])
    return np.where(lost, MISSING, tags)


def _begins(tags: np.ndarray) -> np.ndarray:
    """Which tokens begin an entity."""
    return (tags > 0) & np.isin((tags - 1) % TAGS_PER_LABEL, [BEGIN, UNIT])


def warn_of_unlearnable(name: str, examples: list[Example], tags: np.ndarray) -> bool:
    """Warn about entities of a batch that are not learned.

    name: the component's.
    tags: the tags that are learned. Shape (n_tokens,).

    Returns whether there are any. They are rarely in one batch only, so one warning is enough.
    """
    sentence = describe(examples, tags)
    if sentence is None:
        return False
    warnings.warn(
        f"'{name}': {sentence} Its tokens count as not annotated; `spacy debug data` "
        "checks all of the data.",
        stacklevel=3,
    )
    return True


def describe(examples: list[Example], tags: np.ndarray) -> str | None:
    """Say how many entities of a batch are not learned, and show one; None if all are learned.

    tags: the tags that are learned. Shape (n_tokens,).
    """
    lengths = [len(example.predicted) for example in examples]
    numbers = np.repeat(np.arange(len(examples)), lengths)
    n_learned = np.bincount(numbers[_begins(tags)], minlength=len(examples))
    gold = read_annotation([example.reference for example in examples], [ENT_IOB, ENT_TYPE])
    begins = (gold.columns[0] == IOB_BEGIN) & (gold.columns[1] != 0)
    numbers = np.repeat(np.arange(len(examples)), gold.lengths)
    n_gold = np.bincount(numbers[begins], minlength=len(examples))
    lost = n_gold - n_learned
    if not (lost > 0).any():
        return None
    number = int(np.argmax(lost))
    end = sum(lengths[: number + 1])
    shown = _first_lost(examples[number], tags[end - lengths[number] : end])
    return f"{lost.sum()} of the {n_gold.sum()} entities of a batch cannot be learned, {shown}"


def _first_lost(example: Example, tags: np.ndarray) -> str:
    for span in example.reference.ents:
        aligned = example.get_aligned_spans_y2x([span])
        name = f"e.g. {span.text!r} ({span.label_}), "
        if not aligned:
            return name + "which begins or ends within a token."
        if tags[aligned[0].start] < 0:
            space = aligned[0][0].is_space
            why = "begins with white space" if space else "crosses the start of a sentence"
            return f"{name}because it {why}."
    return "because they do not align with the tokens."
