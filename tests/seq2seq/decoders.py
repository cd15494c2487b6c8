"""Decoders and sources that are small enough to enumerate what they can write."""

from typing import Any

import numpy as np
from thinc.api import Model, fix_random_seed

from spacy_seqrnn.batch.packed import Packed, pack
from spacy_seqrnn.seq2seq.attention import ATTENTIONS
from spacy_seqrnn.seq2seq.decoder import NONE, Decoder
from spacy_seqrnn.types import FloatsXd

KINDS = [*ATTENTIONS, NONE]
N_UNITS, V = 9, 6
# Tokens of sources and units of targets
SHAPES = [(3, 2), (1, 0), (2, 5), (7, 3), (0, 1), (4, 4)]


def make_decoder(n_units: int = N_UNITS, *, noise: float = 0.2, **options: Any) -> Model[Any, Any]:
    """noise: added to all weights, as a bias of zero would hide a mistake."""
    fix_random_seed(0)
    sizes = {"cell": "gru", "width": 8, "embed_width": 5, "depth": 1, "attention": "dot"}
    others = {"tied": False, "copy": False, "label_smoothing": 0.0}
    decoder = Decoder(**{**sizes, **others, **options})
    decoder.set_dim("nI", V)
    decoder.set_dim("nO", n_units)
    decoder.initialize()
    random = np.random.default_rng(5)
    for name in decoder.param_names if noise else ():
        values: FloatsXd = decoder.get_param(name)
        values += random.normal(scale=noise, size=values.shape).astype("f")
    return decoder


def make_source(lengths: list[int], seed: int = 1) -> Packed:
    random = np.random.default_rng(seed)
    return pack(make_decoder().ops, [random.normal(size=(n, V)).astype("f") for n in lengths])


def make_targets(lengths: list[int]) -> list[np.ndarray]:
    random = np.random.default_rng(2)
    return [random.integers(0, N_UNITS, n) for n in lengths]


def make_batch(shapes: list[tuple[int, int]] = SHAPES) -> tuple[Packed, list[np.ndarray]]:
    return make_source([n for n, _ in shapes]), make_targets([n for _, n in shapes])
