"""PyTorch's recipe for words: `python -m benchmarks.lm.workers.recipe TASK FOLDER`.

TASK: "words" trains for the minutes and says how good the model is; "training" and "generation"
serve training steps and written words.
"""

import math
import sys
from pathlib import Path
from typing import Any

import torch

from ...speed.workers.serve import answer, serve
from ..clock import Budget, processor_seconds
from ..recipe import N_STREAMS, STEPS, Training, WordModel, count_parameters, nats, width_for, write
from ..text import N_SPECIAL, numbers_of, read_lines, read_settings, read_vocabulary

BATCHES = 70  # about as many words as our batches have
WRITTEN = 200


def main(task: str, folder: str) -> None:
    """Do one task."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    parts = [numbers(Path(folder), part) for part in ("train", "dev", "test")]
    model = make_model(Path(folder))
    training = Training(model, parts[0])
    about = {"parameters": count_parameters(model), "version": torch.__version__}
    if task == "words":
        budget = Budget(60 * read_settings(Path(folder)).minutes)
        training.run(parts[1], budget)
        perplexity = math.exp(nats(model, parts[2]) / len(parts[2]))
        found = {"perplexity": perplexity, "units": training.words, "seconds": budget.spent}
        answer({**found, **about})
    elif task == "training":
        words = BATCHES * N_STREAMS * STEPS
        serve(lambda: processor_seconds(lambda: training.steps(BATCHES)), words, **about)
    else:
        serve(lambda: processor_seconds(lambda: write(model, WRITTEN)), WRITTEN, **about)


def numbers(folder: Path, part: str) -> Any:
    """A part as one stream."""
    return numbers_of(read_lines(folder, part), read_vocabulary(folder))


def make_model(folder: Path) -> WordModel:
    """A model of about as many parameters as ours."""
    n_words = len(read_vocabulary(folder)) + N_SPECIAL
    return WordModel(n_words, width_for(read_settings(folder).parameters["words"], n_words))


if __name__ == "__main__":
    main(*sys.argv[1:])
