"""The part-of-speech tags that a tagger predicts, compared with the annotated ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .groups import Group, by_length
from .scores import LabelScores, Score, accuracy, counts_of_labels, label_scores, score
from .tokens import TokenDoc, by_seen, count_right, most_frequent

MOST_CONFUSIONS = 20


@dataclass(frozen=True)
class Confused:
    """How often one tag was predicted in place of another."""

    annotated: str
    found: str
    n: int


@dataclass(frozen=True)
class TagReport:
    """The evaluation of the tags.

    accuracy: the share of tokens with the correct tag.
    confused: the most frequent confusions.
    lengths, seen: accuracy by document length, and for words that are in the training data and
        others; None if unknown.
    """

    component: str
    n_docs: int
    n_tokens: int
    accuracy: Score
    labels: list[LabelScores]
    confused: list[Confused]
    lengths: list[Group]
    seen: list[Group] | None


def tag_report(component: str, docs: Sequence[TokenDoc]) -> TagReport:
    """docs: annotated ones, not empty."""
    pairs = Counter(pair for doc in docs for pair in zip(doc.annotated, doc.found, strict=True))
    confused = Counter({pair: n for pair, n in pairs.items() if pair[0] != pair[1]})
    labels = sorted({tag for pair in pairs for tag in pair})
    counts = counts_of_labels([(doc.right, doc.found, doc.annotated) for doc in docs], labels)
    total = count_right(docs)
    return TagReport(
        component=component,
        n_docs=len(docs),
        n_tokens=int(total[:, 1].sum()),
        accuracy=score(total, accuracy),
        labels=label_scores(counts, labels),
        confused=[Confused(*pair, n) for pair, n in most_frequent(confused, MOST_CONFUSIONS)],
        lengths=by_length(total[:, 1], total, accuracy),
        seen=by_seen(docs),
    )
