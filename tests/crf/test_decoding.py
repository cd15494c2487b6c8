"""The best tag sequences among all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf.chain import LinearChain
from spacy_seqrnn.crf.decoding import k_best, viterbi

from .paths import brute_log_partition, chains, doc_major, enumerate_paths

pytestmark = pytest.mark.usefixtures("_both_ways")


@given(chains)
def test_viterbi(chain: LinearChain) -> None:
    tags = doc_major(chain, viterbi(chain))
    row = 0
    for i, length in enumerate(chain.packing.lengths):
        paths = {path: score for score, path in enumerate_paths(chain, i)}
        best = max(paths.values())
        assert paths[tuple(tags[row : row + length])] == pytest.approx(best, rel=1e-9)
        row += length


@given(chains, st.integers(1, 6))
def test_k_best(chain: LinearChain, k: int) -> None:
    for i, found in enumerate(k_best(chain, k)):
        log_z = brute_log_partition(chain, i)
        paths = enumerate_paths(chain, i)
        best = sorted((score for score, _ in paths if score > -np.inf), reverse=True)[:k]
        assert len(found) == len(best)
        scores = {path: score for score, path in paths}
        for (log_p, tags), score in zip(found, best, strict=True):
            assert log_p == pytest.approx(score - log_z, rel=1e-9, abs=1e-7)
            assert tags.dtype == "int64"
            assert scores[tuple(tags)] == pytest.approx(score, rel=1e-9, abs=1e-9)
        assert len({tuple(tags) for _, tags in found}) == len(found)


def test_k_best_takes_ties_in_the_order_of_the_tags() -> None:
    """From the last token, so that the answer does not depend on how NumPy sorts."""
    random = np.random.default_rng(0)
    emissions, transitions, start, end = (
        random.integers(0, 2, size).astype(float) for size in ((3, 6), (6, 6), 6, 6)
    )
    chain = LinearChain(emissions, transitions, start, end, make_packing([3]))
    (found,) = k_best(chain, 300)
    paths = sorted((-score, path[::-1]) for score, path in enumerate_paths(chain, 0))
    assert [tuple(tags[::-1]) for _, tags in found] == [path for _, path in paths]
