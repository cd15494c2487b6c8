"""Random chains, and all tag sequences of their documents, one by one."""

from itertools import pairwise, product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf.chain import LinearChain

LENGTHS = [3, 0, 1, 5, 2, 4, 0]


def make_chain(
    lengths: list[int], n_tags: int = 3, scale: float = 1.0, forbidden: float = 0.2, seed: int = 0
) -> LinearChain:
    """A random chain, some of whose transitions are forbidden."""
    random = np.random.default_rng(seed)
    transitions = random.normal(size=(n_tags, n_tags)) * scale
    transitions[random.random(transitions.shape) < forbidden] = -np.inf
    np.fill_diagonal(transitions, 0.1)  # so that some sequence is always possible
    return LinearChain(
        random.normal(size=(sum(lengths), n_tags)) * scale,
        transitions,
        random.normal(size=n_tags) * scale,
        random.normal(size=n_tags) * scale,
        make_packing(lengths),
    )


def doc_major(chain: LinearChain, packed: np.ndarray) -> np.ndarray:
    made: np.ndarray = packed[chain.packing.from_packed]
    return made


def enumerate_paths(chain: LinearChain, doc: int) -> list[Any]:
    """All tag sequences of a document with their scores."""
    lengths = chain.packing.lengths
    start = int(lengths[:doc].sum())
    emissions = doc_major(chain, chain.emissions)[start : start + lengths[doc]]
    paths = []
    for tags in product(range(emissions.shape[1]), repeat=len(emissions)):
        score = sum(emissions[t, tag] for t, tag in enumerate(tags))
        score += sum(chain.transitions[a, b] for a, b in pairwise(tags))
        if tags:
            score += chain.start[tags[0]] + chain.end[tags[-1]]
        paths.append((float(score), tags))
    return paths


def brute_log_partition(chain: LinearChain, doc: int) -> float:
    return float(np.logaddexp.reduce([score for score, _ in enumerate_paths(chain, doc)]))


chains = st.builds(
    make_chain,
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    n_tags=st.integers(1, 4),
    # Up to differences that float64 cannot hold as a product of exponentials.
    scale=st.sampled_from([0.1, 1.0, 30.0, 1e3, 1e4]),
    forbidden=st.sampled_from([0.0, 0.3, 0.9]),
    seed=st.integers(0, 10_000),
)
