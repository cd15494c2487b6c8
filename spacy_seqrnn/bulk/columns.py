"""Columns of annotation: from documents to Arrow arrays."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from spacy.attrs import DEP, HEAD, IDX, LEMMA, LENGTH, MORPH, POS, TAG
from spacy.morphology import Morphology
from spacy.tokens import Doc, Span, SpanGroup, Token

from ..ner.scored_spans import ScoredSpans

# Offsets count characters from the beginning of the text, as Python's `str` does.
PLACE = pa.struct([("start", pa.int32()), ("end", pa.int32())])
SPAN = pa.struct(
    [
        *PLACE,
        ("label", pa.string()),
        ("text", pa.string()),
        ("score", pa.float32()),  # null if its component has none
    ]
)


@dataclass(frozen=True)
class Column:
    """A column of the output.

    read: from documents to an array with one value for each.
    """

    name: str
    type: pa.DataType
    read: Callable[[Sequence[Doc]], pa.Array]


def find_columns(names: Iterable[str]) -> list[Column]:
    """The columns with the given names.

    A name is one of `COLUMNS`, or an attribute of documents or tokens with its Arrow type, such as
    `doc._.perplexity:double` or `token._.surprisal:float`, whose column is `perplexity`.

    Raises ValueError for an unknown name or type, and if two columns have the same name.
    """
    columns = [COLUMNS.get(name) or _attribute(name) for name in names]
    twice = {c.name for c in columns if sum(c.name == other.name for other in columns) > 1}
    if twice:
        raise ValueError(f"The column '{min(twice)}' is named twice: name it once.")
    return columns


def columns_for(attributes: set[str]) -> list[str]:
    """The names of the columns for attributes that the components of a pipeline set."""
    names = [name for name, those in SET_BY.items() if attributes & those]
    return ["tokens", *names] if OF_TOKENS & set(names) else names


def _attribute(name: str) -> Column:
    """The column of a custom attribute."""
    path, _, kind = name.partition(":")
    holder, _, attribute = path.partition("._.")
    if holder not in ("doc", "token") or not attribute or not kind:
        raise ValueError(
            f"'{name}' is not a column: name one of {', '.join(COLUMNS)}, or an attribute with its "
            "type, such as doc._.perplexity:double."
        )
    try:
        inner = pa.type_for_alias(kind.strip())
    except ValueError:
        raise ValueError(
            f"'{kind}' in '{name}' is not a type of Arrow: name one such as double, int64, string "
            "or bool."
        ) from None
    if holder == "doc":
        return Column(attribute, inner, partial(_of_docs, attribute=attribute, kind=inner))
    values = partial(_of_tokens, attribute=attribute, kind=inner)
    return Column(attribute, pa.list_(inner), values)


def _of_docs(docs: Sequence[Doc], *, attribute: str, kind: pa.DataType) -> pa.Array:
    _check_extension(Doc, "doc", attribute)
    return pa.array([doc._.get(attribute) for doc in docs], kind)


def _of_tokens(docs: Sequence[Doc], *, attribute: str, kind: pa.DataType) -> pa.Array:
    _check_extension(Token, "token", attribute)
    values = [token._.get(attribute) for doc in docs for token in doc]
    return _lists(map(len, docs), pa.array(values, kind))


def _check_extension(holder: Any, name: str, attribute: str) -> None:
    if not holder.has_extension(attribute):
        raise ValueError(
            f"No component of the pipeline sets `{name}._.{attribute}`: remove it from the columns."
        )


def _lists(lengths: Iterable[int], values: pa.Array) -> pa.ListArray:
    """Consecutive values as lists of given lengths."""
    offsets = np.cumsum([0, *lengths], dtype="int32")
    return pa.ListArray.from_arrays(offsets, values)


def read_entities(docs: Sequence[Doc]) -> pa.ListArray:
    """`doc.ents`, with the scores of the recogniser where it keeps them."""
    groups = [doc.ents for doc in docs]
    scores = [_scores(doc) if ents else {} for doc, ents in zip(docs, groups, strict=True)]
    return _lists(map(len, groups), _spans(groups, scores))


def read_spans(docs: Sequence[Doc]) -> pa.MapArray:
    """`doc.spans`: the spans of each group, by the group's name."""
    keys = [key for doc in docs for key in doc.spans]
    groups = [group for doc in docs for group in doc.spans.values()]
    spans = _lists(map(len, groups), _spans(groups, [_of_group(group) for group in groups]))
    return _maps([len(doc.spans) for doc in docs], keys, spans)


def _scores(doc: Doc) -> dict[tuple[int, int, int], float]:
    """The scores of entities; a group of another component may have others for the same spans."""
    found: dict[tuple[int, int, int], float] = {}
    for group in doc.spans.values():
        if isinstance(group, ScoredSpans):
            found.update(_of_group(group))
    return found


def _of_group(group: SpanGroup) -> dict[tuple[int, int, int], float]:
    scores = group.attrs.get("scores")
    if scores is None or len(scores) != len(group):
        return {}
    values = np.asarray(scores, "float32").tolist()
    return {_key(span): score for span, score in zip(group, values, strict=True)}


