"""Train all sides on corpora that the recipe was chosen with, and on others.

`python -m benchmarks.texts ../data trec ewt-genres` trains on two of them; without names, on all.
The folder has the public corpora. A result is written to benchmarks/texts/results as soon as it is
there, and not measured again. `python -m benchmarks.texts.table` writes docs/texts.md.
"""

import argparse
from pathlib import Path

from wasabi import msg

from ..accuracy.results import write_result
from ..environment import describe_environment
from .corpora import CORPORA, RESULTS, prepare
from .training import ENSEMBLE, SIDES, train


def main() -> None:
    """Do the training runs that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the public corpora")
    parser.add_argument("corpora", nargs="*", choices=[*CORPORA, []], default=[])
    parser.add_argument("--sizes", nargs="+", choices=["small", "full"], default=["small", "full"])
    parser.add_argument("--sides", nargs="+", choices=[*SIDES, ENSEMBLE], default=SIDES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    for name in options.corpora or CORPORA:
        prepare(name, options.data)
        for size in (size for size in CORPORA[name].sizes if size in options.sizes):
            for side in options.sides:
                for seed in options.seeds:
                    run(name, size, side, seed)


def run(name: str, size: str, side: str, seed: int) -> None:
    """Train once, unless there is a result."""
    parts = (name, size, side.replace(" ", "-"), seed)
    if (RESULTS / f"{'-'.join(map(str, parts))}.json").is_file():
        return
    result = train(name, size, side, seed)
    about = {"corpus": name, "size": size, "side": side, "seed": seed}
    write_result({**about, **result, "environment": describe_environment()}, *parts, folder=RESULTS)
    best = result["checkpoints"][-1]
    msg.info(f"{name}, {size}, {side}, seed {seed}: dev {best['dev']:.1f}, {result['seconds']} s")


if __name__ == "__main__":
    main()
