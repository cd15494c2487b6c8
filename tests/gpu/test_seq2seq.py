"""A decoder on a GPU learns, scores and writes as on the CPU."""

from typing import Any

import numpy as np
import pytest
from thinc.api import Ops, get_current_ops, use_ops
from thinc.backends.cupy_ops import CupyOps

from spacy_seqrnn.batch.packed import pack
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.seq2seq.decoding import Search, search
from spacy_seqrnn.seq2seq.training import align, score_targets, train_decoder
from spacy_seqrnn.types import Floats2d

from ..seq2seq.decoders import KINDS, V, make_decoder
from .compare import close, on_host

SHAPES = [(3, 2), (1, 0), (2, 5), (7, 3), (0, 1)]


def run(ops: Ops, options: dict[str, Any], saved: bytes) -> list[Any]:
    """Everything that can be asked of a decoder."""
    random = np.random.default_rng(0)
    decoder = make_decoder(noise=0.0, **options).from_bytes(saved)
    assert decoder.ops is get_current_ops()
    states: list[Floats2d] = [random.normal(size=(n, V)).astype("f") for n, _ in SHAPES]
    source = pack(ops, [ops.asarray2f(each) for each in states])
    targets = [random.integers(0, 9, n) for _, n in SHAPES]
    # Units of the vocabulary and others
    copied = random.integers(0, 12, sum(n for n, _ in SHAPES)) if options.get("copy") else None
    loss, d_source = train_decoder(decoder, source, targets, 1.0, copied)
    gradients = [node.get_grad(name) for node in decoder.walk() for name in node.grad_names]
    found = search([(decoder, source)], np.full(len(SHAPES), 6), Search(beam=3, k=2), copied)
    scores = [one.score for hypotheses in found for one in hypotheses]
    aligned = [*score_targets(decoder, source, targets, copied), *align(decoder, source, targets)]
    return [loss, scores, *map(on_host, [d_source.data, *gradients, *aligned])]


OPTIONS: list[dict[str, Any]] = [
    *({"cell": cell, "depth": 2} for cell in CELLS),
    *({"attention": kind} for kind in KINDS),
    {"copy": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_decoder(gpu: CupyOps, options: dict[str, Any]) -> None:
    with use_ops("numpy"):
        saved = make_decoder(noise=0.5, **options).to_bytes()
        expected = run(get_current_ops(), options, saved)
    close(run(gpu, options, saved), expected)
