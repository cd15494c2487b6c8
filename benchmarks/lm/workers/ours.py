"""Our language model: `python -m benchmarks.lm.workers.ours TASK FOLDER`.

TASK: "words" and "characters" train for the minutes and say how good the model is; "training" and
"generation" serve training steps and written words.
"""

import sys
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from spacy.about import __version__

from ...speed.workers.serve import answer, serve
from ..clock import Budget, processor_seconds
from ..ours import OurModel, group
from ..text import read_lines, read_settings, read_vocabulary

BATCHES = 20
WRITTEN = 200


def main(task: str, folder: str) -> None:
    """Do one task."""
    torch.set_num_threads(1)
    if task in ("words", "characters"):
        answer(train(Path(folder), task))
        return
    model = OurModel(read_vocabulary(Path(folder)), "words", read_settings(Path(folder)).width)
    if task == "generation":
        serve(lambda: processor_seconds(lambda: model.write(WRITTEN)), WRITTEN, version=__version__)
        return
    lines = group(read_lines(Path(folder), "train"), read_settings(Path(folder)).lines)
    batches = list(islice(model.batches(lines), BATCHES))
    words = sum(len(line) + 1 for batch in batches for line in batch)
    serve(
        lambda: processor_seconds(lambda: model.steps(batches)),
        words,
        parameters=model.parameters,
        version=__version__,
    )


def train(folder: Path, unit: str) -> dict[str, Any]:
    """Train for the minutes. Returns what the table shows."""
    settings = read_settings(folder)
    model = OurModel(read_vocabulary(folder, unit), unit, settings.width)
    n_lines = settings.lines if unit == "words" else 1
    budget = Budget(60 * settings.minutes)
    model.train(group(read_lines(folder, "train"), n_lines), budget)
    scores = model.scores(group(read_lines(folder, "test"), n_lines))
    return {
        "perplexity": scores["lm_perplexity"],
        "bits": scores["lm_bits_per_character"],
        "parameters": model.parameters,
        "units": model.units,
        "seconds": budget.spent,
        "version": __version__,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
