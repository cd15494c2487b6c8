"""Between spaCy's annotation and arrays of tags."""

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, ORTH, SENT_START
from spacy.errors import Errors
from spacy.tokens import Doc, Span
from spacy.training import Example

from .labels import BEGIN, IN, LAST, OUTSIDE, TAGS_PER_LABEL, UNIT, Entities, tag_of

# spaCy's values of ENT_IOB
IOB_IN, IOB_OUT, IOB_BEGIN = 1, 2, 3
# By whether a token begins an entity, and whether the next one goes on with it
POSITIONS = np.asarray([[LAST, IN], [UNIT, BEGIN]])
MISSING = -1  # the tag of a token whose annotation is not known

LabelNumbers = dict[int, int]  # the hash of a label's name -> its number


def gold_tags(example: Example, numbers: LabelNumbers) -> np.ndarray:
    """The gold tag of each token of the predicted document, MISSING where it is not known.

    It is what spaCy's `ner` learns from: unannotated tokens, `-` and entities that do not align
    with the tokens are missing; whitespace in an annotated document is outside.

    numbers: label numbers; must have every label of the reference.
    Returns int64, shape (n_tokens,).
    """
    if not _same_tokens(example.predicted, example.reference):
        return _aligned_gold_tags(example, numbers)
    iob, types, spaces = _columns(example.reference, [ENT_IOB, ENT_TYPE, IS_SPACE])
    tags = _entity_tags(iob, types, numbers)
    tags[iob == IOB_OUT] = OUTSIDE
    if iob.any():
        tags[(tags == MISSING) & (spaces > 0)] = OUTSIDE
    return tags


def _same_tokens(a: Doc, b: Doc) -> bool:
    return len(a) == len(b) and np.array_equal(a.to_array(ORTH), b.to_array(ORTH))


def _columns(doc: Doc, attrs: list[int | str]) -> np.ndarray:
    """One int64 row per attribute. The hashes of labels wrap around, which keeps them distinct."""
    return doc.to_array(attrs).reshape(-1, len(attrs)).T.astype("int64")


def _entity_tags(iob: np.ndarray, types: np.ndarray, numbers: LabelNumbers) -> np.ndarray:
    """BILUO tags of the entities in one document, MISSING elsewhere. All shapes (n_tokens,)."""
    begins = (iob == IOB_BEGIN) & (types != 0)  # a B without a type is a blocked token
    inside = iob == IOB_IN
    goes_on = np.append(inside[1:], False)
    entity = begins | inside
    position = POSITIONS[begins.astype("int64"), goes_on.astype("int64")]
    tags = np.full(len(iob), MISSING)
    if entity.any():
        names = types[entity].astype("uint64").tolist()
        labels = np.asarray([numbers.get(name, MISSING) for name in names])
        known = labels != MISSING
        tags[np.flatnonzero(entity)[known]] = tag_of(labels[known], position[entity][known])
    return tags


def _aligned_gold_tags(example: Example, numbers: LabelNumbers) -> np.ndarray:
    """Gold tags where the documents are tokenised differently."""
    entities, biluo = example.get_aligned_ents_and_ner()
    tags = np.asarray([OUTSIDE if tag == "O" else MISSING for tag in biluo], dtype="int64")
    for span in entities:
        number = np.asarray([numbers[span.label]])
        entity = Entities(number, number, np.asarray([len(span)]), number)
        tags[span.start : span.end] = entity.tags()
    return tags


def allowed_by_gold(tags: np.ndarray, size: int) -> np.ndarray:
    """The gold lattice: which tags each token may have. Booleans, shape (n_tokens, size)."""
    allowed = np.broadcast_to((tags == MISSING)[:, None], (len(tags), size)).copy()
    known = np.flatnonzero(tags != MISSING)
    allowed[known, tags[known]] = True
    return allowed


def wrong_entities(examples: list[Example], key: str, numbers: LabelNumbers) -> Entities:
    """The spans that annotators found to be no entity of their label.

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
            if span.label in numbers:  # nothing could predict another one
                rows.append((i, span.start, len(span), numbers[span.label]))
    return Entities(*np.asarray(rows, dtype="int64").reshape(-1, 4).T)


def allowed_by_docs(docs: list[Doc], numbers: LabelNumbers, size: int) -> np.ndarray | None:
    """Which tags each token may have, given what earlier components have set.

    As in spaCy's `ner`, entities that are there already are kept, blocked tokens stay without
    entity, no entity crosses the start of a sentence, and none begins or ends with whitespace.
    An entity whose label is not among `numbers` takes its tokens out of the question.

    numbers: the labels that can be predicted.
    size: number of tags, also of labels that cannot be predicted yet.
    Returns booleans for the tokens of all documents one after the other, shape (n_tokens, n_tags),
    or None if every token may have every tag.
    """
    values = [_columns(doc, [ENT_IOB, ENT_TYPE, SENT_START, IS_SPACE]) for doc in docs]
    for doc in values:
        doc[2, :1] = 0  # a document's first token begins a sentence anyway
    iob, _, sentence_starts, spaces = np.concatenate(values, axis=1)
    preset = (iob == IOB_BEGIN) | (iob == IOB_IN)
    constrained = preset | (sentence_starts == 1) | (spaces > 0)
    if not constrained.any():
        return None
    tags = np.concatenate([_entity_tags(doc[0], doc[1], numbers) for doc in values])
    tags[preset & (tags == MISSING)] = OUTSIDE
    position = np.where(np.arange(size) == OUTSIDE, -1, (np.arange(size) - 1) % TAGS_PER_LABEL)
    allowed = np.ones((len(iob), size), dtype=bool)
    allowed[sentence_starts == 1] &= ~np.isin(position, [IN, LAST])
    allowed[spaces > 0] &= ~np.isin(position, [BEGIN, LAST, UNIT])
    allowed[preset] = False
    allowed[preset, tags[preset]] = True
    return allowed


def set_entities(doc: Doc, spans: list[Span]) -> list[Span]:
    """Write predicted entities beside those that the document has.

    Entities from earlier components stay as they are, with their IDs, and blocked tokens stay
    blocked. All other tokens get the annotation that they are in no entity.

    Returns the predicted spans that were new.
    """
    if not doc.has_annotation("ENT_IOB"):
        doc.set_ents(spans)
        return spans
    iob, types = _columns(doc, [ENT_IOB, ENT_TYPE])
    taken = (iob == IOB_BEGIN) | (iob == IOB_IN)
    new = [span for span in spans if not taken[span.start]]
    blocked = [doc[int(i) : int(i) + 1] for i in np.flatnonzero((iob == IOB_BEGIN) & (types == 0))]
    doc.set_ents(sorted([*doc.ents, *new]), blocked=blocked)
    return new
