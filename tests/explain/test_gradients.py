"""Gradients through time against finite differences."""

from typing import Any

import numpy as np
import pytest
import torch
from spacy.language import Language

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.explain.gradients import gradients_of_cells, gradients_of_text
from spacy_seqrnn.explain.trace import trace_text
from spacy_seqrnn.rnn import training
from spacy_seqrnn.rnn.cells import CELLS, Tensors

from .conftest import TEXT

WIDTH, N_IN, LENGTH = 3, 2, 6
INPUTS = np.random.default_rng(4).normal(size=(LENGTH, N_IN))


def weights_of(cell: str) -> Tensors:
    draw = np.random.default_rng(3).normal
    shapes = CELLS[cell].shapes(N_IN, WIDTH)
    return {name: torch.from_numpy(draw(size=shape)) for name, shape in shapes.items()}


def read(cell: str, weights: Tensors, X: Any, states: Any = None) -> tuple[torch.Tensor, Tensors]:
    """Hidden states, (n, H), and the states after the last input, (H,) each, all in float64."""
    arrays = {name: array.unsqueeze(0) for name, array in weights.items()}
    initial = states and {name: state.view(1, 1, -1) for name, state in states.items()}
    packing = make_packing([len(X)])
    hidden, final, _ = training.forward(CELLS[cell], arrays, torch.from_numpy(X), packing, initial)
    return hidden, {name: state.flatten() for name, state in final.items()}


@pytest.mark.parametrize("cell", CELLS)
def test_norms_are_those_of_finite_differences(cell: str) -> None:
    """Of the derivative of h_T for the state after each input: h_t, or c_t where it is the only."""
    weights = weights_of(cell)
    norms = trace_text(CELLS[cell], weights, INPUTS).gradient_norms()
    assert len(norms) == LENGTH
    assert norms[0] == 1.0
    measured = CELLS[cell].states[0]
    for t in range(1, LENGTH):
        _, states = read(cell, weights, INPUTS[:t])
        columns = []
        for unit in range(WIDTH):
            change = torch.zeros(WIDTH, dtype=torch.float64)
            change[unit] = 1e-6
            ends = [
                read(cell, weights, INPUTS[t:], {**states, measured: states[measured] + by})[0][-1]
                for by in (change, -change)
            ]
            columns.append((ends[0] - ends[1]) / 2e-6)
        expected = np.linalg.norm(torch.stack(columns, dim=1).numpy(), 2)
        assert norms[LENGTH - t] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def zeros_of(cell: str) -> Tensors:
    return {name: torch.zeros_like(array) for name, array in weights_of(cell).items()}


def test_plain_rnn_without_input_has_the_powers_of_its_weights() -> None:
    # At state 0 tanh has slope 1, so each step multiplies by the matrix: here a rotation.
    rotation, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(WIDTH, WIDTH)))
    for gain in (0.5, 1.0, 2.0):
        still = {**zeros_of("rnn"), "recurrent_weights": torch.from_numpy(gain * rotation)}
        norms = trace_text(CELLS["rnn"], still, INPUTS).gradient_norms()
        assert norms == pytest.approx([gain**k for k in range(LENGTH)])


@pytest.mark.parametrize("bias", [0.0, 1.0, 50.0])
def test_lstm_without_input_decays_by_its_forget_gate(bias: float) -> None:
    # At state 0 with input and output gates half open, one step takes (h, c) to
    # (u h / 4 + f c / 2, u h / 2 + f c), which has rank 1: its powers are those of a number.
    u, f = 0.8, 1 / (1 + np.exp(-bias))
    weights = zeros_of("lstm")
    weights["recurrent_weights"][2 * WIDTH : 3 * WIDTH] = u * torch.eye(WIDTH)
    weights["input_bias"][WIDTH : 2 * WIDTH] = bias
    norms = trace_text(CELLS["lstm"], weights, INPUTS).gradient_norms()
    assert norms[1:] == pytest.approx([u / 4 * (u / 4 + f) ** k for k in range(LENGTH - 1)])


def test_fresh_cells() -> None:
    found = gradients_of_cells(["rnn", "gru", "lstm"], length=30, width=16)
    norms = {curve.title: curve.norms for curve in found.curves}
    assert all(len(each) == 30 and each[0] == 1.0 for each in norms.values())
    assert norms["lstm"][-1] > norms["rnn"][-1]  # what its forget gate is for
    assert found == gradients_of_cells(["rnn", "gru", "lstm"], length=30, width=16)


def test_real_text(ner: Language) -> None:
    found = gradients_of_text(ner, TEXT)
    assert [len(curve.norms) for curve in found.curves] == [5, 5]


@pytest.mark.parametrize("cell", CELLS)
def test_no_recurrence_no_gradient(cell: str) -> None:
    """But for cells whose gates carry the state all the same."""
    weights = weights_of(cell)
    weights["recurrent_weights"] *= 0.0
    norms = trace_text(CELLS[cell], weights, INPUTS).gradient_norms()
    if cell in ("gru", "sru"):
        assert norms[-1] > 0
    else:
        assert norms[1:] == (0.0,) * (LENGTH - 1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cells": []}, "`cells` is empty: name at least one of rnn, lstm, gru, "),
        ({"cells": ["elman"]}, "`cells = 'elman'` is unknown: set it to one of"),
        ({"cells": ["rnn"], "length": 1}, "`length = 1` cannot work: set it to 2 or more"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        gradients_of_cells(**options)
