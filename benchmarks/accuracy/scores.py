"""Scores of a trained pipeline on a corpus: spaCy's scorer, seqeval and bootstrap intervals."""

from pathlib import Path
from typing import Any

import numpy as np
import spacy
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Corpus, Example

from spacy_seqrnn.report.scores import Metric, accuracy, f1
from spacy_seqrnn.report.scores import score as bootstrapped


def score(model: Path, docs: Path, task: str) -> dict[str, Any]:
    """Score a pipeline. All values in percent.

    `score` is the entity F1, or the accuracy of texts or tags, `interval` its 95 % bootstrap
    interval over documents, `per_type` precision, recall and F1 of each entity label or category.
    For entities, `seqeval` is the F1 of seqeval in its strict mode; for categories, `macro_f` is
    spaCy's macro-averaged F1.
    """
    nlp = spacy.load(model)
    examples = list(Corpus(docs)(nlp))
    for example, doc in zip(examples, nlp.pipe(eg.predicted for eg in examples), strict=True):
        example.predicted = doc
    scores = Scorer(nlp).score(examples)
    if task == "ner":
        counts = np.asarray([entity_counts(example) for example in examples])
        return {
            "score": percent(scores["ents_f"]),
            "interval": interval(counts, f1),
            "precision": percent(scores["ents_p"]),
            "recall": percent(scores["ents_r"]),
            "seqeval": percent(seqeval_f1(examples)),
            "per_type": percent(scores["ents_per_type"]),
        }
    if task == "tagger":
        counts = np.asarray([tag_counts(example) for example in examples])
        return {"score": percent(scores["tag_acc"]), "interval": interval(counts, accuracy)}
    correct = np.asarray([[is_correct(example), 1] for example in examples])
    return {
        "score": percent(accuracy(correct.sum(axis=0))),
        "interval": interval(correct, accuracy),
        "macro_f": percent(scores["cats_macro_f"]),
        "per_type": percent(scores["cats_f_per_type"]),
    }


def entity_counts(example: Example) -> tuple[int, int, int]:
    """Entities that are correct, predicted and annotated in one document."""
    predicted = {(span.start_char, span.end_char, span.label_) for span in example.predicted.ents}
    gold = {(span.start_char, span.end_char, span.label_) for span in example.reference.ents}
    return len(predicted & gold), len(predicted), len(gold)


def tag_counts(example: Example) -> tuple[int, int]:
    """Tokens whose tag is correct, and all tokens of one document."""
    gold = example.get_aligned("TAG", as_string=True)
    predicted = [token.tag_ for token in example.predicted]
    return sum(p == g for p, g in zip(predicted, gold, strict=True)), len(gold)


def is_correct(example: Example) -> bool:
    """Whether the most probable category is the annotated one."""
    predicted, gold = example.predicted.cats, example.reference.cats
    return max(predicted, key=predicted.__getitem__) == max(gold, key=gold.__getitem__)


def interval(counts: np.ndarray, metric: Metric) -> tuple[float, float]:
    """The bootstrap interval of a metric of counts per document, in percent."""
    found = bootstrapped(counts, metric)
    return percent(found.low), percent(found.high)


def seqeval_f1(examples: list[Example]) -> float:
    """Micro F1 of seqeval on IOB2 tags, which counts entities independently of spaCy."""
    gold = [iob_tags(example.reference) for example in examples]
    predicted = [iob_tags(example.predicted) for example in examples]
    f1: float = f1_score(gold, predicted, mode="strict", scheme=IOB2)
    return f1


def iob_tags(doc: Doc) -> list[str]:
    """The IOB2 tag of each token."""
    return [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in doc]


def percent(value: Any) -> Any:
    """Shares as percentages with two decimals, in dicts too."""
    if isinstance(value, dict):
        return {name: percent(inner) for name, inner in value.items()}
    return round(100 * float(value), 2)
