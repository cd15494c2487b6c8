"""Conversion between spaCy's annotation and arrays of tags."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, ORTH, SENT_START
from spacy.errors import Errors
from spacy.tokens import Doc
from spacy.training import Example

from .biluo import BEGIN, IN, LAST, OUTSIDE, TAGS_PER_LABEL, UNIT, Entities, tag_of

# spaCy's values of ENT_IOB
IOB_IN, IOB_OUT, IOB_BEGIN = 1, 2, 3
# By whether a token begins an entity, and whether the next token continues it
POSITIONS = np.asarray([[LAST, IN], [UNIT, BEGIN]])
# The tags that a token cannot have at the start of a sentence, and if it is white space
NOT_AT_SENTENCE_START, NOT_ON_SPACE = (IN, LAST), (BEGIN, UNIT)
MISSING = -1  # the tag of a token without annotation
OTHER = -2  # the tag of a token in an entity with an unknown label

LabelNumbers = dict[int, int]  # the hash of a label's name -> its number


@dataclass(frozen=True)
class Annotation:
    """Attributes of the tokens of a batch, one document after the other.

    columns: one int64 row for each attribute. The hashes of labels wrap around, which keeps them
        distinct. Shape (n_attributes, n_tokens).
    lengths: tokens of each document. Shape (n_docs,).
    """

    columns: np.ndarray
    lengths: np.ndarray

    @property
    def firsts(self) -> np.ndarray:
        """The first tokens of all documents that have any."""
        firsts: np.ndarray = (np.cumsum(self.lengths) - self.lengths)[self.lengths > 0]
        return firsts


def read_annotation(docs: Sequence[Doc], attrs: list[int | str]) -> Annotation:
    """The attributes `attrs` of all tokens."""
    values = np.concatenate([doc.to_array(attrs).reshape(-1, len(attrs)) for doc in docs])
    return Annotation(values.T.astype("int64"), np.asarray([len(doc) for doc in docs]))


def gold_tags(examples: list[Example], numbers: LabelNumbers) -> np.ndarray:
    """The gold tag of each token of the predicted documents, MISSING where there is none.

    Entities whose label has no number have the tag OTHER. Everything else follows spaCy's `ner`:
    unannotated tokens, `-` and entities that do not align with the tokens are missing; white space
    in an annotated document is outside.

    examples: a batch.
    numbers: label numbers.
    Returns int64, one document after the other, shape (n_tokens,).
    """
    if not _same_tokens(examples):
        if len(examples) == 1:
            return _aligned_gold_tags(examples[0], numbers)
        return np.concatenate([gold_tags([example], numbers) for example in examples])
    gold = read_annotation(
        [example.reference for example in examples], [ENT_IOB, ENT_TYPE, IS_SPACE]
    )
    iob, _, spaces = gold.columns
    tags = _entity_tags(gold, numbers)
    tags[iob == IOB_OUT] = OUTSIDE
    docs = np.repeat(np.arange(len(examples)), gold.lengths)
    annotated = np.bincount(docs, iob) > 0
    tags[(tags == MISSING) & (spaces > 0) & annotated[docs]] = OUTSIDE
    return tags


def _same_tokens(examples: list[Example]) -> bool:
    """Whether all references have the same tokens as the predicted documents."""
    pairs = [(example.predicted, example.reference) for example in examples]
    if any(len(predicted) != len(reference) for predicted, reference in pairs):
        return False
    predicted, reference = (
        np.concatenate([doc.to_array(ORTH) for doc in docs]) for docs in zip(*pairs, strict=True)
    )
    return np.array_equal(predicted, reference)


def _aligned_gold_tags(example: Example, numbers: LabelNumbers) -> np.ndarray:
    """Gold tags where reference and predicted document are tokenised differently."""
    entities, biluo = example.get_aligned_ents_and_ner()
    tags = np.asarray([OUTSIDE if tag == "O" else MISSING for tag in biluo], dtype="int64")
    for span in entities:
        number = np.asarray([numbers.get(span.label, OTHER)])
        entity = Entities(number, number, np.asarray([len(span)]), number)
        tags[span.start : span.end] = entity.tags() if span.label in numbers else OTHER
    return tags


def _entity_tags(annotation: Annotation, numbers: LabelNumbers) -> np.ndarray:
    """BILUO tags of the entities, OTHER for other labels, MISSING elsewhere. Shape (n_tokens,).

    annotation: must have ENT_IOB and ENT_TYPE as its first columns.
    """
    iob, types = annotation.columns[:2]
    begins = (iob == IOB_BEGIN) & (types != 0)  # a B without a type is a blocked token
    inside = iob == IOB_IN
    goes_on = inside.copy()
    goes_on[annotation.firsts] = False
    goes_on = np.roll(goes_on, -1)
    entity = begins | inside
    position = POSITIONS[begins.astype("int64"), goes_on.astype("int64")]
    tags = np.full(len(iob), MISSING)
    names = types[entity].astype("uint64").tolist()
    labels = np.fromiter((numbers.get(name, OTHER) for name in names), "int64", len(names))
    tags[entity] = np.where(labels == OTHER, OTHER, tag_of(labels, position[entity]))
    return tags


def allowed_by_gold(tags: np.ndarray, size: int) -> np.ndarray:
    """The gold lattice: the tags that each token may have. Booleans, shape (n_tokens, size)."""
    allowed = np.broadcast_to((tags < 0)[:, None], (len(tags), size)).copy()
    known = np.flatnonzero(tags >= 0)
    allowed[known, tags[known]] = True
    return allowed


def wrong_entities(examples: list[Example], key: str, numbers: LabelNumbers) -> Entities:
    """The spans that annotators marked as not being an entity of their label.

    key: the reference's span group that holds them, spaCy's `incorrect_spans_key`.
    Raises ValueError (E868) if a span is annotated as right and as wrong.
    """
    rows = []
    for i, example in enumerate(examples):
        wrong = example.reference.spans.get(key, [])
        aligned = example.get_aligned_spans_y2x(wrong, allow_overlap=True)
        right = {
            (span.start, span.end, span.label) for span in example.get_aligned_ents_and_ner()[0]
        }
        for span in aligned:
            if (span.start, span.end, span.label) in right:
                place = (span.start_char, span.end_char, span.label_)
                raise ValueError(Errors.E868.format(span=place))
            if span.label in numbers:  # other labels cannot be predicted
                rows.append((i, span.start, len(span), numbers[span.label]))
    return Entities(*np.asarray(rows, dtype="int64").reshape(-1, 4).T)


def allowed_by_docs(docs: Sequence[Doc], numbers: LabelNumbers, size: int) -> np.ndarray | None:
    """The tags that each token may have, given the output of earlier components.

    As in spaCy's `ner`, existing entities are kept, blocked tokens stay without entity, no entity
    crosses the start of a sentence, and none begins with white space. The tokens of an entity whose
    label is not in `numbers` get no prediction.

    numbers: the labels that can be predicted.
    size: number of tags, including those of labels that cannot be predicted yet.
    Returns booleans for the tokens of all documents one after the other, shape (n_tokens, n_tags),
    or None if every token may have every tag.
    """
    annotation = read_annotation(docs, [ENT_IOB, ENT_TYPE, SENT_START, IS_SPACE])
    iob, _, sentence_starts, spaces = annotation.columns
    sentence_starts[annotation.firsts] = 0  # a document's first token always starts a sentence
    preset = (iob == IOB_BEGIN) | (iob == IOB_IN)
    constrained = preset | (sentence_starts == 1) | (spaces > 0)
    if not constrained.any():
        return None
    tags = _entity_tags(annotation, numbers)
    tags[preset & (tags < 0)] = OUTSIDE
    position = np.where(np.arange(size) == OUTSIDE, -1, (np.arange(size) - 1) % TAGS_PER_LABEL)
    allowed = np.ones((len(iob), size), dtype=bool)
    allowed[sentence_starts == 1] &= ~np.isin(position, NOT_AT_SENTENCE_START)
    allowed[spaces > 0] &= ~np.isin(position, NOT_ON_SPACE)
    allowed[preset] = False
    allowed[preset, tags[preset]] = True
    return allowed
