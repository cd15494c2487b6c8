"""A spaCy pipeline: `python -m benchmarks.speed.workers.spacy_pipe MODEL DOCS MODE`.

MODE: "tokens" runs `nlp.pipe` over documents with given tokens, "raw" over texts, both at the best
batch size; "latency" runs `nlp(text)` for one text after the other; "processes-2"
`nlp.pipe(n_process=2)` over six times the texts; "load" loads the pipeline. MODEL "empty" is a
pipeline without components, which shows the cost of the processes alone.
"""

import json
import statistics
import sys
from functools import partial
from pathlib import Path

import spacy
import torch
from spacy.about import __version__
from spacy.tokens import Doc

from .serve import best, serve, timed

LATENCY_TEXTS = 100
TIMES_FOR_PROCESSES = 6
EMPTY = "empty"


def main(model: str, docs: str, mode: str) -> None:
    """Serve one mode of one pipeline."""
    torch.set_num_threads(1)
    nlp = spacy.blank("en") if model == EMPTY else spacy.load(model)
    texts = json.loads(Path(docs).read_text(encoding="utf8"))
    words = [text["words"] for text in texts]
    raw = [text["text"] for text in texts]
    n_words = sum(map(len, words))

    def tokens(batch_size: int) -> float:
        made = [Doc(nlp.vocab, words=text) for text in words]
        return timed(lambda: all(True for _ in nlp.pipe(made, batch_size=batch_size)))

    def from_raw(batch_size: int) -> float:
        return timed(lambda: all(True for _ in nlp.pipe(raw, batch_size=batch_size)))

    def latency() -> float:
        return statistics.median(timed(partial(nlp, text)) for text in raw[:LATENCY_TEXTS])

    def processes(n_process: int) -> float:
        many = raw * TIMES_FOR_PROCESSES
        return timed(lambda: all(True for _ in nlp.pipe(many, n_process=n_process)))

    if mode in ("tokens", "raw"):
        measure = from_raw if mode == "raw" else tokens
        size = best(measure, [128, 256, 1000])
        serve(lambda: measure(size), n_words, batch_size=size, version=__version__)
    elif mode == "latency":
        shown = sum(map(len, words[:LATENCY_TEXTS])) / LATENCY_TEXTS
        serve(latency, round(shown), version=__version__)
    elif mode == "load":
        serve(lambda: timed(lambda: spacy.load(model)), 0, version=__version__)
    else:
        n = int(mode.removeprefix("processes-"))
        serve(lambda: processes(n), n_words * TIMES_FOR_PROCESSES, version=__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
