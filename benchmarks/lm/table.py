"""Write the table of language models from the files of results: `python -m benchmarks.lm.table`."""

from pathlib import Path
from statistics import median
from typing import Any

from ..accuracy.results import environment_line, markdown_table, replace_section
from ..speed.compare import ratios
from ..speed.table import speed
from .results import kept
from .rows import MINUTES_ROWS, NAMES, OURS, SPEED_ROWS

PAGE = Path("docs/language-models.md")
HEADER = ["", "against", "`seqrnn_lm`", "theirs", "ours / theirs"]


def main() -> None:
    """Replace the table on the page."""
    replace_section(PAGE, "lm", table())


def table() -> str:
    """One line for each figure and peer that was measured, and how; nothing without results."""
    results = [result for name in (*MINUTES_ROWS, *SPEED_ROWS) for result in kept(name)]
    if not results:
        return ""
    rows = [line for result in results for line in lines(result)]
    texts = "; ".join(dict.fromkeys(text_of(result) for result in results))
    note = f"{texts}. Measured on: {environment_line(results)}; one thread for each side."
    return f"{markdown_table(HEADER, rows)}\n\n{note}"


def text_of(result: dict[str, Any]) -> str:
    """What a row was measured with."""
    files = ", ".join(f"`{name}`" for name in result["files"])
    minutes = f", {result['minutes']:g} minutes" if result["row"] in MINUTES_ROWS else ""
    return f"{result['row']}: {result['words']:,} words of {files}{minutes}"


def lines(result: dict[str, Any]) -> list[list[str]]:
    """One line for each figure and peer of a row."""
    if result["row"] in SPEED_ROWS:
        return speed_lines(result)
    return [
        line(title, other, *(figure(result["sides"][side], name) for side in (OURS, other)))
        for name, title in MINUTES_ROWS[result["row"]].measures.items()
        for other in result["sides"]
        if other != OURS
    ]


def figure(side: dict[str, Any], name: str) -> float:
    """A figure of a side; its speed is what it read in the time of training."""
    return float(side["units"] / side["seconds"] if name == "speed" else side[name])


def line(title: str, other: str, ours: float, theirs: float) -> list[str]:
    """A line of the table."""
    return [title, NAMES[other], _short(ours), _short(theirs), f"**{ours / theirs:.2f}**"]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 100 else f"{value:.1f}"


def speed_lines(result: dict[str, Any]) -> list[list[str]]:
    """One line for each peer: medians of alternating runs."""
    title, sides = SPEED_ROWS[result["row"]].title, result["sides"]
    return [
        [
            title,
            NAMES[other],
            speed(sides[OURS]),
            speed(sides[other]),
            f"**{median(ratios(result, OURS, other)):.2f}**",
        ]
        for other in sides
        if other != OURS
    ]


if __name__ == "__main__":
    main()
