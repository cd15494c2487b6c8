"""The lemmas that a pipeline sets, compared with the annotated ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .groups import Group
from .scores import Score, accuracy, score
from .tokens import TokenDoc, by_seen, count_right, most_frequent

MOST_ERRORS = 30


@dataclass(frozen=True)
class WrongLemma:
    """How often a word got a lemma in place of the annotated one."""

    word: str
    annotated: str
    found: str
    n: int


@dataclass(frozen=True)
class LemmaReport:
    """The evaluation of the lemmas.

    accuracy: the share of tokens with the correct lemma.
    wrong: the most frequent errors.
    seen: accuracy for words that are in the training data and others; None if unknown.
    """

    component: str
    n_docs: int
    n_tokens: int
    accuracy: Score
    wrong: list[WrongLemma]
    seen: list[Group] | None


def lemma_report(component: str, docs: Sequence[TokenDoc]) -> LemmaReport:
    """docs: annotated ones, not empty."""
    total = count_right(docs)
    errors = Counter(
        error
        for doc in docs
        for error in zip(doc.words, doc.annotated, doc.found, strict=True)
        if error[1] != error[2]
    )
    return LemmaReport(
        component=component,
        n_docs=len(docs),
        n_tokens=int(total[:, 1].sum()),
        accuracy=score(total, accuracy),
        wrong=[WrongLemma(*error, n) for error, n in most_frequent(errors, MOST_ERRORS)],
        seen=by_seen(docs),
    )
