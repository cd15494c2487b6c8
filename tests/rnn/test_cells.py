"""One step of each cell: against its formulas, and its backward pass against autograd."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from thinc.api import NumpyOps, fix_random_seed

from spacy_seqrnn.rnn.cells import CELLS, Tensors
from spacy_seqrnn.rnn.cells.cell import FEWEST_ROWS, project

D, N, N_IN, H = 2, 5, 3, 4  # directions, documents, widths of input and hidden state


def random_weights(name: str, seed: int = 0) -> Tensors:
    """Of both directions, in 64 bits; none of them is 0, so that none can be left out."""
    random = np.random.default_rng(seed)
    return {
        array: torch.from_numpy(random.normal(size=(D, *shape)))
        for array, shape in CELLS[name].shapes(N_IN, H).items()
    }


def random_states(name: str, seed: int = 1) -> Tensors:
    random = np.random.default_rng(seed)
    return {state: torch.from_numpy(random.normal(size=(D, N, H))) for state in CELLS[name].states}


def run_step(name: str, weights: Tensors, x: torch.Tensor, states: Tensors) -> Tensors:
    """What a step writes, and before it what it is given; x: (D, N, N_IN)."""
    cell = CELLS[name]
    prepared = cell.prepare(weights)
    now = {
        array: torch.zeros(D, N, multiple * H, dtype=x.dtype)
        for array, multiple in cell.trace.items()
    }
    now["sums"] = cell.project(prepared, x)
    cell.step(prepared, now, states)
    return now


def product(weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return x @ weights.transpose(1, 2)


def row(vector: torch.Tensor) -> torch.Tensor:
    return vector.unsqueeze(1)


def formula_of_rnn(w: Tensors, x: torch.Tensor, h: torch.Tensor) -> Tensors:
    sums = product(w["input_weights"], x) + product(w["recurrent_weights"], h)
    return {"hidden": torch.tanh(sums + row(w["input_bias"] + w["recurrent_bias"]))}


def formula_of_lstm(w: Tensors, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Tensors:
    sums = product(w["input_weights"], x) + product(w["recurrent_weights"], h)
    i, f, g, o = (sums + row(w["input_bias"] + w["recurrent_bias"])).chunk(4, 2)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return {"hidden": o.sigmoid() * c.tanh(), "cell": c}


def formula_of_gru(w: Tensors, x: torch.Tensor, h: torch.Tensor) -> Tensors:
    x_r, x_z, x_n = (product(w["input_weights"], x) + row(w["input_bias"])).chunk(3, 2)
    h_r, h_z, h_n = (product(w["recurrent_weights"], h) + row(w["recurrent_bias"])).chunk(3, 2)
    update = (x_z + h_z).sigmoid()
    n = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
    return {"hidden": (1 - update) * n + update * h}


def formula_of_sru(w: Tensors, x: torch.Tensor, c: torch.Tensor) -> Tensors:
    """Equations 1 to 4 of Lei et al. (2018), with a product in the place of the input itself."""
    candidate, x_f, x_r, skip = product(w["input_weights"], x).chunk(4, 2)
    v_f, v_r = row(w["recurrent_weights"]).chunk(2, 2)
    b_f, b_r = row(w["bias"]).chunk(2, 2)
    forget, reset = (x_f + v_f * c + b_f).sigmoid(), (x_r + v_r * c + b_r).sigmoid()
    c = forget * c + (1 - forget) * candidate
    return {"hidden": reset * c + (1 - reset) * skip, "cell": c}


FORMULAS: dict[str, Callable[..., Tensors]] = {
    "rnn": formula_of_rnn,
    "lstm": formula_of_lstm,
    "gru": formula_of_gru,
    "sru": formula_of_sru,
}


def formula_step(
    name: str, weights: Tensors, x: torch.Tensor, states: Tensors
) -> tuple[torch.Tensor, Tensors]:
    """A step by its formula, with states as they are kept. Autograd can follow it."""
    scales = CELLS[name].scales
    true = [states[state] / scales.get(state, 1.0) for state in CELLS[name].states]
    after = FORMULAS[name](weights, x, *true)
    kept = {array: tensor * scales.get(array, 1.0) for array, tensor in after.items()}
    return kept["hidden"], kept


@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_its_formula(name: str) -> None:
    weights, states = random_weights(name), random_states(name)
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(D, N, N_IN)))
    hidden, after = formula_step(name, weights, x, states)
    now = run_step(name, weights, x, states)
    torch.testing.assert_close(now["hidden"], hidden)
    for state in CELLS[name].states:
        torch.testing.assert_close(now[state], after[state])


@pytest.mark.parametrize("name", CELLS)
def test_states_may_be_overwritten(name: str) -> None:
    """In prediction, states other than "hidden" have the memory of those before."""
    cell, weights, states = CELLS[name], random_weights(name), random_states(name)
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(D, N, N_IN)))
    apart = run_step(name, weights, x, states)
    prepared = cell.prepare(weights)
    now = {array: torch.empty_like(tensor) for array, tensor in apart.items()}
    now |= {"sums": cell.project(prepared, x)}
    now |= {state: array for state, array in states.items() if state != "hidden"}
    cell.step(prepared, now, states)
    for array in ("hidden", *cell.states):
        torch.testing.assert_close(now[array], apart[array])


@pytest.mark.parametrize("name", CELLS)
def test_the_backward_pass_is_that_of_autograd(name: str) -> None:
    """Every array a step hands on has a gradient, and so has everything that went into it."""
    cell = CELLS[name]
    random = np.random.default_rng(3)
    weights, states = random_weights(name), random_states(name)
    x = torch.from_numpy(random.normal(size=(D, N, N_IN)))
    now = run_step(name, weights, x, states)
    d_hidden, *d_others = (
        torch.from_numpy(random.normal(size=(D, N, H))) for _ in range(1 + len(cell.states))
    )
    d_states = dict(zip(cell.states, d_others, strict=True))
    out = {
        array: torch.full((D, N, multiple * H), torch.nan, dtype=x.dtype)
        for array, multiple in cell.gradients.items()
    }
    d_step = d_hidden + d_states["hidden"] if "hidden" in d_states else d_hidden
    prepared = cell.prepare(weights)
    kept = {state: array.clone() for state, array in d_states.items()}
    d_before = cell.step_back(prepared, now, states, d_step, kept, out)
    d_weights, dx = cell.weight_gradients(prepared, states, out, x)

    leaves = [x, *weights.values(), *states.values()]
    for leaf in leaves:
        leaf.requires_grad_()
    hidden, after = formula_step(name, weights, x, states)
    expected = torch.autograd.grad(
        [hidden, *(after[state] for state in cell.states)], leaves, [d_hidden, *d_others]
    )
    found = [dx, *(d_weights[array] for array in weights), *(d_before[s] for s in cell.states)]
    for here, there in zip(found, expected, strict=True):
        torch.testing.assert_close(here, there, atol=1e-10, rtol=1e-8)


@pytest.mark.parametrize("name", CELLS)
def test_weights_start_as_they_should(name: str) -> None:
    """Forget gates start open, gains at 1, the recurrence as rotations, other biases at 0."""
    cell = CELLS[name]
    fix_random_seed(0)
    arrays = {
        array: cell.initial(NumpyOps(), array, shape, H)
        for array, shape in cell.shapes(N_IN, H).items()
    }
    for array, values in arrays.items():
        assert values.shape == cell.shapes(N_IN, H)[array]
        assert values.dtype == np.float32
        if array.endswith("gain"):
            np.testing.assert_array_equal(values, 1.0)
        elif array.endswith("bias"):
            is_open = "lstm" in name and array in ("bias", "input_bias")
            expected = np.repeat([0.0, 1.0, 0.0, 0.0], H) if is_open else np.zeros(values.shape)
            np.testing.assert_array_equal(values, expected)
        elif array == "recurrent_weights" and values.ndim == 2:
            for block in np.split(values, cell.n_blocks):
                np.testing.assert_allclose(block @ block.T, np.eye(H), atol=1e-5)
        else:
            assert values.all()


@pytest.mark.parametrize("n_tokens", [1, FEWEST_ROWS - 1, FEWEST_ROWS, FEWEST_ROWS + 3])
def test_the_inputs_share_has_a_row_for_each_token(n_tokens: int) -> None:
    cell = CELLS["lstm"]
    weights = cell.prepare(random_weights("lstm"))
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(D, n_tokens, N_IN)))
    shares = project(cell, weights, x)
    torch.testing.assert_close(shares, cell.project(weights, x))
    assert shares.is_contiguous()