def _key(span: Span) -> tuple[int, int, int]:
    return span.start_char, span.end_char, span.label


def _spans(
    groups: Sequence[Iterable[Span]], scores: Sequence[dict[tuple[int, int, int], float]]
) -> pa.StructArray:
    spans = [span for group in groups for span in group]
    found = [
        known.get(_key(span)) for group, known in zip(groups, scores, strict=True) for span in group
    ]
    arrays = [
        pa.array([span.start_char for span in spans], pa.int32()),
        pa.array([span.end_char for span in spans], pa.int32()),
        pa.array([span.label_ for span in spans], pa.string()),
        pa.array([span.text for span in spans], pa.string()),
        pa.array(found, pa.float32()),
    ]
    return pa.StructArray.from_arrays(arrays, fields=list(SPAN))


def read_cats(docs: Sequence[Doc]) -> pa.MapArray:
    """`doc.cats`: the score of each category."""
    keys = [key for doc in docs for key in doc.cats]
    scores = [score for doc in docs for score in doc.cats.values()]
    return _maps([len(doc.cats) for doc in docs], keys, pa.array(scores, pa.float32()))


def _maps(lengths: list[int], keys: list[str], values: pa.Array) -> pa.MapArray:
    offsets = np.cumsum([0, *lengths], dtype="int32")
    return pa.MapArray.from_arrays(offsets, pa.array(keys, pa.string()), values)


def read_tokens(docs: Sequence[Doc]) -> pa.ListArray:
    """Where each token begins and ends."""
    starts = _numbers(docs, IDX)
    ends = starts + _numbers(docs, LENGTH)
    arrays = [pa.array(starts, pa.int32()), pa.array(ends, pa.int32())]
    return _lists(map(len, docs), pa.StructArray.from_arrays(arrays, fields=list(PLACE)))


def read_heads(docs: Sequence[Doc]) -> pa.ListArray:
    """The index of each token's head in the document; a root is its own head."""
    own = np.concatenate([np.arange(len(doc)) for doc in docs] or [np.zeros(0, "int64")])
    return _lists(map(len, docs), pa.array(own + _numbers(docs, HEAD), pa.int32()))


def read_strings(docs: Sequence[Doc], attribute: int) -> pa.ListArray:
    """An attribute of all tokens whose values are strings."""
    ids, places = np.unique(_numbers(docs, attribute).view("uint64"), return_inverse=True)
    names = [docs[0].vocab.strings[each] for each in ids.tolist()]  # without documents, no IDs
    if attribute == MORPH:  # as `str(token.morph)` has it
        names = ["" if name == Morphology.EMPTY_MORPH else name for name in names]
    distinct = pa.array(names, pa.string())
    return _lists(map(len, docs), distinct.take(pa.array(places)))


def _numbers(docs: Sequence[Doc], attribute: int) -> np.ndarray:
    """An attribute of all tokens. Shape (n_tokens,), int64."""
    arrays = [doc.to_array(attribute) for doc in docs]
    return np.concatenate(arrays or [np.zeros(0, "int64")]).astype("int64", copy=False)


def read_sentences(docs: Sequence[Doc]) -> pa.Array:
    """Where each sentence begins and ends; null if the document's sentences are not known."""
    found = [_sentences(doc) if doc.has_annotation("SENT_START") else None for doc in docs]
    return pa.array(found, pa.list_(PLACE))


def _sentences(doc: Doc) -> list[dict[str, int]]:
    return [{"start": sent.start_char, "end": sent.end_char} for sent in doc.sents]


_STRINGS = {"tags": TAG, "pos": POS, "morphs": MORPH, "lemmas": LEMMA, "deps": DEP}
COLUMNS = {
    column.name: column
    for column in (
        Column("entities", pa.list_(SPAN), read_entities),
        Column("cats", pa.map_(pa.string(), pa.float32()), read_cats),
        Column("spans", pa.map_(pa.string(), pa.list_(SPAN)), read_spans),
        Column("sentences", pa.list_(PLACE), read_sentences),
        Column("tokens", pa.list_(PLACE), read_tokens),
        *(
            Column(name, pa.list_(pa.string()), partial(read_strings, attribute=attribute))
            for name, attribute in _STRINGS.items()
        ),
        Column("heads", pa.list_(pa.int32()), read_heads),
    )
}
# Attributes that say, in the `assigns` of a component, that it sets a column.
SET_BY = {
    "entities": {"doc.ents"},
    "cats": {"doc.cats"},
    "spans": {"doc.spans"},
    "sentences": {"doc.sents", "token.is_sent_start"},
    "tags": {"token.tag"},
    "pos": {"token.pos"},
    "morphs": {"token.morph"},
    "lemmas": {"token.lemma"},
    "deps": {"token.dep"},
    "heads": {"token.head"},
    "doc._.perplexity:double": {"doc._.perplexity"},
    "doc._.output:string": {"doc._.output"},
}
OF_TOKENS = {*_STRINGS, "heads"}
