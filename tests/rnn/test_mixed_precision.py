"""The recurrence in lower precision. A GPU's path is tested on the CPU, as far as that can be."""

import numpy as np
import pytest
import torch
from thinc.api import NumpyOps, fix_random_seed

from spacy_seqrnn.architectures.encoders import RNNEncoder
from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.rnn.layer import RNN, _backprop_scaled, _to_torch, _train_with_autograd
from spacy_seqrnn.rnn.stepwise import Int8Product

LENGTHS = [70, 3, 0, 1, 200, 7]


def _docs(lengths=LENGTHS, width=6, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=(n, width)).astype("f") for n in lengths]


def _encoder(mixed_precision, cell="lstm"):
    fix_random_seed(0)
    encoder = RNNEncoder(width=16, cell=cell, depth=2, mixed_precision=mixed_precision)
    return encoder.initialize(X=_docs())


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_predictions_are_close(cell):
    for plain, mixed in zip(
        _encoder(False, cell).predict(_docs()), _encoder(True, cell).predict(_docs()), strict=True
    ):
        assert mixed.dtype == np.float32
        np.testing.assert_allclose(mixed, plain, atol=0.03)
    assert not np.array_equal(mixed, plain)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_alone_as_in_a_batch(cell):
    """But for states half way between two integers, which the last bit takes to either of them."""
    encoder, Xs = _encoder(True, cell), _docs([*LENGTHS, *range(80)])
    for X, Y in zip(Xs, encoder.predict(Xs), strict=True):
        np.testing.assert_allclose(encoder.predict([X])[0], Y, atol=0.01)


@pytest.mark.parametrize("largest", [0.5, 1.0])
def test_product_of_integers(largest):
    """Within half a step for each factor; exact for a state and weights that are whole steps."""
    torch.manual_seed(0)
    recurrent = torch.randn(20, 12)
    h = (torch.rand(5, 20) * 2 - 1) * largest
    error = (Int8Product(recurrent, largest)(h) - h @ recurrent).abs()
    steps = (
        largest / 127 * recurrent.abs().sum(0)
        + recurrent.abs().amax(0) / 127 * h.abs().sum(1)[:, None]
    )
    assert (error <= 0.51 * steps).all()
    whole = torch.tensor([[127.0, 64.0], [-3.0, -127.0]])
    states = torch.tensor([[1.0, -1.0], [0.0, 1.0]]) * largest
    torch.testing.assert_close(Int8Product(whole, largest)(states), states @ whole)


def test_units_without_weights_add_nothing():
    assert not Int8Product(torch.zeros(3, 4), 1.0)(torch.ones(2, 3)).any()


def test_training_on_a_cpu_is_as_ever():
    results = []
    for mixed_precision in (False, True):
        encoder = _encoder(mixed_precision)
        Ys, backprop = encoder.begin_update(_docs())
        results.append([*Ys, *backprop(_docs(width=16, seed=1))])
    for plain, mixed in zip(*results, strict=True):
        np.testing.assert_array_equal(mixed, plain)


def test_a_model_trained_without_predicts_with_it():
    """And loading does not bring back what it was trained with."""
    plain, mixed = _encoder(False), _encoder(True)
    mixed.from_bytes(plain.to_bytes())
    assert not np.array_equal(mixed.predict(_docs())[0], plain.predict(_docs())[0])
    np.testing.assert_array_equal(mixed.copy().predict(_docs())[0], mixed.predict(_docs())[0])


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_gradients_by_autograd_are_close(cell):
    fix_random_seed(0)
    node = RNN(cell=cell, nO=8, nI=6)
    node.initialize()
    packing = make_packing([5, 2, 3])
    X, dY = (Packed(_docs([10], width)[0], packing) for width in (6, 8))
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        Y, backprop = _train_with_autograd(node, X, dtype)
        dX = backprop(dY)
        results.append((Y.data, dX.data, node.get_grad("weights").copy()))
        node.set_grad("weights", np.zeros_like(node.get_grad("weights")))
    for plain, mixed in zip(*results, strict=True):
        assert mixed.dtype == np.float32
        assert np.abs(mixed - plain).max() < 0.03 * np.abs(plain).max()


def _gradients(factor, dy):
    x = torch.ones(4, dtype=torch.float16, requires_grad=True)
    return _backprop_scaled(x * factor, [x], torch.full((4,), dy))[0]


@pytest.mark.parametrize("dy", [1e-12, 1.0, 1e6])
def test_gradients_of_any_size_survive_float16(dy):
    np.testing.assert_allclose(_gradients(2.0, dy), 2.0 * dy, rtol=1e-3)


def test_no_gradient_stays_none():
    assert not _gradients(2.0, 0.0).any()


def test_a_batch_whose_gradients_overflow_does_not_count():
    big = torch.full((4,), 60000.0, dtype=torch.float16)
    x = torch.ones(4, dtype=torch.float16, requires_grad=True)
    w = torch.ones(4, dtype=torch.float16, requires_grad=True)
    dx, dw = _backprop_scaled(x * big * 4.0 * w * 0.25, [x, w], torch.ones(4))
    assert not dx.any()
    assert not dw.any()


def _train_and_predict(cell, bidirectional, device, **options):
    """Prediction, training output and gradients of a layer, on the way that a device goes.

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


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gpus_way_gives_the_same(cell, bidirectional):
    expected = _train_and_predict(cell, bidirectional, "cpu")
    own = _train_and_predict(cell, bidirectional, "gpu")
    for here, there in zip(own, expected, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_gpus_way_is_close_in_half_precision(cell):
    expected = _train_and_predict(cell, True, "cpu")
    own = _train_and_predict(cell, True, "gpu", mixed_precision=True)
    for here, there in zip(own, expected, strict=True):
        assert here.dtype == np.float32
        assert 0 < np.abs(here - there).max() < 0.01 * np.abs(there).max()


def test_a_gpus_arrays_are_shared():
    """By DLPack, as CuPy's are. A tensor stands in for them: it has that and is no NumPy array."""
    array = torch.zeros(3)
    _to_torch(NumpyOps(device_type="gpu"), array)[1] = 5.0
    assert array.tolist() == [0.0, 5.0, 0.0]
