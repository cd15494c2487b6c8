"""Training steps: `python -m benchmarks.speed.workers.updates CONFIG CORPUS VECTORS WORDS`.

`nlp.update` over the same batches of about so many words for every config, without evaluation and
without reading the corpus. A first pass over the batches warms up.
"""

import sys
from itertools import islice
from pathlib import Path

import torch
from spacy.about import __version__
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Corpus
from spacy.training.batchers import minibatch_by_words
from spacy.training.initialize import init_nlp
from spacy.util import load_config, registry

from .serve import serve, timed

BATCHES = 40


def main(config: str, corpus: str, vectors: str, batch_words: str) -> None:
    """Serve the training steps of one config."""
    torch.set_num_threads(1)
    paths = {"paths.train": corpus, "paths.dev": corpus, "paths.vectors": vectors}
    nlp = init_nlp(load_config(Path(config), paths))
    settings = nlp.config.interpolate()["training"]
    optimizer = registry.resolve(settings, schema=ConfigSchemaTraining)["optimizer"]
    examples = Corpus(corpus)(nlp)
    batches = list(islice(minibatch_by_words(examples, int(batch_words)), BATCHES))

    def run() -> float:
        # The predicted documents keep the annotation of the previous run, so each run has its own.
        fresh = [[type(eg)(eg.reference.copy(), eg.reference) for eg in b] for b in batches]
        return timed(lambda: [nlp.update(batch, sgd=optimizer, drop=0.1) for batch in fresh])

    words = sum(len(example.reference) for batch in batches for example in batch)
    serve(run, words, batches=len(batches), version=__version__)


if __name__ == "__main__":
    main(*sys.argv[1:])
