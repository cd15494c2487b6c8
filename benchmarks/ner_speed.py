"""Words per second of a trained `seqrnn_ner` pipeline and of spaCy's `ner`, in the same minutes.

spaCy's side is its default convolutional `ner` with the same labels and word vectors, trained for a
few steps on the same documents, since its speed depends little on how well it is trained. Both are
then measured in turn by `spacy benchmark speed`, which reads the documents' tokens from the corpus.
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import srsly
import typer
from spacy.util import run_command
from wasabi import msg

from .environment import describe_environment

SPACY_CONFIG = Path(__file__).parent / "accuracy/spacy_ner.cfg"


def measure(
    model: Annotated[Path, typer.Argument(help="Trained pipeline with seqrnn_ner")],
    train: Annotated[Path, typer.Argument(help="Corpus to train spaCy's ner on")],
    corpus: Annotated[Path, typer.Argument(help="Corpus to measure on")],
    vectors: Annotated[Path, typer.Argument(help="Pipeline with the word vectors")],
    rounds: Annotated[int, typer.Option(help="Alternating runs of each side")] = 5,
    steps: Annotated[int, typer.Option(help="Training steps of spaCy's side")] = 300,
) -> None:
    """Print minimum, median and maximum of both sides, their ratio, and the environment."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with TemporaryDirectory() as folder:
        paths = f"--paths.train {train} --paths.dev {corpus} --paths.vectors {vectors}"
        limits = f"--training.max_steps {steps} --training.eval_frequency {steps}"
        config = f"{SPACY_CONFIG} --output {folder} {paths} {limits}"
        run_command(f"{sys.executable} -m spacy train {config}")
        sides = {"seqrnn_ner": model, "spaCy ner": Path(folder) / "model-last"}
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, pipeline in sides.items():
                speeds[name].append(words_per_second(pipeline, corpus))
    rows = [
        [name, *(f"{f(values):,.0f}" for f in (min, median, max))]
        for name, values in speeds.items()
    ]
    msg.table(rows, header=["words/s", "min", "median", "max"], divider=True, aligns=tuple("lrrr"))
    ratio = median(speeds["seqrnn_ner"]) / median(speeds["spaCy ner"])
    msg.text(f"ratio of the medians: {ratio:.2f}")
    msg.text(srsly.json_dumps(describe_environment()))


def words_per_second(pipeline: Path, corpus: Path) -> float:
    """The mean that `spacy benchmark speed` prints, on one thread."""
    command = [sys.executable, "-m", "spacy", "benchmark", "speed", str(pipeline), str(corpus)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("Mean:")]
    return float(line.split()[1].replace(",", ""))


if __name__ == "__main__":
    typer.run(measure)
