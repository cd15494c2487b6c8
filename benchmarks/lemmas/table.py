"""The table of docs/seq2seq.md."""

from pathlib import Path
from statistics import median
from typing import Any

from ..accuracy.results import environment_line, markdown_table, replace_section
from ..seq2seq.results import PAGE
from ..speed.compare import ratios
from ..speed.table import speed
from .sides import OURS, RETAGGED, SPACY, STANZA
from .worker import ALONE, TAGGED

RESULTS = Path(__file__).parent / "results"
HEADER = [
    "test data of UD English EWT",
    "right",
    "of unseen words",
    "with the treebank's tags",
    "tokens/s",
    "with a tagger",
]


def write_table(result: dict[str, Any]) -> None:
    """Replace it on the page."""
    replace_section(PAGE, "lemmas", table(result))


def table(result: dict[str, Any]) -> str:
    """Accuracies in per cent, medians of alternating runs, and how they were measured."""
    tagged, alone = (result[way]["sides"] for way in (TAGGED, ALONE))
    rows = [
        ["`seqrnn_lemmatizer`", *accuracies(tagged[OURS], alone[OURS])],
        ["spaCy's `trainable_lemmatizer`", *accuracies(tagged[SPACY], None)],
        ["Stanza's lemmatizer", *accuracies(alone[RETAGGED], alone[STANZA])],
    ]
    for row, side in zip(rows, (OURS, SPACY, STANZA), strict=True):
        row += [speed(alone[side]), speed(tagged[side]) if side in tagged else ""]
    times = ", ".join(
        f"{median(ratios(result[way], OURS, other)):.2f} times as fast as {name}"
        for way, other, name in (
            (ALONE, SPACY, "spaCy's"),
            (ALONE, STANZA, "Stanza's"),
            (TAGGED, SPACY, "spaCy's, both with a tagger"),
        )
    )
    note = (
        "Per cent of all tokens, with tags that are predicted, and of words that are not in the "
        "training data; then with those of the treebank. spaCy's reads no tags, and Stanza's reads "
        f"the universal ones that go with ours. Ours is {times}. Stanza's was trained for "
        f"{result['epochs']} epochs. Measured on: {environment_line([result])}; one thread."
    )
    return f"{markdown_table(HEADER, rows)}\n\n{note}"


def accuracies(predicted: dict[str, Any], annotated: dict[str, Any] | None) -> list[str]:
    """With predicted tags, of unseen words, and with annotated tags if there are some."""
    right = predicted["right"]
    of_annotated = f"{annotated['right']['all']:.2f}" if annotated else ""
    return [f"{right['all']:.2f}", f"{right['unseen']:.2f}", of_annotated]
