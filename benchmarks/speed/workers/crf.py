"""The CRF's loss and gradient: `python -m benchmarks.speed.workers.crf DOCS IMPLEMENTATION`.

For batches of 32 documents, with random emissions for 17 tags and one gold path each;
"spacy-seqrnn" is this package's CRF, "pytorch-crf" the package of that name, on padded batches.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchcrf import CRF as TorchCRF

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf.chain import LinearChain
from spacy_seqrnn.crf.losses import negative_log_likelihood

from .serve import serve, timed

BATCH_DOCS, N_TAGS = 32, 17


def main(docs: str, implementation: str) -> None:
    """Serve one implementation."""
    torch.set_num_threads(1)
    texts = json.loads(Path(docs).read_text(encoding="utf8"))
    lengths = [len(text["words"]) for text in texts][: 32 * BATCH_DOCS]
    batches = [lengths[i : i + BATCH_DOCS] for i in range(0, len(lengths), BATCH_DOCS)]
    prepare = _own if implementation == "spacy-seqrnn" else _torch
    steps = [prepare(batch, seed) for seed, batch in enumerate(batches)]
    serve(lambda: timed(lambda: [step() for step in steps]), sum(lengths), tags=N_TAGS)


def _own(lengths: list[int], seed: int) -> Callable[[], Any]:
    """The packed batch: gold tags as a lattice that allows one path."""
    random = np.random.default_rng(seed)
    packing = make_packing(lengths)
    emissions = random.normal(size=(packing.n_tokens, N_TAGS)).astype("float32")
    scores = np.zeros((N_TAGS, N_TAGS), "f"), np.zeros(N_TAGS, "f"), np.zeros(N_TAGS, "f")
    chain = LinearChain(emissions, *scores, packing)
    allowed = np.zeros(emissions.shape, dtype=bool)
    allowed[np.arange(len(allowed)), random.integers(0, N_TAGS, len(allowed))] = True
    return lambda: negative_log_likelihood(chain, allowed)


def _torch(lengths: list[int], seed: int) -> Callable[[], Any]:
    """The padded batch with its mask."""
    torch.manual_seed(seed)
    crf = TorchCRF(N_TAGS, batch_first=True)
    shape = (len(lengths), max(lengths))
    emissions = torch.randn(*shape, N_TAGS, requires_grad=True)
    tags = torch.randint(0, N_TAGS, shape)
    mask = torch.arange(shape[1]) < torch.tensor(lengths)[:, None]
    return lambda: crf(emissions, tags, mask=mask, reduction="sum").backward()


if __name__ == "__main__":
    main(*sys.argv[1:])
