"""Write the speed table of the documentation from the files of results.

`python -m benchmarks.speed.table`
"""

from pathlib import Path
from statistics import median
from typing import Any

import srsly

from ..accuracy.results import environment_line, markdown_table, replace_section
from .compare import ratios
from .results import RESULTS
from .rows import ROWS

PAGE = Path("docs/speed.md")
# The names of the other sides in the table
NAMES = {
    "spacy": "spaCy, same vectors",
    "flair": "Flair",
    "stanza": "Stanza",
    "kernel": "bare `torch.nn.LSTM`, the accuracy recipe's",
}


def main() -> None:
    """Replace the table on the page."""
    replace_section(PAGE, "speed", table())


def table() -> str:
    """One line for each measured pair of sides, and the environment."""
    results = [srsly.read_json(RESULTS / f"{name}.json") for name in ROWS if _has(name)]
    header = ["", "recipe", "against", "times as fast", "lowest to highest", "words/s", "theirs"]
    rows = [line for result in results for line in lines(result)]
    note = f"Measured on: {environment_line(results)}; one thread, medians of alternating runs."
    return f"{markdown_table(header, rows)}\n\n{note}"


def _has(name: str) -> bool:
    return (RESULTS / f"{name}.json").exists()


def lines(result: dict[str, Any]) -> list[list[str]]:
    """One line for each pair of sides."""
    others = [name for name in result["sides"] if name not in result["ours"]]
    return [
        [
            ROWS[result["row"]].title,
            ours,
            NAMES.get(other, other),
            f"**{median(values):.2f}**",
            f"{values[0]:.2f}-{values[-1]:.2f}",
            speed(result["sides"][ours]),
            speed(result["sides"][other]),
        ]
        for other in others
        for ours in result["ours"]
        if other != "kernel" or ours == "accuracy"  # the kernel is the accuracy recipe's
        for values in [ratios(result, ours, other)]
    ]


def speed(side: dict[str, Any]) -> str:
    """Words per second, or milliseconds if words do not count."""
    seconds = median(side["seconds"])
    return f"{side['words'] / seconds:,.0f}" if side["words"] > 50 else f"{1000 * seconds:,.1f} ms"


if __name__ == "__main__":
    main()
