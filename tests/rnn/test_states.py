"""States that go in and come out: a text in parts is the text in one go, to the last bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Model, fix_random_seed

from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.rnn import layer as layer_module
from spacy_seqrnn.rnn import stack as stack_module
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.rnn.layer import RNN
from spacy_seqrnn.rnn.stack import RNNStack
from spacy_seqrnn.rnn.stepwise import FEWEST_DOCS
from spacy_seqrnn.types import FloatsXd

from ..gradients import check_gradient

N_IN, WIDTH, LENGTH = 6, 8, 19
# As wide as an encoder: for fewer values, libraries have other code, which rounds otherwise.
EXACT: dict[str, Any] = {"n_in": 96, "width": 64}


def make_layer(
    cell: str,
    bidirectional: bool = False,
    *,
    n_in: int = N_IN,
    width: int = WIDTH,
    seed: int = 0,
) -> Model[Packed, Packed]:
    fix_random_seed(seed)
    layer = RNN(cell=cell, nO=width, nI=n_in, bidirectional=bidirectional)
    layer.initialize()
    weights = layer.get_param("weights")
    weights += np.random.default_rng(seed).normal(scale=0.1, size=weights.shape).astype("f")
    return layer


def make_stack(
    cell: str, *, depth: int, n_in: int = N_IN, width: int = WIDTH
) -> Model[Packed, Packed]:
    layers = [
        make_layer(cell, n_in=width if i else n_in, width=width, seed=i) for i in range(depth)
    ]
    stack = RNNStack(layers, residual=True, dropout=None, word_dropout=0.0)
    stack.set_dim("nI", n_in)
    return stack


def rows(length: int, width: int = N_IN, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(length, width)).astype("f")


def packed(docs: list[np.ndarray]) -> Packed:
    packing = make_packing([len(doc) for doc in docs])
    return Packed(np.concatenate(docs)[packing.to_packed], packing)


def docs_of(Y: Packed) -> list[np.ndarray]:
    ends = np.cumsum(Y.packing.lengths)[:-1]
    return np.split(Y.data[Y.packing.from_packed], ends)


@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_every_split_gives_the_same_bits(cell: str, is_train: bool) -> None:
    layer, X = make_layer(cell, **EXACT), rows(LENGTH, EXACT["n_in"])
    whole, last, _ = layer_module.read(layer, packed([X]), is_train=is_train)
    for at in range(LENGTH + 1):
        first, states, _ = layer_module.read(layer, packed([X[:at]]), is_train=is_train)
        second, final, _ = layer_module.read(layer, packed([X[at:]]), states, is_train=is_train)
        np.testing.assert_array_equal(np.concatenate([first.data, second.data]), whole.data)
        for here, there in zip(final, last, strict=True):
            np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("cell", CELLS)
def test_weights_can_be_prepared_once_for_many_calls(cell: str) -> None:
    stack, X = make_stack(cell, depth=3, **EXACT), rows(LENGTH, EXACT["n_in"])
    expected, _, _ = stack_module.read(stack, packed([X]), is_train=False)
    prepared = stack_module.prepare(stack)
    stack.layers[0].set_param("weights", 2 * stack.layers[0].get_param("weights"))
    for _ in range(2):  # they do not follow the weights
        found, _, _ = stack_module.read(stack, packed([X]), is_train=False, prepared=prepared)
        np.testing.assert_array_equal(found.data, expected.data)
    changed, _, _ = stack_module.read(stack, packed([X]), is_train=False)
    assert not np.array_equal(changed.data, expected.data)


@pytest.mark.parametrize("cell", CELLS)
def test_reading_on_gives_what_reading_alone_does(cell: str) -> None:
    """Up to the last digits: without states, few documents are read with torch's kernels."""
    layer, X = make_layer(cell, bidirectional=True), packed([rows(7), rows(0), rows(3, seed=1)])
    Y, _, _ = layer_module.read(layer, X, is_train=False)
    np.testing.assert_allclose(Y.data, layer.predict(X).data, atol=1e-6)


