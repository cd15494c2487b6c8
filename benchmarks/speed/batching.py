"""Whether batches of documents of equal length train faster: `python -m benchmarks.speed.batching`.

Such batches save padding, where there is padding. Here, they only avoid time steps with few
documents. Both batchers are spaCy's: `spacy.batch_by_words.v1`, which the recipes use, takes the
documents in the given order, and `spacy.batch_by_padded.v1` sorts them by length within a buffer.
"""

import os
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from statistics import median

import spacy
import torch
from spacy.language import Language
from spacy.training import Corpus, Example
from spacy.training.batchers import minibatch_by_padded_size, minibatch_by_words
from wasabi import msg

from .pipelines import NER, pipeline
from .results import keep

EXAMPLES = 3000
WORDS = 500  # per batch
BATCHES = 20
ROUNDS = 7
Batches = list[list[Example]]
BATCHERS: dict[str, Callable[..., Iterable[list[Example]]]] = {
    "as they come": partial(minibatch_by_words, size=WORDS),
    "sorted within 256": partial(minibatch_by_padded_size, size=WORDS, buffer=256),
    "sorted within 1000": partial(minibatch_by_padded_size, size=WORDS, buffer=1000),
}


def main() -> None:
    """Print and save how many words each batcher trains on per second."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    speeds = {}
    for name in ("ner-accuracy", "ner-efficiency"):
        nlp = spacy.load(pipeline(name))
        examples = list(islice(Corpus(f"corpus/{NER}/train.spacy")(nlp), EXAMPLES))
        batches = {title: list(batcher(examples)) for title, batcher in BATCHERS.items()}
        speeds[name] = compare(nlp, batches)
        msg.divider(name)
        for title, speed in speeds[name].items():
            msg.text(f"{title}: {median(speed):,.0f} words/s ({min(speed):,.0f}-{max(speed):,.0f})")
    keep("batching", {"speeds": speeds})


def compare(nlp: Language, ways: dict[str, Batches]) -> dict[str, list[float]]:
    """Words per second inside updates, alternating between batchers."""
    optimizer = nlp.resume_training()
    speeds: dict[str, list[float]] = {title: [] for title in ways}
    for number in range(ROUNDS + 1):
        for title, batches in ways.items():
            chosen = random.Random(number).sample(batches, BATCHES)
            n_words = sum(len(example.predicted) for batch in chosen for example in batch)
            start = time.perf_counter()
            for batch in chosen:
                nlp.update(batch, sgd=optimizer, drop=0.5)
            if number:  # the first round is a warm-up
                speeds[title].append(n_words / (time.perf_counter() - start))
    return speeds


if __name__ == "__main__":
    main()
