"""The texts that a pipeline writes, compared with those of the references."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.matcher.levenshtein import levenshtein
from spacy.tokens import Doc
from spacy.training import Example

from ..explain.alignment import Alignment, align
from ..seq2seq.component import RecurrentText2Text
from .errors import TextError, worst_texts
from .groups import Group, by_length
from .scores import Score, accuracy, score


@dataclass(frozen=True)
class TextReport:
    """The evaluation of the texts of one component.

    direction: of the language's script, "ltr" or "rtl".
    exact: the share of texts that are those of the references.
    scores: what the component's scorer gives, by name.
    lengths: `exact` by the length of the source.
    worst: the texts with the highest character error rate, the worst first.
    """

    component: str
    direction: str
    n_docs: int
    exact: Score
    scores: dict[str, float]
    lengths: list[Group]
    worst: list[TextError]


def text_report(
    component: str, pipe: RecurrentText2Text, examples: Sequence[Example]
) -> TextReport:
    """examples: some whose references have a text, with predictions. Not empty."""
    found = [(example.predicted, _compare(example, pipe.output)) for example in examples]
    right = np.asarray([[int(each.written == each.reference), 1] for _, each in found])

    def align_doc(doc: Doc) -> Alignment:
        (alignment,) = align(pipe, pipe.sources([doc]), k=1, beam=pipe.beam)
        return alignment

    return TextReport(
        component=component,
        direction=pipe.vocab.writing_system.get("direction", "ltr"),
        n_docs=len(examples),
        exact=score(right, accuracy),
        scores=_scores(pipe, examples),
        lengths=by_length(np.asarray([len(doc) for doc, _ in found]), right, accuracy),
        worst=worst_texts(found, align_doc),
    )


def _compare(example: Example, output: str) -> TextError:
    written, reference = (doc._.get(output) or "" for doc in (example.predicted, example.reference))
    error_rate = levenshtein(written, reference) / max(len(reference), 1)
    return TextError(example.predicted.text, reference, written, error_rate)


def _scores(pipe: RecurrentText2Text, examples: Sequence[Example]) -> dict[str, float]:
    """Those that are numbers."""
    found = pipe.score(examples).items()
    return {name: float(value) for name, value in found if isinstance(value, int | float)}
