"""Generators of random numbers continue from a saved state."""

import json
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import fix_random_seed

from spacy_seqrnn.saved import randomness
from spacy_seqrnn.saved.randomness import read_states, seed_gpu, set_states


def _draw() -> list[float]:
    """An odd number of normal ones, of which generators keep the second for later."""
    drawn = [random.random(), random.gauss(), np.random.random(), np.random.normal()]
    return [*drawn, float(torch.rand(1)), float(torch.randn(1))]


@pytest.mark.parametrize("seed", range(3))
def test_states_survive_json(seed: int) -> None:
    fix_random_seed(seed)
    _draw()
    states = json.loads(json.dumps(read_states()))
    expected = [_draw() for _ in range(400)]  # more than a state has numbers
    set_states(states)
    assert [_draw() for _ in range(400)] == expected


def test_some_states_are_set() -> None:
    states = read_states()
    expected = _draw()
    set_states({"numpy": states["numpy"]})
    drawn = _draw()
    assert drawn[2:4] == expected[2:4]
    assert all(
        a != b for n, (a, b) in enumerate(zip(drawn, expected, strict=True)) if n not in (2, 3)
    )


def test_a_gpu_gets_another_seed_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the same step of the same run."""
    seeds: list[int] = []
    xp = SimpleNamespace(random=SimpleNamespace(seed=seeds.append))
    ops: Any = SimpleNamespace(device_type="gpu", xp=xp)
    monkeypatch.setattr(randomness, "get_current_ops", lambda: ops)
    for seed, step in [(0, 10), (0, 20), (1, 10), (0, 10)]:
        np.random.seed(seed)
        state = read_states()
        seed_gpu(step)
        assert read_states() == state
    assert seeds[0] == seeds[3]
    assert len(set(seeds)) == 3
    assert all(0 <= seed < 2**32 for seed in seeds)
