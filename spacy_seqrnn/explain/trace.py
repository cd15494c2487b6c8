"""The recurrence step by step in NumPy, with every gate kept.

It is computed apart from the layers, in float64, so that its hidden states, which the tests compare
with the layer's own, show that the gates are those that the layer uses. Formulas are those of
`torch.nn.RNN`, `torch.nn.LSTM` and `torch.nn.GRU`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

GATES = {"rnn": (), "lstm": ("input", "forget", "output"), "gru": ("reset", "update")}


@dataclass(frozen=True)
class CellWeights:
    """The weights of one direction of a layer; `gates` blocks of H rows each, in torch's order.

    input: Shape (gates * H, nI).
    recurrent: Shape (gates * H, H).
    input_bias, recurrent_bias: Shape (gates * H,).
    """

    cell: str
    input: np.ndarray
    recurrent: np.ndarray
    input_bias: np.ndarray
    recurrent_bias: np.ndarray


@dataclass(frozen=True)
class Trace:
    """All steps of one direction, in the order in which it reads.

    hidden: Shape (n_steps, H).
    gates: by name, see `GATES`; each of shape (n_steps, H), values from 0 to 1.
    cells: the LSTM's cell states, shape (n_steps, H); None for the others.
    states: all that a step hands on, shape (n_steps, S): the hidden state, and in the LSTM the cell
        state beside it.
    inputs: the input's share of each step's sums. Shape (n_steps, gates * H).
    """

    weights: CellWeights
    hidden: np.ndarray
    gates: dict[str, np.ndarray]
    cells: np.ndarray | None
    states: np.ndarray
    inputs: np.ndarray

    def jacobian(self, step: int) -> np.ndarray:
        """The derivative of the states after a step, not the first, for those before it: (S, S).

        It is made when it is asked for: those of all steps of a long text would fill the memory.
        """
        return STEPS[self.weights.cell](self.weights, self.inputs[step], self.states[step - 1])[2]()


def trace(weights: CellWeights, X: np.ndarray) -> Trace:
    """Read a text from states of 0. X: shape (n_steps, nI)."""
    width = weights.recurrent.shape[1]
    step = STEPS[weights.cell]
    inputs = X.astype("float64") @ weights.input.T + weights.input_bias
    state = np.zeros(2 * width if weights.cell == "lstm" else width)
    states, gates = [], []
    for x in inputs:
        state, step_gates, _ = step(weights, x, state)
        states.append(state)
        gates.append(step_gates)
    table = np.stack(states)
    return Trace(
        weights=weights,
        hidden=table[:, :width],
        gates={name: np.stack([g[i] for g in gates]) for i, name in enumerate(GATES[weights.cell])},
        cells=table[:, width:] if weights.cell == "lstm" else None,
        states=table,
        inputs=inputs,
    )


# New states, gates, and what computes the derivative of the new states for the old ones
Step = tuple[np.ndarray, tuple[np.ndarray, ...], Callable[[], np.ndarray]]


def _rnn(weights: CellWeights, x: np.ndarray, h: np.ndarray) -> Step:
    """Elman 1990. x: the input's share of the sums, shape (H,)."""
    new = np.tanh(x + weights.recurrent @ h + weights.recurrent_bias)
    return new, (), partial(_rows, 1 - new**2, weights.recurrent)


def _lstm(weights: CellWeights, x: np.ndarray, state: np.ndarray) -> Step:
    """Hochreiter and Schmidhuber 1997, Gers et al. 2000."""
    h, c = np.split(state, 2)
    i, f, g, o = np.split(x + weights.recurrent @ h + weights.recurrent_bias, 4)
    i, f, g, o = _logistic(i), _logistic(f), np.tanh(g), _logistic(o)
    new = f * c + i * g
    tanh = np.tanh(new)

    def jacobian() -> np.ndarray:
        U_i, U_f, U_g, U_o = np.split(weights.recurrent, 4)
        by_h = _rows(c * f * (1 - f), U_f) + _rows(g * i * (1 - i), U_i)
        by_h += _rows(i * (1 - g**2), U_g)
        by_c = np.diag(f)
        out = o * (1 - tanh**2)
        hidden_by_h = _rows(out, by_h) + _rows(tanh * o * (1 - o), U_o)
        return np.block([[hidden_by_h, _rows(out, by_c)], [by_h, by_c]])

    return np.concatenate([o * tanh, new]), (i, f, o), jacobian


def _gru(weights: CellWeights, x: np.ndarray, h: np.ndarray) -> Step:
    """Cho et al. 2014, with the reset gate after the matrix product as in cuDNN."""
    x_r, x_z, x_n = np.split(x, 3)
    r, z, n = np.split(weights.recurrent @ h + weights.recurrent_bias, 3)
    r, z, recurrent = _logistic(x_r + r), _logistic(x_z + z), n
    n = np.tanh(x_n + r * recurrent)

    def jacobian() -> np.ndarray:
        U_r, U_z, U_n = np.split(weights.recurrent, 3)
        by_sum = _rows(r, U_n) + _rows(recurrent * r * (1 - r), U_r)
        by_update = np.diag(z) + _rows((h - n) * z * (1 - z), U_z)
        return by_update + _rows((1 - z) * (1 - n**2), by_sum)

    return (1 - z) * n + z * h, (r, z), jacobian


STEPS: dict[str, Callable[[CellWeights, np.ndarray, np.ndarray], Step]] = {
    "rnn": _rnn,
    "lstm": _lstm,
    "gru": _gru,
}


def _rows(factors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return factors[:, None] * matrix


def _logistic(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * x)  # exp(-x) could overflow
