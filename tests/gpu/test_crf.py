"""Computations on linear chains give the same on a GPU as on the CPU."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from thinc.api import NumpyOps, Ops
from thinc.backends.cupy_ops import CupyOps

from spacy_seqrnn.crf.chain import SCORES, LinearChain, PooledChain
from spacy_seqrnn.crf.decoding import k_best, viterbi
from spacy_seqrnn.crf.expectations import (
    Segments,
    expected_counts,
    marginals,
    path_counts,
    segment_log_posteriors,
)
from spacy_seqrnn.crf.losses import (
    negative_log_likelihood,
    squared_difference,
    wrong_segments_loss,
)
from spacy_seqrnn.crf.recursion import log_partition
from spacy_seqrnn.ner.biluo import biluo_constraints

from ..crf.paths import make_chain
from .compare import close, on_host

LENGTHS = [3, 0, 1, 5]
N_TAGS = 5


def chain_on(ops: Ops, scale: float = 1.0, constrained: bool = False) -> LinearChain:
    chain = make_chain(LENGTHS, n_tags=N_TAGS, forbidden=0.0).scale(scale)
    if constrained:
        allowed = biluo_constraints(N_TAGS)
        masks = {name: getattr(allowed, name) for name in SCORES if name != "emissions"}
        scores = {n: np.where(mask, getattr(chain, n), -np.inf) for n, mask in masks.items()}
        chain = with_scores(chain, scores)
    return with_scores(chain, {name: ops.asarray(getattr(chain, name)) for name in SCORES})


def with_scores(chain: LinearChain, scores: dict[str, Any]) -> LinearChain:
    return replace(chain, **scores)


def gold(seed: int = 0) -> np.ndarray:
    allowed = np.random.default_rng(seed).random((sum(LENGTHS), N_TAGS)) < 0.5
    allowed[:, 0] = True
    return allowed


SEGMENTS = Segments(
    docs=np.asarray([0, 3, 3]),
    starts=np.asarray([1, 0, 3]),
    lengths=np.asarray([2, 1, 2]),
    tags=np.asarray([1, 3, 4, 1, 3]),
)
# B I L O U; B L O; U: packed, one time step after the other
TAGS = np.asarray([1, 1, 4, 2, 3, 3, 0, 0, 4])
WEIGHTS = np.asarray([1.0, 2.0, 0.0, 0.5])
ASKED: dict[str, Callable[[LinearChain], Any]] = {
    "viterbi": viterbi,
    "k best": lambda chain: k_best(chain, 3),
    "log partition": log_partition,
    "marginals": marginals,
    "counts": expected_counts,
    "weighted counts": lambda chain: expected_counts(chain, chain.xp.asarray(WEIGHTS)),
    "path": lambda chain: path_counts(chain, chain.xp.asarray(TAGS)),
    "segments": lambda chain: segment_log_posteriors(chain, SEGMENTS),
    "loss": lambda chain: negative_log_likelihood(chain, gold()),
    "loss of one path": lambda chain: negative_log_likelihood(chain, np.eye(N_TAGS)[TAGS] > 0),
    "wrong segments": lambda chain: wrong_segments_loss(chain, SEGMENTS),
    "difference": lambda chain: squared_difference(chain, chain.scale(0.5)),
    "mean": lambda chain: PooledChain((chain, chain.scale(0.5))).mean,
    "restricted": lambda chain: marginals(chain.restrict(chain.xp.asarray(gold()))),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("scale", [1.0, 500.0])  # in probabilities, and by logarithms
@pytest.mark.parametrize("constrained", [False, True])
def test_as_on_the_cpu(gpu: CupyOps, asked: str, scale: float, constrained: bool) -> None:
    ask = ASKED[asked]
    expected = ask(chain_on(NumpyOps(), scale, constrained))
    own = ask(chain_on(gpu, scale, constrained))
    close(on_host(own), on_host(expected), tolerance=1e-6)
