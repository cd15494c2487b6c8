"""The fuzz target runs on fixed inputs; fuzz.py describes how to search for new ones."""

import random

import pytest

from .fuzz import TARGETS, run


@pytest.mark.parametrize("number", range(len(TARGETS)))
def test_fixed_inputs(number: int) -> None:
    chance = random.Random(number)
    for size in [0, 1, 5, 24, 60, 200]:
        run(bytes([number]) + chance.randbytes(size))
