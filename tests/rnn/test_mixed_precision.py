"""The recurrence in lower precision. The GPU's driver is tested on the CPU, as far as possible."""

import numpy as np
import pytest
import torch
from thinc.api import NumpyOps, fix_random_seed

from spacy_seqrnn.architectures.encoders import RNNEncoder
from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.rnn import kernel
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.rnn.kernel import _backprop_scaled
from spacy_seqrnn.rnn.layer import RNN
from spacy_seqrnn.rnn.tensors import cell_of, direction_weights, to_torch

WITH_KERNEL = [name for name, cell in CELLS.items() if cell.kernel]


def _docs(lengths, width=6, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=(n, width)).astype("f") for n in lengths]


@pytest.mark.parametrize("cell", CELLS)
def test_on_a_cpu_it_has_no_effect(cell):
    results = []
    for mixed_precision in (False, True):
        fix_random_seed(0)
        encoder = RNNEncoder(width=16, cell=cell, depth=2, mixed_precision=mixed_precision)
        encoder.initialize(X=_docs([3]))
        Ys, backprop = encoder.begin_update(_docs([3, 0, 1]))
        dXs = backprop(_docs([3, 0, 1], width=16, seed=1))
        results.append([*encoder.predict(_docs([3, 0, 1])), *Ys, *dXs])
    for plain, mixed in zip(*results, strict=True):
        np.testing.assert_array_equal(mixed, plain)


@pytest.mark.parametrize("cell", WITH_KERNEL)
def test_the_kernels_gradients_are_close(cell):
    fix_random_seed(0)
    node = RNN(cell=cell, nO=8, nI=6)
    node.initialize()
    packing = make_packing([5, 2, 3])
    x, dy = (torch.from_numpy(_docs([10], width)[0]) for width in (6, 8))
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        weights = direction_weights(node, dtype)
        y, final, backprop = kernel.train(cell_of(node), weights, x.to(dtype), packing, None)
        dx, gradients, d_states = backprop(
            dy, {name: state.float() for name, state in final.items()}
        )
        arrays = [array for direction in gradients for array in direction.values()]
        assert all(array.dtype == torch.float32 for array in [dx, *arrays, *d_states.values()])
        results.append([y.detach(), dx, *arrays, *d_states.values()])
    for plain, mixed in zip(*results, strict=True):
        assert (mixed - plain).abs().max() < 0.03 * plain.abs().max()


def _gradients(factor, dy):
    x = torch.ones(4, dtype=torch.float16, requires_grad=True)
    return _backprop_scaled([x * factor], [x], [torch.full((4,), dy)])[0]


@pytest.mark.parametrize("dy", [1e-12, 1.0, 1e6])
def test_gradients_of_any_size_survive_float16(dy):
    np.testing.assert_allclose(_gradients(2.0, dy), 2.0 * dy, rtol=1e-3)


def test_no_gradient_stays_none():
    assert not _gradients(2.0, 0.0).any()


def test_a_batch_whose_gradients_overflow_does_not_count():
    big = torch.full((4,), 60000.0, dtype=torch.float16)
    x = torch.ones(4, dtype=torch.float16, requires_grad=True)
    w = torch.ones(4, dtype=torch.float16, requires_grad=True)
    dx, dw = _backprop_scaled([x * big * 4.0 * w * 0.25], [x, w], [torch.ones(4)])
    assert not dx.any()
    assert not dw.any()


def _train_and_predict(cell, bidirectional, device, **options):
    """Prediction, training output and gradients of a layer, by the driver that a device has.

    The arrays are on the CPU in any case.
    """
    fix_random_seed(0)
    node = RNN(cell=cell, nO=8, nI=6, bidirectional=bidirectional, **options)
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
def test_a_gpus_driver_gives_the_same(cell, bidirectional):
    expected = _train_and_predict(cell, bidirectional, "cpu")
    own = _train_and_predict(cell, bidirectional, "gpu")
    for here, there in zip(own, expected, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)


@pytest.mark.parametrize("cell", WITH_KERNEL)
def test_a_gpus_driver_is_close_in_half_precision(cell):
    expected = _train_and_predict(cell, True, "cpu")
    own = _train_and_predict(cell, True, "gpu", mixed_precision=True)
    for here, there in zip(own, expected, strict=True):
        assert here.dtype == np.float32
        assert 0 < np.abs(here - there).max() < 0.01 * np.abs(there).max()


def test_a_gpus_arrays_are_shared():
    """By DLPack, as CuPy's are. A tensor stands in for them: it has that and is no NumPy array."""
    array = torch.zeros(3)
    to_torch(NumpyOps(device_type="gpu"), array)[1] = 5.0
    assert array.tolist() == [0.0, 5.0, 0.0]
