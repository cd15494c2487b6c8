"""The largest scores, by blocks."""

import pytest
import torch

from spacy_seqrnn.seq2seq.choosing import BLOCK, largest


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("size", [5, BLOCK, 4 * BLOCK, 20 * BLOCK, 20 * BLOCK + 1, 21 * BLOCK - 1])
def test_the_largest_are_those_of_topk(k: int, size: int) -> None:
    generator = torch.Generator().manual_seed(size)
    scores = torch.rand(7, size, generator=generator)
    scores[0, -1], scores[1, -k:], scores[2, :k] = 2.0, torch.arange(k) + 2.0, 2.0 - torch.arange(k)
    scores[3, 2:] = -torch.inf  # fewer than k that are finite
    values, columns = largest(scores, k)
    torch.testing.assert_close(values, scores.topk(k, dim=1).values)
    torch.testing.assert_close(scores.gather(1, columns), values)
    assert all(len(set(row)) == k for row in columns.tolist())