@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_every_split_of_a_deep_encoder_gives_the_same_bits(cell: str, is_train: bool) -> None:
    stack, X = make_stack(cell, depth=3, **EXACT), rows(LENGTH, EXACT["n_in"])
    whole, last, _ = stack_module.read(stack, packed([X]), is_train=is_train)
    for at in range(LENGTH + 1):
        first, states, _ = stack_module.read(stack, packed([X[:at]]), is_train=is_train)
        second, final, _ = stack_module.read(stack, packed([X[at:]]), states, is_train=is_train)
        np.testing.assert_array_equal(np.concatenate([first.data, second.data]), whole.data)
        for own, expected in zip(final, last, strict=True):
            np.testing.assert_array_equal(np.stack(own), np.stack(expected))


@pytest.mark.parametrize("cell", CELLS)
def test_both_directions_get_what_the_other_part_hands_on(cell: str) -> None:
    """From left to right the first part is read first, from right to left the second."""
    layer, X = make_layer(cell, bidirectional=True, **EXACT), rows(LENGTH, EXACT["n_in"])
    whole, last, _ = layer_module.read(layer, packed([X]), is_train=False)
    for at in range(LENGTH + 1):
        left, right = packed([X[:at]]), packed([X[at:]])
        _, forwards, _ = layer_module.read(layer, left, is_train=False)
        _, backwards, _ = layer_module.read(layer, right, is_train=False)
        to_left = [np.stack([0 * state[0], state[1]]) for state in backwards]
        to_right = [np.stack([state[0], 0 * state[1]]) for state in forwards]
        first, after_left, _ = layer_module.read(layer, left, to_left, is_train=False)
        second, after_right, _ = layer_module.read(layer, right, to_right, is_train=False)
        np.testing.assert_array_equal(np.concatenate([first.data, second.data]), whole.data)
        for final, from_left, from_right in zip(last, after_left, after_right, strict=True):
            np.testing.assert_array_equal(final, np.stack([from_right[0], from_left[1]]))


lengths = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=50)


