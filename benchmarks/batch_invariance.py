"""How much the encoding of a document depends on the rest of its batch.

Encodes documents of 0 to 60 tokens alone and in batches of 2, 17 and 256, with every cell of
`spacy-seqrnn.RNNEncoder.v1` and with spaCy's own `spacy.TorchBiLSTMEncoder.v1`, and prints the
largest absolute difference of any output. Outputs are between -1 and 1.
"""

from typing import Annotated

import numpy as np
import srsly
import typer
from spacy.ml.models.tok2vec import BiLSTMEncoder
from thinc.api import Model, fix_random_seed
from wasabi import msg

from spacy_seqrnn.architectures.encoders import RNNEncoder
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.types import Floats2d

from .environment import describe_environment

BATCH_SIZES = [2, 17, 256]
WIDTH = 64


def measure(seed: Annotated[int, typer.Option(help="Seed of weights and documents")] = 0) -> None:
    """Print a table of the largest differences, and the environment."""
    # spaCy's encoder draws its weights when it is created, ours when they are initialised.
    fix_random_seed(seed)
    encoders = {f"RNNEncoder.v1, {cell}": RNNEncoder(width=WIDTH, cell=cell) for cell in CELLS}
    encoders["RNNEncoder.v1, lstm, depth 3"] = RNNEncoder(width=WIDTH, depth=3, residual=True)
    encoders["TorchBiLSTMEncoder.v1 (spaCy)"] = BiLSTMEncoder(WIDTH, depth=1, dropout=0.0)
    rows = []
    for name, encoder in encoders.items():
        fix_random_seed(seed)
        encoder.initialize(X=documents(2, seed))
        # spaCy's encoder does not accept a document without tokens.
        shortest = 1 if "spaCy" in name else 0
        batches = [documents(size, seed, shortest) for size in BATCH_SIZES]
        rows.append([name, *(f"{largest_difference(encoder, batch):.1e}" for batch in batches)])
    msg.table(rows, header=["encoder", *map(str, BATCH_SIZES)], divider=True)
    msg.text(srsly.json_dumps(describe_environment()))


def documents(n: int, seed: int, shortest: int = 0) -> list[Floats2d]:
    """Random token vectors of documents of mixed lengths."""
    random = np.random.default_rng(seed)
    lengths = random.integers(shortest, 60, n)
    return [random.normal(size=(length, WIDTH)).astype("float32") for length in lengths]


def largest_difference(
    encoder: Model[list[Floats2d], list[Floats2d]], docs: list[Floats2d]
) -> float:
    """The largest difference between a document's outputs in the batch and alone."""
    together = encoder.predict(docs)
    differences = [
        np.abs(encoder.predict([doc])[0] - batched).max()
        for doc, batched in zip(docs, together, strict=True)
        if len(doc)
    ]
    return float(max(differences))


if __name__ == "__main__":
    typer.run(measure)
