"""Words per second that are written: `python -m benchmarks.seq2seq MODEL CORPUS`.

MODEL is a pipeline of `spacy project run multi30k`, and CORPUS a `.spacy` file. Both sides have its
weights, take the most probable unit each time, and run in turn, each in its own process on one
thread. Ours reads as many texts at a time as its config says, and the other 64.
"""

import argparse
import os
import sys
from functools import partial
from statistics import median
from typing import Any

from ..accuracy.results import environment_line, markdown_table, replace_section, write_result
from ..environment import describe_environment
from ..speed.compare import compare, ratios
from ..speed.rows import Row
from ..speed.table import speed
from .results import PAGE, RESULTS

OURS, PEER = "ours", "peer"


def main() -> None:
    """Measure both sides, save the result, and write it to the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, alternating")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    command = partial(_worker, options.model, options.corpus)
    row = Row("words/s written", {OURS: partial(command, OURS)}, {PEER: partial(command, PEER)})
    result = {**compare(row, None, options.rounds), "corpus": options.corpus}
    texts = [side.pop("texts") for side in result["sides"].values()]
    result["same"] = sum(map(str.__eq__, *texts)) / len(texts[0])
    result["environment"] = describe_environment()
    write_result(result, "speed", folder=RESULTS)
    replace_section(PAGE, "speed", table(result))


def _worker(model: str, corpus: str, side: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.seq2seq.worker", side, model, corpus]


def table(result: dict[str, Any]) -> str:
    """Medians of alternating runs, and how they were measured."""
    sides = result["sides"]
    header = ["", "`seqrnn_text2text`", "PyTorch, batches of 64", "ours / theirs"]
    factor = f"**{median(ratios(result, OURS, PEER)):.2f}**"
    rows = [["words/s written, greedy", speed(sides[OURS]), speed(sides[PEER]), factor]]
    note = (
        f"Texts of `{result['corpus']}`, {result['same']:.1%} of which both sides write alike. "
        f"Measured on: {environment_line([result])}; one thread for each side."
    )
    return f"{markdown_table(header, rows)}\n\n{note}"


if __name__ == "__main__":
    main()
