"""A memory that gets smaller in place."""

import pytest
import torch

from spacy_seqrnn.seq2seq.memory import Memory, close_gaps


@pytest.mark.parametrize(
    ("stays", "order"),
    [
        ("", []),
        ("1111", [0, 1, 2, 3]),
        ("0000", []),
        ("1110", [0, 1, 2]),
        ("0111", [3, 1, 2]),
        ("010101", [3, 1, 5]),
        ("000011", [4, 5]),
    ],
)
def test_the_last_rows_fill_the_gaps(stays: str, order: list[int]) -> None:
    found = close_gaps(torch.tensor([each == "1" for each in stays], dtype=torch.bool))
    assert found.tolist() == order


def test_what_a_memory_keeps() -> None:
    values, keys = torch.rand(5, 3, 2), torch.rand(5, 3, 4)
    outside = torch.rand(5, 3) > 0.5
    memory = Memory(values.clone(), keys.clone(), outside.clone())
    order = close_gaps(torch.tensor([False, True, False, True, True]))
    kept = memory.keep(order)
    assert order.tolist() == [3, 1, 4]
    assert torch.equal(kept.values, values[order])
    assert torch.equal(kept.keys, keys[order])
    assert torch.equal(kept.outside, outside[order])
    assert kept.values.data_ptr() == memory.values.data_ptr()
