from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import Adam, Model, fix_random_seed, set_dropout_rate

from spacy_seqrnn.architectures.encoders import RNNEncoder
from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.config_errors import ConfigError
from spacy_seqrnn.rnn.cells import CELLS, Tensors
from spacy_seqrnn.rnn.layer import RNN
from spacy_seqrnn.rnn.tensors import direction_weights, layout_of
from spacy_seqrnn.types import Floats2d, FloatsXd

from ..gradients import check_model_gradients

MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
VARIANTS = list(product(MODULES, [1, 2, 3], [False, True]))
LENGTHS = [3, 0, 1, 7, 7, 2]


def _docs(lengths: list[int] = LENGTHS, width: int = 5, seed: int = 0) -> list[Any]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(n, width)).astype("f") for n in lengths]


def _encoder(**options: Any) -> Model[list[Floats2d], list[Floats2d]]:
    fix_random_seed(0)
    encoder = RNNEncoder(**{"width": 8, **options})
    return encoder.initialize(X=_docs())


def _rnn_nodes(encoder: Model[list[Floats2d], list[Floats2d]]) -> list[Model[Packed, Packed]]:
    return [node for node in encoder.walk() if "directions" in node.attrs]


# Our arrays under the names of torch's modules
KINDS = {
    "input_weights": "weight_ih",
    "recurrent_weights": "weight_hh",
    "input_bias": "bias_ih",
    "recurrent_bias": "bias_hh",
}


def _named(weights: list[Tensors], layer: int) -> Iterator[tuple[str, torch.Tensor]]:
    """The arrays of a layer with the names that torch's modules have for them."""
    for suffix, direction in zip(("", "_reverse"), weights, strict=False):
        for name, tensor in direction.items():
            yield f"{KINDS[name]}_l{layer}{suffix}", tensor


def _torch_module(
    encoder: Model[list[Floats2d], list[Floats2d]], cell: str, depth: int, bidirectional: bool
) -> Any:
    """A torch module with the encoder's weights."""
    width = 8 // 2 if bidirectional else 8
    module = MODULES[cell](5, width, num_layers=depth, bidirectional=bidirectional)
    for i, node in enumerate(_rnn_nodes(encoder)):
        # A random bias: an initial one of zeros would hide a swap of the two.
        flat = node.get_param("weights")
        flat += np.random.default_rng(i).normal(scale=0.1, size=flat.shape).astype("f")
        for name, tensor in _named(direction_weights(node), i):
            getattr(module, name).data = tensor.clone()
    return module


