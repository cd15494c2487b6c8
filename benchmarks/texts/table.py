"""Write docs/texts.md from the files of results: `python -m benchmarks.texts.table`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any, TypeAlias

import srsly

from ..accuracy.results import environment_line, markdown_table, replace_section
from .corpora import CORPORA, RESULTS, SMALL
from .training import ENSEMBLE, OURS, SIDES, SPACY

PAGE = Path("docs/texts.md")

Result: TypeAlias = dict[str, Any]
# The test score of a result; None if there is none yet
Scorer: TypeAlias = Callable[[Result, float], float | None]


def main() -> None:
    """Replace all tables on the page."""
    results = [srsly.read_json(path) for path in sorted(RESULTS.glob("*.json"))]
    replace_section(PAGE, "equal", table(results, at_equal_time))
    replace_section(PAGE, "end", table(results, at_the_end))
    replace_section(PAGE, "ensemble", ensemble_table(results))
    replace_section(PAGE, "environment", f"Measured on: {environment_line(results)}.")


def at_equal_time(result: Result, seconds: float) -> float | None:
    """The test score of the best development score within so many CPU seconds."""
    within = [each for each in result["checkpoints"] if each["seconds"] <= seconds]
    return within[-1]["test"] if within else None


def at_the_end(result: Result, seconds: float) -> float | None:
    """The test score of the best development score."""
    return at_equal_time(result, float("inf"))


def table(results: list[Result], score: Scorer) -> str:
    """A row for each corpus and size, and what they add up to."""
    rows, scores = [], []
    for title, of_row in by_row(results):
        if {r["side"] for r in of_row} >= set(SIDES):
            found = [mean_score(of_row, side, score) for side in SIDES]
            rows.append([title, *map(shown(found), found)])
            scores.append(found)
    header = ["corpus, training texts", *SIDES]
    return markdown_table(header, [*rows, mean_ranks(scores), worst(scores)])


def ensemble_table(results: list[Result]) -> str:
    """What two models gain, on the corpora and seeds that they were trained on."""
    rows = []
    for title, of_row in by_row(results):
        seeds = {r["seed"] for r in of_row if r["side"] == ENSEMBLE}
        if seeds:
            of_seeds = [r for r in of_row if r["seed"] in seeds]
            found = [mean_score(of_seeds, side, at_the_end) for side in (OURS[0], ENSEMBLE)]
            found.append(max(mean_score(of_row, side, at_the_end) for side in SPACY))
            rows.append([title, *map(shown(found), found)])
    return markdown_table(["corpus, training texts", OURS[0], ENSEMBLE, "spaCy's best"], rows)


def by_row(results: list[Result]) -> Iterator[tuple[str, list[Result]]]:
    """The name of each row, and its results."""
    for name, corpus in CORPORA.items():
        for size in corpus.sizes:
            title = f"{corpus.title}, {SMALL if size == 'small' else 'all'}"
            of_row = [r for r in results if (r["corpus"], r["size"]) == (name, size)]
            yield title + ("" if corpus.tuned else " †"), of_row


def mean_score(results: list[Result], side: str, score: Scorer) -> float:
    """The mean over seeds; what did not reach its first checkpoint in time counts as 0."""
    of_side = [r for r in results if r["side"] == side]
    limit = {r["seed"]: r["seconds"] for r in results if r["side"] == OURS[0]}
    return mean(score(r, limit[r["seed"]]) or 0.0 for r in of_side if r["seed"] in limit)


def shown(scores: list[float]) -> Callable[[float], str]:
    """How a score is written: the highest of its row is bold."""
    return lambda score: f"**{score:.1f}**" if score == max(scores) else f"{score:.1f}"


def mean_ranks(scores: list[list[float]]) -> list[str]:
    """The mean over rows of each side's place, 1 for the highest."""
    ranks = [[1 + sum(other > score for other in row) for score in row] for row in scores]
    return ["mean rank", *(f"{mean(column):.1f}" for column in zip(*ranks, strict=True))]


def worst(scores: list[list[float]]) -> list[str]:
    """The smallest difference of each side to the best of spaCy's."""
    first = len(SIDES) - len(SPACY)
    differences = [[score - max(row[first:]) for score in row] for row in scores]
    return [
        "worst case against spaCy's best",
        *(f"{min(column):+.1f}" for column in zip(*differences, strict=True)),
    ]


if __name__ == "__main__":
    main()
