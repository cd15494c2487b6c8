"""Write the accuracy table of the documentation from the files of results.

`python -m benchmarks.accuracy.table`
"""

from pathlib import Path
from statistics import mean
from typing import Any

from .corpora import CORPORA, EFFICIENCY, ENSEMBLE, OURS, OWN, OWN_ENSEMBLE, SIDES, SPACY
from .results import environment_line, markdown_table, read_results, replace_section, spread

PAGE = Path("docs/accuracy.md")
SCORES = ["corpus, test score", SPACY, "efficiency", "accuracy", "ensemble"]
# The same recipes with vectors of raw text behind the others
OWN_SCORES = ["corpus", "score", "accuracy", "with own vectors", "ensemble", "with own vectors"]
DETAILS = ["95 % interval", "dev", "minutes", "published"]


def main() -> None:
    """Replace the tables on the page."""
    replace_section(PAGE, "accuracy", table())
    replace_section(PAGE, "own", own_table())


def table() -> str:
    """All columns of all corpora, and the environment of the measurements."""
    results = [r for side in SIDES for r in read_results(side=side)]
    note = f"Measured on: {environment_line(results)}."
    return f"{markdown_table([*SCORES, *DETAILS], rows())}\n\n{note}"


def short_table() -> str:
    """The test scores alone, of the corpora that spaCy was measured on too."""
    own = [row[: len(SCORES)] for row in rows()]
    return markdown_table(SCORES, [row for row in own if row[SCORES.index(SPACY)]])


def rows() -> list[list[str]]:
    """One row for each corpus that was measured."""
    return [row(name) for name in CORPORA if read_results(corpus=name, side=OURS)]


def row(name: str) -> list[str]:
    """One corpus: all sides, and the interval, development score and minutes of the accuracy
    recipe."""
    corpus = CORPORA[name]
    ours, spacy = read_results(corpus=name, side=OURS), read_results(corpus=name, side=SPACY)
    return [
        f"{corpus.title}, {corpus.metric}",
        scores(spacy),
        scores(read_results(corpus=name, side=EFFICIENCY)),
        f"**{scores(ours)}**",
        scores(read_results(corpus=name, side=ENSEMBLE)),
        "-".join(f"{mean(r['test']['interval'][i] for r in ours):.1f}" for i in range(2)),
        scores(ours, "dev"),
        spread([r["train_seconds"] / 60 for r in ours]),
        ", ".join(corpus.published) or "",
    ]


def own_table() -> str:
    """The scores of each corpus that was measured with vectors of its kind of text too."""
    names = [name for name in CORPORA if read_results(corpus=name, side=OWN)]
    rows = [
        [
            CORPORA[name].title,
            f"{split}, {CORPORA[name].metric}",
            *(
                scores(read_results(corpus=name, side=side), split)
                for side in (OURS, OWN, ENSEMBLE, OWN_ENSEMBLE)
            ),
        ]
        for name in names
        for split in ("dev", "test")
    ]
    return markdown_table(OWN_SCORES, rows)


def scores(results: list[dict[str, Any]], split: str = "test") -> str:
    """Mean and standard deviation over seeds."""
    return spread([result[split]["score"] for result in results]) if results else ""


if __name__ == "__main__":
    main()
