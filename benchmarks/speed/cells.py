"""Words a second of each recurrent cell: `python -m benchmarks.speed.cells`.

One layer of both directions by itself, over random vectors of documents of 5 to 45 tokens, all
cells in turn in one process.
"""

import os
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from thinc.api import Model, fix_random_seed
from wasabi import msg

from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.rnn.layer import RNN

from .results import keep
from .workers.serve import timed

N_IN, WIDTH = 100, 256  # of the recipe for accuracy
DOCS = {"one document": 1, "16 documents": 16, "256 documents": 256}
ROUNDS, WORDS_A_ROUND = 7, 20_000


def main() -> None:
    """Print the speeds and keep them."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    rows = {name: measure(n_docs) for name, n_docs in DOCS.items()}
    for name, speeds in rows.items():
        msg.divider(name)
        msg.table([(cell, *(f"{s:,}" for s in speed.values())) for cell, speed in speeds.items()])
    keep("cells", {"n_in": N_IN, "width": WIDTH, "rows": rows})


def measure(n_docs: int) -> dict[str, dict[str, int]]:
    """Words a second of each cell, the median of rounds in which each has its turn."""
    random = np.random.default_rng(0)
    packing = make_packing(random.integers(5, 46, n_docs).tolist() if n_docs > 1 else [25])
    X = Packed(random.normal(size=(packing.n_tokens, N_IN)).astype("float32"), packing)
    layers = {cell: make_layer(cell) for cell in CELLS}
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS + 1):  # the first warms up
        for cell, layer in layers.items():
            for name, work in (("predict", layer.predict), ("train", partial(train, layer))):
                seconds.setdefault((cell, name), []).append(seconds_of(work, X))
    return {
        cell: {
            name: round(packing.n_tokens / median(seconds[cell, name][1:]))
            for name in ("predict", "train")
        }
        for cell in CELLS
    }


def make_layer(cell: str) -> Model[Packed, Packed]:
    """A fresh layer."""
    fix_random_seed(0)
    layer = RNN(cell=cell, nO=WIDTH, nI=N_IN)
    layer.initialize()
    return layer


def train(layer: Model[Packed, Packed], X: Packed) -> None:
    """Forward and backward pass."""
    Y, backprop = layer.begin_update(X)
    backprop(Y)


def seconds_of(work: Any, X: Packed) -> float:
    """Of one call, the mean over as many as a round has words for."""
    n_calls = max(1, WORDS_A_ROUND // X.packing.n_tokens)
    return timed(lambda: [work(X) for _ in range(n_calls)]) / n_calls


if __name__ == "__main__":
    main()
