"""A Kneser-Ney model of 5-grams: `python -m benchmarks.lm.workers.kneser_ney words FOLDER`."""

import sys
import time
from pathlib import Path

import numpy as np

from ...speed.workers.serve import answer
from ..kneser_ney import KneserNey
from ..text import END_OF_LINE, N_SPECIAL, numbers_of, read_lines, read_vocabulary


def main(_task: str, folder: str) -> None:
    """Count the text once, which is all that there is to learn."""
    vocabulary = read_vocabulary(Path(folder))
    train, test = (
        numbers_of(read_lines(Path(folder), part), vocabulary) for part in ("train", "test")
    )
    start = time.process_time()
    model = KneserNey(train, n_words=len(vocabulary) + N_SPECIAL, end=END_OF_LINE)
    seconds = time.process_time() - start
    nats = -np.log(model.probabilities(test)).mean()
    answer(
        {
            "perplexity": float(np.exp(nats)),
            "parameters": model.n_grams,
            "units": len(train),
            "seconds": seconds,
            "version": np.__version__,
        }
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
