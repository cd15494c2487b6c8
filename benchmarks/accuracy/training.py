"""Train one side once and score it."""

import subprocess
import time
from pathlib import Path
from typing import Any

import srsly
from spacy.attrs import LOWER
from wasabi import msg

from ..environment import describe_environment
from .corpora import CORPORA, SPACY, training_command
from .scores import score

RUNS = Path("training/accuracy")


def train_and_score(name: str, side: str, seed: int) -> dict[str, Any]:
    """Train with a seed. Returns scores on development and test data, with their environment.

    The development data selects the best checkpoint, as in every `spacy train`.
    Raises RuntimeError if training fails.
    """
    output = RUNS / f"{name}-{side}-{seed}"
    command = training_command(name, side, seed, output)
    seconds = run_training(command, output)
    model = output / "model-best"
    corpus = CORPORA[name]
    if side == SPACY and corpus.vectors:
        keep_lower_case(model)
    return {
        "corpus": name,
        "side": side,
        "seed": seed,
        "metric": corpus.metric,
        "dev": score(model, Path(f"corpus/{name}/dev.spacy"), corpus.task),
        "test": score(model, Path(f"corpus/{name}/test.spacy"), corpus.task),
        "train_seconds": round(seconds),
        "command": " ".join(["python", *command[1:]]),
        "environment": describe_environment(),
    }


def run_training(command: list[str], output: Path) -> float:
    """Train, with messages in `output`/train.log. Returns seconds of wall time."""
    output.mkdir(parents=True, exist_ok=True)
    log = output / "train.log"
    msg.info(f"Training, see {log}")
    start = time.perf_counter()
    with log.open("w", encoding="utf8") as file:
        result = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
    if result.returncode:
        raise RuntimeError(f"Training failed: see the end of {log}.")
    return time.perf_counter() - start


def keep_lower_case(model: Path) -> None:
    """Make spaCy's side look up vectors in lower case after loading, as it did in training.

    spaCy 3.8 reads this setting but does not write it, and would find no vector for words with
    capitals.
    """
    path = model / "vocab" / "vectors.cfg"
    srsly.write_json(path, {**srsly.read_json(path), "attr": LOWER})
