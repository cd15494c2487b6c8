"""Lemmas of the English Web Treebank, right and per second: `python -m benchmarks.lemmas`.

Trains each side that has not been trained, lets all of them find the lemmas of the test data's
tokens in turn, each in its own process on one thread, and writes the table of docs/seq2seq.md;
`--write` only writes it. Stanza is in the environment of `make peers`.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import srsly

from ..accuracy.results import write_result
from ..environment import describe_environment
from ..speed.compare import compare
from ..speed.rows import Row, peers_python
from . import sides
from .sides import EPOCHS, FOLDER, OURS, RETAGGED, SPACY, STANZA
from .table import RESULTS, write_table
from .treebank import Sentence, UniversalTags, known_forms, read_sentences, retag, score
from .worker import ALONE, TAGGED


def main() -> None:
    """Measure all sides, save the result, and write it to the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, alternating")
    parser.add_argument("--write", action="store_true", help="write the table of the last result")
    options = parser.parse_args()
    if not options.write:
        os.environ["OMP_NUM_THREADS"] = "1"
        write_result(measure(options.rounds), "lemmas", folder=RESULTS)
    write_table(srsly.read_json(RESULTS / "lemmas.json"))


def measure(rounds: int) -> dict[str, Any]:
    """Train what is missing, and compare all sides on the test data."""
    sides.prepare()
    ours, spacy, stanza = sides.ours(), sides.spacy(), sides.stanza()
    train, test = read_sentences("train"), read_sentences("test")
    words, retagged = FOLDER / "test.json", FOLDER / "retagged.json"
    save(test, words)
    row = Row(
        TAGGED,
        {OURS: lambda: worker(ours, words, TAGGED)},
        {SPACY: lambda: worker(spacy, words, TAGGED)},
    )
    tagged = compare(row, None, rounds)
    save(retag(test, tagged["sides"][OURS]["tags"], UniversalTags(train)), retagged)
    row = Row(
        ALONE,
        {OURS: lambda: worker(ours, words, ALONE)},
        {
            SPACY: lambda: worker(spacy, words, ALONE),
            STANZA: lambda: stanza_worker(stanza, words),
            RETAGGED: lambda: stanza_worker(stanza, retagged),
        },
    )
    alone = compare(row, None, rounds)
    known = known_forms(train)
    for side in (*tagged["sides"].values(), *alone["sides"].values()):
        side.pop("tags", None)
        side["right"] = score(test, side.pop("lemmas"), known)
    return {
        TAGGED: tagged,
        ALONE: alone,
        "epochs": EPOCHS,
        "environment": describe_environment(),
    }


def save(sentences: list[Sentence], path: Path) -> None:
    """The words of sentences without their lemmas."""
    path.write_text(json.dumps([[word[:3] for word in each] for each in sentences]), "utf8")


def worker(model: Path, words: Path, way: str) -> list[str]:
    """The command line of a spaCy pipeline."""
    return [sys.executable, "-m", "benchmarks.lemmas.worker", str(model), str(words), way]


def stanza_worker(model: Path, words: Path) -> list[str]:
    """The command line of Stanza's lemmatizer."""
    return [peers_python(), "-m", "benchmarks.lemmas.stanza_worker", str(model), str(words)]


if __name__ == "__main__":
    main()
