"""A recogniser's predictions, and how they are written to documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.tokens import Doc, Span

from .annotations import IOB_BEGIN, IOB_IN, read_annotation
from .biluo import Entities
from .scored_spans import ScoredSpans


@dataclass(frozen=True)
class Predictions:
    """The predictions of the recogniser for a batch.

    entities: in the order of the text.
    scores: the probability of each, shape (n_entities,); None if they were not requested.
    """

    entities: Entities
    scores: np.ndarray | None

    def spans(
        self, docs: Sequence[Doc], labels: Sequence[int]
    ) -> Iterator[tuple[Doc, list[Span], list[float]]]:
        """Each document with its entities and their scores, which are empty if there are none.

        docs: the documents of the batch.
        labels: the hash of each label's name, by number.
        """
        entities = self.entities
        bounds = np.searchsorted(entities.docs, np.arange(len(docs) + 1)).tolist()
        starts, ends = entities.starts.tolist(), (entities.starts + entities.lengths).tolist()
        numbers = entities.labels.tolist()
        scores = [] if self.scores is None else self.scores.tolist()
        for doc, first, last in zip(docs, bounds, bounds[1:], strict=False):
            own = range(first, last)
            spans = [Span(doc, starts[i], ends[i], label=labels[numbers[i]]) for i in own]
            yield doc, spans, scores[first:last]


def set_entities(doc: Doc, spans: list[Span]) -> list[Span]:
    """Add predicted entities to those that the document has.

    Entities from earlier components are kept, with their IDs, and blocked tokens stay blocked. All
    other tokens are annotated as outside any entity.

    Returns all entities of the document, in order.
    """
    if not doc.has_annotation("ENT_IOB"):
        doc.set_ents(spans)
        return spans
    iob, types = read_annotation([doc], [ENT_IOB, ENT_TYPE]).columns
    taken = (iob == IOB_BEGIN) | (iob == IOB_IN)
    new = [span for span in spans if not taken[span.start]]
    blocked = [doc[int(i) : int(i) + 1] for i in np.flatnonzero((iob == IOB_BEGIN) & (types == 0))]
    doc.set_ents(sorted([*doc.ents, *new]), blocked=blocked)
    return list(doc.ents)


def set_scores(
    doc: Doc, key: str, entities: list[Span], predicted: list[Span], scores: list[float]
) -> None:
    """Write entities with their scores to `doc.spans[key]`.

    entities: all entities of the document. Those that it had before get the score 1.
    predicted, scores: the other entities, and the probability of each.
    """
    known = {span.start: score for span, score in zip(predicted, scores, strict=True)}
    values = np.asarray([known.get(span.start, 1.0) for span in entities], dtype="float32")
    doc.spans[key] = ScoredSpans(doc, name=key, spans=entities, attrs={"scores": values})
