"""Words per second that are written: `python -m benchmarks.seq2seq MODEL CORPUS`.

MODEL is a pipeline of `spacy project run multi30k`, and CORPUS a `.spacy` file. The PyTorch side
has its weights, and writes the same. `--joeynmt` names a folder that
`python -m benchmarks.seq2seq.joeynmt` made: a model of the same size with its own weights. Each
side counts the words that it writes itself. All run in turn, each in its own process on one thread.
"""

import argparse
import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..accuracy.results import environment_line, markdown_table, replace_section, write_result
from ..environment import describe_environment
from ..speed.compare import compare, ratios
from ..speed.rows import Command, Row, peers_python
from ..speed.table import speed
from .results import PAGE, RESULTS

OURS, PEER, JOEYNMT = "ours", "peer", "joeynmt"
NAMES = {PEER: "PyTorch", JOEYNMT: "JoeyNMT"}
BEAMS = {"greedy": 1, "beam": 5}


def main() -> None:
    """Measure all sides, save the results, and write them to the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("--joeynmt", help="a folder with a model of JoeyNMT to compare with, too")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, alternating")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    docs = DocBin().from_disk(options.corpus).get_docs(Vocab())
    with TemporaryDirectory() as folder:
        texts = Path(folder) / "texts.json"
        srsly.write_json(texts, [doc.text for doc in docs])
        found = [
            {"search": row.title, **measure(row, options.rounds), "corpus": options.corpus}
            for row in rows(options.model, texts, options.joeynmt)
        ]
    results = [{**result, "environment": describe_environment()} for result in found]
    for result in results:
        write_result(result, "speed", result["search"], folder=RESULTS)
    replace_section(PAGE, "speed", table(results))


def rows(model: str, texts: Path, joeynmt: str | None) -> list[Row]:
    """A row for each search, with the sides that have it."""
    found = []
    for search, beam in BEAMS.items():
        ours, peer = (_command("worker", side, model, texts, beam) for side in (OURS, PEER))
        others = {PEER: peer} if beam == 1 else {}
        if joeynmt:
            python = peers_python()
            others[JOEYNMT] = _command("joeynmt_worker", joeynmt, texts, beam, python=python)
        found.append(Row(search, {OURS: ours}, others))
    return [row for row in found if row.others]


def _command(module: str, *arguments: object, python: str = sys.executable) -> Command:
    return lambda: [python, "-m", f"benchmarks.seq2seq.{module}", *map(str, arguments)]


def measure(row: Row, rounds: int) -> dict[str, Any]:
    """Compare the sides of a row; "same" is the share of texts that each writes as ours does."""
    result = compare(row, None, rounds)
    written = {side: about.pop("texts") for side, about in result["sides"].items()}
    ours = written.pop(OURS)
    same = {side: sum(map(str.__eq__, texts, ours)) / len(ours) for side, texts in written.items()}
    return {**result, "same": same}


def table(results: list[dict[str, Any]]) -> str:
    """A line for each search and other side: medians of alternating runs, and how they ran."""
    header = ["search", "against", "times as fast", "words/s", "theirs", "their words by ours"]
    lines = [
        [
            result["search"],
            f"{NAMES[other]}, batches of {result['sides'][other]['batch_size']}",
            f"**{median(ratios(result, OURS, other)):.2f}**",
            speed(result["sides"][OURS]),
            speed(result["sides"][other]),
            f"{result['sides'][other]['words'] / result['sides'][OURS]['words']:.1%}",
        ]
        for result in results
        for other in result["same"]
    ]
    note = (
        f"Words that each side writes a second, for the texts of `{results[0]['corpus']}`; beams "
        f"have {BEAMS['beam']} beginnings. PyTorch writes "
        f"{results[0]['same'][PEER]:.1%} of the texts as ours does. Measured on: "
        f"{environment_line(results)}; one thread for each side."
    )
    return f"{markdown_table(header, lines)}\n\n{note}"


if __name__ == "__main__":
    main()
