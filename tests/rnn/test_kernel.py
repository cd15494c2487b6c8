"""The driver of a GPU, on the CPU: torch has the kernels on both."""

from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import NumpyOps, fix_random_seed

from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.rnn.layer import RNN, read
from spacy_seqrnn.rnn.tensors import to_torch

WITH_KERNEL = [name for name, cell in CELLS.items() if cell.kernel]


def _docs(lengths: list[int], width: int) -> list[Any]:
    random = np.random.default_rng(0)
    return [random.normal(size=(n, width)).astype("f") for n in lengths]


def _train_and_predict(cell: str, bidirectional: bool, device: str) -> list[Any]:
    """Prediction, training output and gradients of a layer, by the driver that a device has.

    The arrays are on the CPU in any case.
    """
    fix_random_seed(0)
    node = RNN(cell=cell, nO=8, nI=6, bidirectional=bidirectional)
    node.initialize()
    node.ops = NumpyOps(device_type=device)
    packing = make_packing([5, 2, 0, 3])
    X, dY = (Packed(_docs([10], width)[0], packing) for width in (6, 8))
    Y, backprop = node.begin_update(X)
    dX = backprop(dY)
    assert Y.packing is dX.packing is packing
    return [node.predict(X).data, Y.data, dX.data, node.get_grad("weights")]


@pytest.mark.parametrize("cell", WITH_KERNEL)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gpus_driver_gives_the_same(cell: str, bidirectional: bool) -> None:
    expected = _train_and_predict(cell, bidirectional, "cpu")
    own = _train_and_predict(cell, bidirectional, "gpu")
    for here, there in zip(own, expected, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)


@pytest.mark.parametrize("cell", WITH_KERNEL)
@pytest.mark.parametrize("is_train", [False, True])
def test_states_go_through_a_gpus_driver_too(cell: str, is_train: bool) -> None:
    results = []
    for device in ("cpu", "gpu"):
        fix_random_seed(0)
        node = RNN(cell=cell, nO=8, nI=6)
        node.initialize()
        node.ops = NumpyOps(device_type=device)
        X, dY = (Packed(_docs([5], width)[0], make_packing([3, 0, 2])) for width in (6, 8))
        states = _docs([2] * len(CELLS[cell].states), 3 * 4)
        states = [state.reshape(2, 3, 4) for state in states]
        Y, final, backprop = read(node, X, states, is_train=is_train)
        results.append([Y.data, *final])
        if is_train:
            dX, d_states = backprop(dY, states)
            results[-1] += [dX.data, *d_states, node.get_grad("weights")]
    for here, there in zip(*results, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)


def test_a_gpus_arrays_are_shared() -> None:
    """By DLPack, as CuPy's are. A tensor stands in for them: it has that and is no NumPy array."""
    array = torch.zeros(3)
    to_torch(NumpyOps(device_type="gpu"), array)[1] = 5.0
    assert array.tolist() == [0.0, 5.0, 0.0]