@pytest.mark.parametrize(("cell", "depth", "bidirectional"), VARIANTS)
def test_equals_torch_module(cell: str, depth: int, bidirectional: bool) -> None:
    encoder = _encoder(cell=cell, depth=depth, bidirectional=bidirectional)
    module = _torch_module(encoder, cell, depth, bidirectional)
    Xs = _docs()
    for X, Y in zip(Xs, encoder.predict(Xs), strict=True):
        assert Y.shape == (len(X), 8)
        if len(X):
            expected, _ = module(torch.from_numpy(X))
            np.testing.assert_allclose(Y, expected.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize(("cell", "depth", "bidirectional"), VARIANTS)
def test_gradients_equal_autograd(cell: str, depth: int, bidirectional: bool) -> None:
    encoder = _encoder(cell=cell, depth=depth, bidirectional=bidirectional)
    module = _torch_module(encoder, cell, depth, bidirectional)
    Xs = _docs()
    dYs = _docs(width=8, seed=1)
    _, backprop = encoder.begin_update(Xs)
    dXs = backprop(dYs)
    for X, dX, dY in zip(Xs, dXs, dYs, strict=True):
        assert dX.shape == X.shape
        if len(X):
            x = torch.from_numpy(X).requires_grad_()
            module(x)[0].backward(torch.from_numpy(dY))
            assert x.grad is not None
            np.testing.assert_allclose(dX, x.grad.numpy(), atol=1e-5)
    for i, node in enumerate(_rnn_nodes(encoder)):
        gradients = layout_of(node).split(torch.from_numpy(node.get_grad("weights")))
        for name, own in _named(gradients, i):
            np.testing.assert_allclose(own, getattr(module, name).grad, atol=1e-4)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("options", [{}, {"residual": True}])
def test_gradients_equal_finite_differences(cell: str, options: dict[str, Any]) -> None:
    """Also for what torch's modules do not have: residual connections."""
    encoder = _encoder(cell=cell, depth=2, **options)
    Xs = [X.astype("f") for X in _docs([3, 1])]
    dYs = _docs([3, 1], width=8, seed=1)

    def loss() -> float:
        return sum(float((Y * dY).sum()) for Y, dY in zip(encoder.predict(Xs), dYs, strict=True))

    _, backprop = encoder.begin_update(Xs)
    backprop(dYs)
    check_model_gradients(loss, encoder, step=3e-3)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("batch_size", [2, 17, 256])
def test_alone_as_in_a_batch(cell: str, batch_size: int) -> None:
    lengths = np.random.default_rng(0).integers(0, 60, batch_size).tolist()
    encoder = _encoder(cell=cell, width=16, depth=2)
    Xs = _docs(lengths)
    for X, Y in zip(Xs, encoder.predict(Xs), strict=True):
        np.testing.assert_allclose(encoder.predict([X])[0], Y, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_training_and_prediction_agree_without_dropout(cell: str) -> None:
    encoder = _encoder(cell=cell, depth=2, residual=True)
    for trained, predicted in zip(
        encoder.begin_update(_docs())[0], encoder.predict(_docs()), strict=True
    ):
        np.testing.assert_allclose(trained, predicted, atol=1e-6)


def test_prediction_has_no_way_back() -> None:
    encoder = _encoder()
    _, backprop = encoder(_docs(), is_train=False)
    with pytest.raises(ValueError, match="is_train=True"):
        backprop(_docs(width=8))


def test_initial_weights() -> None:
    """Orthogonal recurrence, Glorot input, biases of zero but an open LSTM forget gate."""
    fix_random_seed(0)
    node = RNN(cell="lstm", nO=12, nI=6, bidirectional=True)
    node.initialize()
    arrays = [one for direction in direction_weights(node) for one in direction.items()]
    for name, tensor in arrays:
        array = tensor.numpy()
        if name == "recurrent_weights":
            for gate in np.split(array, 4):
                np.testing.assert_allclose(gate @ gate.T, np.eye(6), atol=1e-5)
        elif name == "input_weights":
            limit = np.sqrt(6 / (6 + 6))
            assert 0.8 * limit < np.abs(array).max() <= limit
        elif name == "input_bias":
            expected = np.repeat([0.0, 1.0, 0.0, 0.0], 6)
            np.testing.assert_array_equal(array, expected)
        else:
            assert not array.any()


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_only_the_lstm_has_a_forget_gate_to_open(cell: str) -> None:
    node = RNN(cell=cell, nO=4, nI=3, bidirectional=False)
    node.initialize()
    assert not node.get_param("weights")[-2 * 4 * (3 if cell == "gru" else 1) :].any()


def test_residual_adds_the_input_where_widths_agree() -> None:
    plain, residual = _encoder(depth=2), _encoder(depth=2, residual=True)
    residual.from_bytes(plain.to_bytes())
    Xs = _docs([4])
    first = RNNEncoder(width=8).initialize(X=Xs)
    _rnn_nodes(first)[0].set_param("weights", _rnn_nodes(plain)[0].get_param("weights"))
    # The first layer goes from 5 to 8 and cannot be skipped; the second one goes from 8 to 8.
    residual.layers[0].attrs["residual"] = True
    expected = plain.predict(Xs)[0] + first.predict(Xs)[0]
    np.testing.assert_allclose(residual.predict(Xs)[0], expected, atol=1e-6)


def test_training_dropout_reaches_the_encoder() -> None:
    encoder = _encoder()
    without = encoder.begin_update(_docs())[0]
    set_dropout_rate(encoder, 0.5)
    assert not np.allclose(encoder.begin_update(_docs())[0][0], without[0])
    np.testing.assert_allclose(encoder.predict(_docs())[0], without[0], atol=1e-6)


def test_fixed_dropout_stays_what_the_config_says() -> None:
    encoder = _encoder(dropout=0.5)
    without = encoder.predict(_docs())[0]
    set_dropout_rate(encoder, 0.0)
    assert not np.allclose(encoder.begin_update(_docs())[0][0], without)


def test_word_dropout_has_an_effect_in_training_only() -> None:
    encoder = _encoder(word_dropout=0.9)
    without = encoder.predict(_docs([200]))[0]
    assert not np.allclose(encoder.begin_update(_docs([200]))[0][0], without)
    np.testing.assert_allclose(encoder.predict(_docs([200]))[0], without, atol=1e-6)


def test_dropout_is_part_of_the_gradient() -> None:
    """With the same random numbers, the gradient is that of the function that was computed."""
    encoder = _encoder(dropout=0.4, word_dropout=0.3, depth=2)
    X, dY = _docs([6])[0], _docs([6], width=8, seed=1)[0]

    def run(X: Any) -> Any:
        fix_random_seed(3)
        return encoder.begin_update([X])

    _, backprop = run(X)
    dX = backprop([dY])[0]
    step = np.zeros_like(X)
    for i, j in [(0, 0), (3, 2), (5, 4)]:
        step[i, j] = 1e-2
        change = (run(X + step)[0][0] - run(X - step)[0][0]) * dY
        assert dX[i, j] == pytest.approx(change.sum() / 2e-2, abs=2e-3, rel=2e-2)
        step[i, j] = 0.0


@pytest.mark.parametrize("cell", CELLS)
def test_round_trip_and_copy(cell: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"cell": cell, "depth": 2}
    encoder = _encoder(**options)
    expected = encoder.predict(_docs())[0]
    encoder.to_disk(tmp_path / "model")
    for other in (
        RNNEncoder(width=8, **options).from_bytes(encoder.to_bytes()),
        RNNEncoder(width=8, **options).from_disk(tmp_path / "model"),
        encoder.copy(),
    ):
        np.testing.assert_array_equal(other.predict(_docs())[0], expected)


def test_averages_are_averages() -> None:
    """With use_averages, evaluation must see the moving average of the weights."""
    encoder = _encoder()
    optimizer = Adam(0.01, use_averages=True)
    (node,) = _rnn_nodes(encoder)
    for seed in range(3):
        _, backprop = encoder.begin_update(_docs())
        backprop(_docs(width=8, seed=seed))
        encoder.finish_update(optimizer)
    last: FloatsXd = node.get_param("weights").copy()
    with encoder.use_params(optimizer.averages):
        averaged: FloatsXd = node.get_param("weights").copy()
        averaged_output = encoder.predict(_docs())[0]
    assert not np.allclose(averaged, last)
    np.testing.assert_array_equal(node.get_param("weights"), last)
    assert not np.allclose(averaged_output, encoder.predict(_docs())[0])


def test_batch_of_one_layer_matches_steps() -> None:
    """A plain RNN by hand: h_t = tanh(W x_t + U h_{t-1} + b + c)."""
    fix_random_seed(0)
    node = RNN(cell="rnn", nO=3, nI=2, bidirectional=False)
    node.initialize()
    flat: FloatsXd = node.get_param("weights")
    W, U, b, c = np.split(flat, [6, 15, 18])
    W, U = W.reshape(3, 2), U.reshape(3, 3)
    X = np.random.default_rng(0).normal(size=(4, 2)).astype("f")
    h, expected = np.zeros(3), []
    for x in X:
        h = np.tanh(W @ x + U @ h + b + c)
        expected.append(h)
    np.testing.assert_allclose(node.predict(Packed(X, make_packing([4]))).data, expected, atol=1e-6)


def test_input_width_comes_from_the_first_batch() -> None:
    node = RNN(cell="gru", nO=4)
    assert node.has_dim("nI") is None
    X = Packed(_docs([3])[0], make_packing([3]))
    assert node.initialize(X=X).get_dim("nI") == 5
    assert node.predict(X).data.shape == (3, 4)


def test_reads_both_ways_unless_told_otherwise() -> None:
    said = RNN(cell="lstm", nO=8, nI=5, bidirectional=True).initialize()
    X = Packed(_docs([6])[0], make_packing([6]))
    left_out = RNN(cell="lstm", nO=8, nI=5)
    assert left_out.attrs["directions"] == 2
    left_out.from_bytes(said.to_bytes())
    np.testing.assert_array_equal(left_out.predict(X).data, said.predict(X).data)


@pytest.mark.parametrize("cell", CELLS)
def test_says_what_it_is_and_has_before_it_is_initialized(cell: str) -> None:
    """As `spacy debug model` shows it."""
    node = RNN(cell=cell, nO=4)
    assert node.name == cell
    assert node.param_names == ("weights",)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_direction_may_be_one_wide(bidirectional: bool) -> None:
    encoder = _encoder(width=1 + bidirectional, bidirectional=bidirectional)
    assert encoder.predict(_docs([3]))[0].shape == (3, 1 + bidirectional)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "lsmt"}, "Unknown cell 'lsmt': set `cell` to one of rnn, lstm, gru, "),
        ({"width": 7}, "cannot be 7 wide.* set `width` to an even number.$"),
        ({"width": 0}, "`width = 0` cannot work: set it to 1 or more"),
        ({"depth": 0}, "`depth = 0` cannot work: set it to 1 or more"),
        ({"dropout": -0.1}, "`dropout = -0.1` is no rate"),
        ({"dropout": 1.0}, "`dropout = 1.0` is no rate"),
        ({"word_dropout": 2.0}, "`word_dropout = 2.0` is no rate"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        RNNEncoder(**{"width": 8, **options})
    assert {error.value.option: error.value.value} == options


def test_mixed_precision_has_no_effect_and_says_so() -> None:
    with pytest.warns(UserWarning, match="`mixed_precision = true` of the encoder has no effect"):
        mixed = _encoder(mixed_precision=True)
    np.testing.assert_array_equal(mixed.predict(_docs())[0], _encoder().predict(_docs())[0])
