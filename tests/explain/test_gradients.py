"""Gradients through time against finite differences."""

from dataclasses import replace

import numpy as np
import pytest

from spacy_seqrnn.explain.gradients import gradient_norms, gradients_of_cells, gradients_of_text
from spacy_seqrnn.explain.trace import GATES, STEPS, CellWeights, trace

from .conftest import TEXT

WIDTH, N_IN, LENGTH = 3, 2, 6


@pytest.fixture(params=["rnn", "lstm", "gru"])
def weights(request):
    draw = np.random.default_rng(3).normal
    rows = {"rnn": 1, "lstm": 4, "gru": 3}[request.param] * WIDTH
    shapes = [(rows, N_IN), (rows, WIDTH), (rows,), (rows,)]
    return CellWeights(request.param, *(draw(size=shape) for shape in shapes))


def last_hidden(weights, inputs, state):
    for x in inputs:
        state, _, _ = STEPS[weights.cell](weights, x, state)
    return state[:WIDTH]


def test_norms_are_those_of_finite_differences(weights):
    X = np.random.default_rng(4).normal(size=(LENGTH, N_IN))
    found = trace(weights, X)
    inputs = X @ weights.input.T + weights.input_bias
    states = found.hidden if found.cells is None else np.hstack([found.hidden, found.cells])
    norms = gradient_norms(found)
    assert len(norms) == LENGTH
    for t in range(LENGTH):
        columns = []
        for unit in range(WIDTH):
            change = np.zeros(states.shape[1])
            change[unit] = 1e-6
            after = last_hidden(weights, inputs[t + 1 :], states[t] + change)
            before = last_hidden(weights, inputs[t + 1 :], states[t] - change)
            columns.append((after - before) / 2e-6)
        expected = np.linalg.norm(np.stack(columns, axis=1), 2)
        assert norms[LENGTH - 1 - t] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_plain_rnn_without_input_has_the_powers_of_its_weights():
    # At state 0 tanh has slope 1, so each step multiplies by the matrix: here a rotation.
    rotation, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(WIDTH, WIDTH)))
    for gain in (0.5, 1.0, 2.0):
        still = CellWeights("rnn", np.zeros((WIDTH, N_IN)), gain * rotation, *np.zeros((2, WIDTH)))
        norms = gradient_norms(trace(still, np.ones((LENGTH, N_IN))))
        assert norms == pytest.approx([gain**k for k in range(LENGTH)])


@pytest.mark.parametrize("bias", [0.0, 1.0, 50.0])
def test_lstm_without_input_decays_by_its_forget_gate(bias):
    # At state 0 with input and output gates half open, one step takes (h, c) to
    # (u h / 4 + f c / 2, u h / 2 + f c), which has rank 1: its powers are those of a number.
    u, f = 0.8, 1 / (1 + np.exp(-bias))
    recurrent = np.vstack([np.zeros((2 * WIDTH, WIDTH)), u * np.eye(WIDTH), np.zeros((WIDTH,) * 2)])
    biases = np.zeros((2, 4 * WIDTH))
    biases[0, WIDTH : 2 * WIDTH] = bias
    weights = CellWeights("lstm", np.zeros((4 * WIDTH, N_IN)), recurrent, *biases)
    norms = gradient_norms(trace(weights, np.ones((LENGTH, N_IN))))
    assert norms[1:] == pytest.approx([u / 4 * (u / 4 + f) ** k for k in range(LENGTH - 1)])


def test_fresh_cells():
    found = gradients_of_cells(["rnn", "gru", "lstm"], length=30, width=16)
    norms = {curve.title: curve.norms for curve in found.curves}
    assert all(len(each) == 30 and each[0] == 1.0 for each in norms.values())
    assert norms["lstm"][-1] > norms["rnn"][-1]  # what its forget gate is for
    assert found == gradients_of_cells(["rnn", "gru", "lstm"], length=30, width=16)


def test_real_text(ner):
    found = gradients_of_text(ner, TEXT)
    assert [len(curve.norms) for curve in found.curves] == [5, 5]


def test_no_recurrence_no_gradient(weights):
    still = replace(weights, recurrent=weights.recurrent * 0)
    norms = gradient_norms(trace(still, np.ones((LENGTH, N_IN))))
    if weights.cell == "gru":  # its update gate carries the state all the same
        assert norms[-1] > 0
    else:
        assert norms[1:] == (0.0,) * (LENGTH - 1)
    assert set(GATES) == set(STEPS)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cells": []}, "`cells` is empty: name at least one of rnn, lstm, gru"),
        ({"cells": ["elman"]}, "`cells = 'elman'` is unknown: set it to one of"),
        ({"cells": ["rnn"], "length": 1}, "`length = 1` cannot work: set it to 2 or more"),
    ],
)
def test_options_that_cannot_work(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        gradients_of_cells(**options)
