"""Train and score rows of the accuracy table: `python -m benchmarks.accuracy conll2003`.

The result of each training run is written to benchmarks/accuracy/results when it is done. `python
-m benchmarks.accuracy.table` writes the table of docs/accuracy.md from these files.
"""

import argparse
from pathlib import Path

from wasabi import msg

from .corpora import CORPORA, OURS, SIDES, SPACY, prepare
from .results import spread, write_result
from .training import train_and_score


def main() -> None:
    """Do the training runs that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", choices=list(CORPORA))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=[OURS, SPACY])
    parser.add_argument("--data", type=Path, help="folder of corpora that no workflow fetches")
    options = parser.parse_args()
    for name in options.corpora:
        if not set(options.sides) <= set(CORPORA[name].sides):
            parser.error(f"{name} has no other sides than {' and '.join(CORPORA[name].sides)}.")
    for name in options.corpora:
        prepare(name, options.data)
        for side in options.sides:
            scores = [run(name, side, seed) for seed in options.seeds]
            msg.good(f"{name}, {side}: test {CORPORA[name].metric} {spread(scores)}")


def run(name: str, side: str, seed: int) -> float:
    """Train and score one side once, and save the result. Returns the test score."""
    result = train_and_score(name, side, seed)
    write_result(result, name, side, seed)
    dev: float = result["dev"]["score"]
    test: float = result["test"]["score"]
    msg.info(f"{name}, {side}, seed {seed}: dev {dev}, test {test}, {result['train_seconds']} s")
    return test


if __name__ == "__main__":
    main()
