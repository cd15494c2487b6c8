"""Time one comparison after the other, alternating between all sides.

`python -m benchmarks.speed pipe --against spacy flair stanza kernel`
"""

import argparse
import os
from statistics import median
from typing import Any

from wasabi import msg

from .compare import compare, ratios
from .results import keep
from .rows import ROWS, Row


def main() -> None:
    """Run the rows that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", choices=list(ROWS))
    parser.add_argument("--against", nargs="+", help="the other sides; all if omitted")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, alternating")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in options.rows:
        result = compare(ROWS[name], options.against, options.rounds)
        keep(name, {"row": name, **result})
        show(ROWS[name], result)


def show(row: Row, result: dict[str, Any]) -> None:
    """Print a row: medians, and how many times as fast we are as each other side."""
    msg.divider(row.title)
    for name, side in result["sides"].items():
        seconds = median(side["seconds"])
        speed = f", {side['words'] / seconds:,.0f} words/s" if side["words"] else ""
        msg.text(f"{name}: {seconds * 1000:,.2f} ms{speed}")
    for ours in result["ours"]:
        for other in result["sides"]:
            if other not in result["ours"]:
                low, *_, high = values = ratios(result, ours, other)
                msg.good(
                    f"{ours} against {other}: {median(values):.2f} times as fast "
                    f"({low:.2f} to {high:.2f})"
                )


if __name__ == "__main__":
    main()