@pytest.mark.parametrize("cell", CELLS)
@given(lengths=lengths)
def test_documents_of_a_batch_go_on_each_with_its_own(
    cell: str, lengths: list[tuple[int, int]]
) -> None:
    """Whichever driver reads the parts. Some documents have an empty part."""
    layer = make_layer(cell)
    docs = [rows(first + second, seed=i) for i, (first, second) in enumerate(lengths)]
    parts = [np.split(doc, [first]) for doc, (first, _) in zip(docs, lengths, strict=True)]
    whole, last, _ = layer_module.read(layer, packed(docs), is_train=False)
    before, after = (packed([part[i] for part in parts]) for i in range(2))
    first, states, _ = layer_module.read(layer, before, is_train=False)
    second, final, _ = layer_module.read(layer, after, states, is_train=False)
    for expected, a, b in zip(docs_of(whole), docs_of(first), docs_of(second), strict=True):
        np.testing.assert_allclose(np.concatenate([a, b]), expected, atol=1e-5)
    for here, there in zip(final, last, strict=True):
        np.testing.assert_allclose(here, there, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n_docs", [3, FEWEST_DOCS + 3])
def test_final_states_are_the_last_hidden_states(cell: str, n_docs: int) -> None:
    """Where the hidden state is one of them: of the last token, and right to left of the first."""
    layer = make_layer(cell, bidirectional=True)
    docs = [rows(1 + i % 4, seed=i) for i in range(n_docs)]
    Y, final, _ = layer_module.read(layer, packed(docs), is_train=False)
    assert all(state.shape == (2, n_docs, WIDTH // 2) for state in final)
    if CELLS[cell].states[0] == "hidden":
        for i, doc in enumerate(docs_of(Y)):
            np.testing.assert_array_equal(final[0][0, i], doc[-1, : WIDTH // 2])
            np.testing.assert_array_equal(final[0][1, i], doc[0, WIDTH // 2 :])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_go_through_states(cell: str, bidirectional: bool) -> None:
    """Those of input, initial states and weights, from hidden and final states, by differences."""
    layer = make_layer(cell, bidirectional)
    random = np.random.default_rng(5)
    X = packed([rows(3), rows(0), rows(1, seed=1)])
    shape = (1 + bidirectional, 3, WIDTH // (1 + bidirectional))
    states = [random.normal(size=shape).astype("f") for _ in CELLS[cell].states]
    dY = random.normal(size=(4, WIDTH)).astype("f")
    d_final = [random.normal(size=shape).astype("f") for _ in states]

    def loss() -> float:
        Y, final, _ = layer_module.read(layer, X, states, is_train=False)
        return float((Y.data * dY).sum()) + sum(
            float((state * d).sum()) for state, d in zip(final, d_final, strict=True)
        )

    _, _, backprop = layer_module.read(layer, X, states, is_train=True)
    dX, d_states = backprop(Packed(dY, X.packing), d_final)
    check_gradient(loss, X.data, dX.data, step=3e-3)
    for state, gradient in zip(states, d_states, strict=True):
        check_gradient(loss, state, gradient, step=3e-3)
    check_gradient(loss, layer.get_param("weights"), layer.get_grad("weights"), step=3e-3)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_go_through_a_deep_encoders_states(cell: str) -> None:
    stack = make_stack(cell, depth=2)
    random = np.random.default_rng(5)
    X = packed([rows(3), rows(2, seed=1)])
    states = [
        [random.normal(size=(1, 2, WIDTH)).astype("f") for _ in CELLS[cell].states]
        for _ in range(2)
    ]
    d_final = [[np.ones_like(state) for state in of_layer] for of_layer in states]
    dY = random.normal(size=(5, WIDTH)).astype("f")

    def loss() -> float:
        Y, final, _ = stack_module.read(stack, X, states, is_train=False)
        return float((Y.data * dY).sum()) + sum(float(s.sum()) for layer in final for s in layer)

    _, _, backprop = stack_module.read(stack, X, states, is_train=True)
    dX, d_states = backprop(Packed(dY, X.packing), d_final)
    check_gradient(loss, X.data, dX.data)
    for of_layer, gradients in zip(states, d_states, strict=True):
        for state, gradient in zip(of_layer, gradients, strict=True):
            check_gradient(loss, state, gradient)


@pytest.mark.parametrize("cell", CELLS)
def test_a_gradient_in_two_parts_is_that_of_the_whole(cell: str) -> None:
    layer, X, dY = make_layer(cell), rows(7), rows(7, WIDTH, seed=1)
    _, backprop = layer(packed([X]), True)
    dX = backprop(packed([dY]))
    expected: FloatsXd = layer.get_grad("weights").copy()
    layer.set_grad("weights", 0 * expected)
    _, states, backprop_first = layer_module.read(layer, packed([X[:3]]), is_train=True)
    _, _, backprop_second = layer_module.read(layer, packed([X[3:]]), states, is_train=True)
    dX_second, d_states = backprop_second(packed([dY[3:]]))
    dX_first, _ = backprop_first(packed([dY[:3]]), d_states)
    np.testing.assert_allclose(np.concatenate([dX_first.data, dX_second.data]), dX.data, atol=1e-5)
    gradient: FloatsXd = layer.get_grad("weights")
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_states_of_another_shape_are_refused() -> None:
    layer, stack, X = make_layer("lstm"), make_stack("lstm", depth=3), packed([rows(3)])
    _, states, _ = layer_module.read(layer, X, is_train=False)
    with pytest.raises(ValueError, match=r"takes the states hidden, cell, .* = \(1, 1, 8"):
        layer_module.read(layer, X, states[:1], is_train=False)
    with pytest.raises(ValueError, match="The encoder has 3 layers, but gets states for 1"):
        stack_module.read(stack, X, [states], is_train=False)
