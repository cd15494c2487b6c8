"""Inflection from a thousand examples: `python -m benchmarks.inflection [LANGUAGE ...]`.

Runs the workflow `sigmorphon2017` for each language and seed, with the corpora in `assets/`, and
writes the table of docs/seq2seq.md. What has a result is not trained again; `--no-training` only
writes the table. The development data, never the test data, selects the checkpoint.
"""

import argparse
import os
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

import srsly

from ..accuracy.results import (
    environment_line,
    markdown_table,
    replace_section,
    spread,
    write_result,
)
from ..environment import describe_environment
from ..project import run_project
from ..seq2seq.results import PAGE
from .languages import LANGUAGES

RESULTS = Path(__file__).parent / "results"
STEPS = ("verify", "convert", "train", "evaluate")
CORPUS = "sigmorphon2017"


def main() -> None:
    """Train what the command line asks for, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("languages", nargs="*", choices=[*LANGUAGES, []], default=[])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--no-training", action="store_true", help="only write the table")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    for language in [] if options.no_training else options.languages or LANGUAGES:
        for seed in options.seeds:
            if not (RESULTS / f"{language}-{seed}.json").is_file():
                write_result(measure(language, seed), language, seed, folder=RESULTS)
    replace_section(PAGE, "inflection", table(read_results()))


def measure(language: str, seed: int) -> dict[str, Any]:
    """Run the workflow. Returns the share of right forms, of development and test data."""
    start = time.perf_counter()
    for step in STEPS:
        run_step(f"{step}-{CORPUS}", language, seed)
    model = Path("training", CORPUS, language, "model-best")
    return {
        "language": language,
        "seed": seed,
        "dev": srsly.read_json(model / "meta.json")["performance"]["output_exact"],
        "test": srsly.read_json(f"metrics/{CORPUS}-{language}.json")["output_exact"],
        "seconds": round(time.perf_counter() - start),
        "environment": describe_environment(),
    }


def run_step(name: str, language: str, seed: int) -> None:
    """Run one command of the project for a language."""
    run_project(name, "--force", "--vars.inflection_language", language, "--vars.seed", str(seed))


def read_results() -> list[dict[str, Any]]:
    """All results, by language and seed."""
    return [srsly.read_json(path) for path in sorted(RESULTS.glob("*.json"))]


def table(results: list[dict[str, Any]]) -> str:
    """The right forms of each language in percent, beside those of others."""
    header = ["language", "baseline, test", "`seqrnn_text2text`, test", "dev"]
    rows = []
    for language, published in LANGUAGES.items():
        of_language = [each for each in results if each["language"] == language]
        if of_language:
            scores = (percent(each[part] for each in of_language) for part in ("test", "dev"))
            rows.append([language.capitalize(), f"{published.baseline:.1f}", *map(spread, scores)])
    if not rows:
        return "There are no results yet."
    minutes = mean(each["seconds"] for each in results) / 60
    note = (
        f"Right forms in percent. A language takes {minutes:.0f} minutes to train on average. "
        f"Measured on: {environment_line(results)}."
    )
    return f"{markdown_table(header, rows)}\n\n{note}"


def percent(shares: Iterable[float]) -> list[float]:
    return [100 * share for share in shares]


if __name__ == "__main__":
    main()
