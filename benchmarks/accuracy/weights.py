"""How `label_weights` change precision and recall: `python -m benchmarks.accuracy.weights`.

The efficiency recipe is trained once on WNUT-17, whose entities are mostly unseen in training. It
is scored on the development data with several weights, and the results are written to the table of
a page. With `--write`, only the table is written.
"""

import argparse
from pathlib import Path
from typing import Any

import spacy
from spacy.training import Corpus
from wasabi import msg

from ..environment import describe_environment
from .corpora import CORPORA, EFFICIENCY, prepare, training_command
from .results import (
    environment_line,
    markdown_table,
    read_results,
    replace_section,
    write_result,
)
from .scores import percent
from .training import RUNS, run_training

NAME = "wnut17"
WEIGHTS = [0.5, 1.0, 2.0, 4.0, 8.0]
PAGE = Path("docs/reference/components.md")
SCORES = {"precision": "ents_p", "recall": "ents_r", "F1": "ents_f"}


def main() -> None:
    """Train if necessary, score and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="only write the page's table")
    if not parser.parse_args().write:
        measure()
    write_page()


def measure() -> None:
    """Score one pipeline with all weights and save the result."""
    prepare(NAME)
    output = RUNS / f"{NAME}-{EFFICIENCY}-0"
    command = training_command(NAME, EFFICIENCY, 0, output)
    if not (output / "model-best").exists():
        run_training(command, output)
    rows = [score_with(output / "model-best", weight) for weight in WEIGHTS]
    result = {
        "measured": "label weights",
        "corpus": NAME,
        "rows": rows,
        "command": " ".join(["python", *command[1:]]),
        "environment": describe_environment(),
    }
    write_result(result, "weights", NAME)
    for row in rows:
        msg.text(row)


def score_with(model: Path, weight: float) -> dict[str, Any]:
    """Precision, recall and F1 on the development data, in percent."""
    nlp = spacy.load(model)
    ner: Any = nlp.get_pipe("seqrnn_ner")
    ner.label_weights = weight
    scores = nlp.evaluate(list(Corpus(f"corpus/{NAME}/dev.spacy")(nlp)))
    return {"weight": weight, **{name: percent(scores[key]) for name, key in SCORES.items()}}


def write_page() -> None:
    """Write the page's table from the result."""
    (result,) = read_results(measured="label weights")
    title = f"{CORPORA[NAME].title}, development data"
    header = [title, *(f"{row['weight']:g}" for row in result["rows"])]
    rows = [[name, *(f"{row[name]:.1f}" for row in result["rows"])] for name in SCORES]
    note = f"Measured on: {environment_line([result])}."
    replace_section(PAGE, "weights", f"{markdown_table(header, rows)}\n\n{note}")


if __name__ == "__main__":
    main()
