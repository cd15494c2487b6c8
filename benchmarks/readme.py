"""Write the README's short tables from the files of results: `python -m benchmarks.readme`.

The full tables are in docs/accuracy.md, docs/speed.md and docs/trust.md.
"""

from pathlib import Path
from statistics import median
from typing import Any

import srsly

from .accuracy.corpora import OURS, SPACY
from .accuracy.results import markdown_table, read_results, replace_section
from .accuracy.table import scores, short_table
from .speed.compare import ratios
from .speed.results import RESULTS as SPEED
from .speed.rows import ROWS
from .speed.table import NAMES, speed
from .trust.partial import scores as partial_scores
from .trust.results import kept

README = Path("README.md")
CORPUS = "conll2003"  # of the comparison
# The comparisons of the short table, in its order: row and side
SHORT = [
    ("pipe", "spacy"),
    ("pipe", "flair"),
    ("pipe", "stanza"),
    ("latency", "spacy"),
    ("textcat", "spacy"),
    ("train", "spacy"),
]


def main() -> None:
    """Replace the tables in the README."""
    for name, text in tables().items():
        replace_section(README, name, text)


def tables() -> dict[str, str]:
    """The tables by the names of their sections."""
    return {"comparison": comparison(), "accuracy": short_table(), "speed": short_speed()}


def comparison() -> str:
    """Five figures of the recogniser compared with spaCy's."""
    (calibration,) = [r["sides"] for r in kept("calibration") if r["corpus"] == CORPUS]
    partial = kept("partial")
    rows = [
        ["test F1", *(scores(read_results(corpus=CORPUS, side=side)) for side in (OURS, SPACY))],
        [
            "test F1, half of the training entities not annotated",
            *(f"{partial_scores(partial, side, 50)[0]:.1f}" for side in ("ours", "spacy")),
        ],
        [
            "calibration error of the entities' scores",
            *(f"{calibration[side]['error']:.3f}" for side in (f"{OURS}, calibrated", SPACY)),
        ],
        ["words/s, `nlp.pipe`", *_words_per_second("pipe")],
        ["words/s, training", *_words_per_second("train")],
    ]
    return markdown_table(["CoNLL-2003 English", "`seqrnn_ner`", "spaCy's `ner`"], rows)


def _words_per_second(row: str) -> list[str]:
    sides = _result(row)["sides"]
    return [speed(sides[side]) for side in ("accuracy", "spacy")]


def short_speed() -> str:
    """How many times as fast each recipe is, without the details."""
    header = ["times as fast", "against", "accuracy", "efficiency"]
    return markdown_table(header, [_times(row, other) for row, other in SHORT])


def _times(row: str, other: str) -> list[str]:
    result = _result(row)
    title = ROWS[row].title.removesuffix(", words/s")
    times = [median(ratios(result, recipe, other)) for recipe in ("accuracy", "efficiency")]
    return [title, NAMES[other], *(f"{value:.2f}" for value in times)]


def _result(row: str) -> dict[str, Any]:
    result: dict[str, Any] = srsly.read_json(SPEED / f"{row}.json")
    return result


if __name__ == "__main__":
    main()
