"""Where a trained recogniser errs on development data: `python -m benchmarks.accuracy.errors`.

It takes the pipeline that `python -m benchmarks.accuracy conll2003 --seeds 0` has left in
`training/accuracy`, and writes its table to docs/accuracy.md.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import spacy
from spacy.tokens import Doc
from spacy.training import Corpus, Example

from spacy_seqrnn.report.gather import (
    TrainingWords,
    predicted_examples,
    read_training_words,
)
from spacy_seqrnn.report.scores import f1
from spacy_seqrnn.report.spans import (
    OUTCOMES,
    RIGHT,
    SEEN,
    match,
    read_entities,
)

from .corpora import OURS
from .results import markdown_table, replace_section
from .training import RUNS

CORPUS = "conll2003"
PAGE = Path("docs/accuracy.md")
ANNOTATED, FOUND = "annotated", "found"  # counted beside the outcomes
WRONG = [outcome for outcome in OUTCOMES if outcome != RIGHT]
HEADER = ["entities", ANNOTATED, "F1", *WRONG]
# Kinds of sentences in a newspaper
HEADLINE, TABLE, OTHER = "in headlines in capitals", "in lines of tables", "in other sentences"
FEWEST_CAPITALS = 3  # words of a headline
NUMBERS = 1 / 3  # share of a table's tokens that have a digit


def main() -> None:
    """Write the table."""
    model = RUNS / f"{CORPUS}-{OURS}-0" / "model-best"
    nlp = spacy.load(model)
    trained = read_training_words(nlp, Path(f"corpus/{CORPUS}/train.spacy"))
    examples = predicted_examples(nlp, Corpus(f"corpus/{CORPUS}/dev.spacy")(nlp))
    replace_section(PAGE, "errors", table(examples, trained))


def table(examples: Iterable[Example], trained: TrainingWords | None) -> str:
    """F1, and how often each kind of error occurs, by group of entities."""
    counts: Counter[tuple[str, str]] = Counter()  # of groups and outcomes
    for example in examples:
        count_outcomes(example, trained, counts)
    labels = sorted({group for group, _ in counts} - {"all", *SEEN, HEADLINE, TABLE, OTHER})
    groups = ["all", *labels, *SEEN, HEADLINE, TABLE, OTHER]
    return markdown_table(HEADER, [row(group, counts) for group in groups])


def count_outcomes(
    example: Example, trained: TrainingWords | None, counts: Counter[tuple[str, str]]
) -> None:
    """Add a document's entities, and their outcomes, to the counts of their groups."""
    doc = read_entities(example, None, trained)
    kind = kind_of_sentence(example.reference)
    for outcome, (annotated, found) in match(doc) if doc else []:
        for name, entity in ((ANNOTATED, annotated), (FOUND, found), (outcome, annotated or found)):
            if entity is not None:
                counts.update(product(("all", entity.label, SEEN[entity.seen], kind), [name]))


def row(group: str, counts: Counter[tuple[str, str]]) -> list[str]:
    """A group of entities: how many are annotated, their F1 and the number of each error."""
    sums = np.asarray([counts[group, name] for name in (RIGHT, FOUND, ANNOTATED)])
    errors = [str(counts[group, outcome]) for outcome in WRONG]
    return [group, f"{counts[group, ANNOTATED]:,}", f"{100 * float(f1(sums)):.1f}", *errors]


def kind_of_sentence(doc: Doc) -> str:
    """What a sentence of a newspaper is, by its capitals and numbers."""
    letters = [token for token in doc if any(map(str.isalpha, token.text))]
    if len(letters) >= FEWEST_CAPITALS and all(token.is_upper for token in letters):
        return HEADLINE
    with_digit = sum(any(map(str.isdigit, token.text)) for token in doc)
    return TABLE if with_digit >= NUMBERS * len(doc) else OTHER


if __name__ == "__main__":
    main()
