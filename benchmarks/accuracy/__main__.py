"""Train and score rows of the accuracy table: `python -m benchmarks.accuracy conll2003`.

Each training is written to benchmarks/accuracy/results as soon as it is done. The README's table is
made of these files by `python -m benchmarks.accuracy.table`.
"""

import argparse
import subprocess
import sys
from statistics import mean, stdev

from wasabi import msg

from .corpora import CORPORA, SIDES, preparation
from .results import write_result
from .training import train_and_score


def main() -> None:
    """Run the trainings that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", choices=list(CORPORA))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    options = parser.parse_args()
    for name in options.corpora:
        prepare(name)
        for side in options.sides:
            scores = [run(name, side, seed) for seed in options.seeds]
            spread = f" ± {stdev(scores):.2f}" if len(scores) > 1 else ""
            msg.good(f"{name}, {side}: test {CORPORA[name].metric} {mean(scores):.2f}{spread}")


def prepare(name: str) -> None:
    """Fetch, check and convert a corpus by the project's own commands."""
    for command in preparation(name):
        subprocess.run([sys.executable, "-m", "spacy", "project", "run", command], check=True)


def run(name: str, side: str, seed: int) -> float:
    """Train and score one side once, and keep the result. Returns the test score."""
    result = train_and_score(name, side, seed)
    write_result(result, name, side, seed)
    dev, test = result["dev"]["score"], result["test"]["score"]
    msg.info(f"{name}, {side}, seed {seed}: dev {dev}, test {test}, {result['train_seconds']} s")
    return test


if __name__ == "__main__":
    main()
