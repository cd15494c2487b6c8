"""A recogniser with N labels: `python -m benchmarks.speed.workers.many_labels SIDE N WAY FOLDER`.

The way "train" saves the pipeline that the other ways load. Its labels are artificial, and each has
its own words.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import fix_random_seed

from ...memory import MEGABYTE, memory

N_TOKENS, DOC_TOKENS = 5_000, 20
WORDS_OF_LABEL, OTHER_WORDS, LONGEST_ENTITY = 4, 2_000, 3
UPDATES, BATCH_DOCS = 40, 64
# Name of a side: its component, and its options when the pipeline is loaded
SIDES: dict[str, tuple[str, dict[str, Any]]] = {
    "seqrnn_ner": ("seqrnn_ner", {}),
    "with spans_key": ("seqrnn_ner", {"spans_key": "scored"}),
    "spaCy's ner": ("ner", {}),
}
# What is done with the tokens, and how many tokens a document has
WAYS = {"many documents": DOC_TOKENS, "one document": N_TOKENS, "training step": DOC_TOKENS}
REPEATS = 3


def train(side: str, n_labels: int, folder: Path) -> None:
    """Train a pipeline for a few seconds and save it, unless it already exists."""
    factory, _ = SIDES[side]
    path = folder / f"{factory}-{n_labels}"
    if path.exists():
        return
    fix_random_seed(0)
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe(factory)
    for number in range(n_labels):
        pipe.add_label(_name(number))
    optimizer = nlp.initialize(lambda: examples(nlp.vocab, n_labels, 10, seed=1))
    for step in range(UPDATES):
        nlp.update(examples(nlp.vocab, n_labels, BATCH_DOCS, seed=step + 1), sgd=optimizer)
    folder.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(path)


def measure(side: str, n_labels: int, way: str, folder: Path) -> dict[str, Any]:
    """Processor seconds, the minimum of a few runs, and the process's peak of megabytes."""
    torch.set_num_threads(1)
    factory, config = SIDES[side]
    nlp = spacy.load(folder / f"{factory}-{n_labels}", config={"components": {factory: config}})
    length = WAYS[way]
    batch = examples(nlp.vocab, n_labels, N_TOKENS // length, seed=0, length=length)
    nlp("Warm up first.")
    optimizer = nlp.resume_training() if way == "training step" else None
    seconds = []
    for _ in range(REPEATS):
        docs = [example.predicted.copy() for example in batch]
        start = time.process_time()
        if optimizer is None:
            list(nlp.pipe(docs))
        else:
            nlp.update(batch, sgd=optimizer)
        seconds.append(time.process_time() - start)
    return {
        "side": side,
        "labels": n_labels,
        "way": way,
        "seconds": round(min(seconds), 4),
        "megabytes": round(memory("VmHWM") / MEGABYTE),
    }


def examples(
    vocab: Vocab, n_labels: int, n_docs: int, seed: int, length: int = DOC_TOKENS
) -> list[Example]:
    """Documents of random words. About a third of their segments are entities."""
    random = np.random.default_rng(seed)
    return [_example(vocab, n_labels, length, random) for _ in range(n_docs)]


def _example(vocab: Vocab, n_labels: int, length: int, random: np.random.Generator) -> Example:
    words: list[str] = []
    spans = []
    for label, size in _stretches(n_labels, length, random):
        if label is not None:
            spans.append((len(words), len(words) + size, label))
        kinds = WORDS_OF_LABEL if label is not None else OTHER_WORDS
        words += [f"{label or 'w'}x{random.integers(kinds)}" for _ in range(size)]
    reference = Doc(vocab, words=words)
    reference.set_ents([Span(reference, *span) for span in spans])
    return Example(Doc(vocab, words=words), reference)


def _stretches(
    n_labels: int, length: int, random: np.random.Generator
) -> Iterator[tuple[str | None, int]]:
    """Entities, with their labels, and the segments between them, with None."""
    while length:
        label = _name(int(random.integers(n_labels))) if random.random() < 1 / 3 else None
        size = min(int(random.integers(1, LONGEST_ENTITY + 1)), length)
        length -= size
        yield label, size


def _name(number: int) -> str:
    return f"L{number}"


if __name__ == "__main__":
    side, number, way, path = sys.argv[1:]
    if way == "train":
        train(side, int(number), Path(path))
    else:
        print(json.dumps(measure(side, int(number), way, Path(path))))
