"""The convolution over characters against Thinc's layers, one after the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from thinc.api import (
    HashEmbed,
    Linear,
    NumpyOps,
    chain,
    expand_window,
    reduce_max,
    with_array,
)
from thinc.types import DeviceTypes

from spacy_seqrnn.embed.char_cnn import CharCNN, char_cnn, windows
from spacy_seqrnn.embed.chars import code_points

OPS = NumpyOps()
WIDTH, CHAR_WIDTH, ROWS = 5, 4, 100
WORDS = st.lists(st.text("aeéß漢\0", min_size=1, max_size=9), min_size=1, max_size=12)


def in_turn(window_size: int) -> CharCNN:
    model: CharCNN = chain(
        with_array(HashEmbed(CHAR_WIDTH, ROWS, seed=0)),
        expand_window(window_size),
        with_array(Linear(WIDTH, CHAR_WIDTH * (2 * window_size + 1))),
        reduce_max(),
    )
    model.initialize()
    return model


def at_once(window_size: int) -> CharCNN:
    model = char_cnn(width=WIDTH, char_width=CHAR_WIDTH, window_size=window_size, rows=ROWS)
    model.initialize()
    return model


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@given(words=WORDS, window_size=st.integers(1, 3), seed=st.integers(0, 100))
def test_it_computes_what_its_layers_compute_in_turn(
    device: DeviceTypes, words: list[str], window_size: int, seed: int
) -> None:
    expected, actual = in_turn(window_size), at_once(window_size)
    actual.ops = NumpyOps(device_type=device)
    actual.from_bytes(expected.to_bytes())
    X = code_points(OPS, words, 64)
    dY = np.random.default_rng(seed).normal(size=(len(words), WIDTH)).astype("float32")
    results = []
    for model in (expected, actual):
        Y, backprop = model(X, is_train=True)
        backprop(dY)
        gradients = [node.get_grad(name) for node in model.walk() for name in node.grad_names]
        results.append([Y, *gradients])
    assert len(results[0]) == 4  # the vectors, and gradients of one table, the filters, the bias
    for of_expected, of_actual in zip(*results, strict=True):
        assert_allclose(of_actual, of_expected, rtol=1e-4, atol=1e-4)


@given(words=WORDS, others=WORDS)
def test_a_word_has_the_same_bits_beside_any_others(words: list[str], others: list[str]) -> None:
    model = at_once(1)
    alone = np.concatenate([model.predict(code_points(OPS, [word], 64)) for word in words])
    together = model.predict(code_points(OPS, words + others, 64))
    assert (together[: len(words)] == alone).all()


def test_windows_end_where_words_end() -> None:
    index, lengths = np.asarray([3, 1, 2, 0]), np.asarray([3, 1])
    pad = 9
    expected = [[pad, 3, 1, pad], [3, 1, 2, 0], [1, 2, pad, pad]]
    assert windows(index, lengths, 1, pad=pad).tolist() == expected
