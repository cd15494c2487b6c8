"""The long short-term memory with layer normalisation of Ba et al. (2016)."""

import torch
from thinc.api import Ops

from ...types import FloatsXd
from .cell import Cell, Tensors, logistic_slope
from .lstm import CELL_INPUT, FORGET

EPSILON = 1e-5


class LayerNormLSTMCell(Cell):
    """i, f, o = σ(…), g = tanh(…) of α LN(W x) + β LN(U h) + b; c' = f c + i g;
    h' = o tanh(γ LN(c') + δ)

    LN gives a vector the mean 0 and the variance 1, over the units of all four blocks together.
    """

    n_blocks = 4  # input, forget, cell input, output
    gates = {"input": 0, "forget": FORGET, "output": 3}
    states = ("hidden", "cell")
    trace = {"sums": 4, "hidden": 1, "cell": 1, "squashed": 1, "recurrent": 4}
    gradients = {"sums": 4, "recurrent": 4, "normal_cell": 1}

    def shapes(self, nI: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {
            "input_weights": (4 * hidden, nI),
            "recurrent_weights": (4 * hidden, hidden),
            "input_gain": (4 * hidden,),
            "recurrent_gain": (4 * hidden,),
            "bias": (4 * hidden,),
            "cell_gain": (hidden,),
            "cell_bias": (hidden,),
        }

    def initial(self, ops: Ops, name: str, shape: tuple[int, ...], hidden: int) -> FloatsXd:
        array = super().initial(ops, name, shape, hidden)
        if name.endswith("gain"):
            array += 1.0
        if name == "bias":
            array[FORGET * hidden : (FORGET + 1) * hidden] = 1.0  # open, as in an LSTM
        return array

    def prepare(self, weights: Tensors) -> Tensors:
        vectors = ("input_gain", "recurrent_gain", "bias", "cell_gain", "cell_bias")
        return {
            "input": weights["input_weights"].transpose(1, 2),
            "recurrent": weights["recurrent_weights"].transpose(1, 2).contiguous(),
            **{name: weights[name].unsqueeze(1) for name in vectors},  # (D, 1, 4H) or (D, 1, H)
        }

    def project(self, weights: Tensors, x: torch.Tensor) -> torch.Tensor:
        normal, _ = _normalise(torch.bmm(x, weights["input"]))
        return torch.addcmul(weights["bias"], normal, weights["input_gain"])

    def step(self, weights: Tensors, now: Tensors, before: Tensors) -> None:
        sums = now["sums"]
        recurrent = torch.bmm(before["hidden"], weights["recurrent"], out=now["recurrent"])
        sums.addcmul_(_normalise(recurrent)[0], weights["recurrent_gain"])
        input_gate, forget_gate, cell_input, output_gate = sums.chunk(4, dim=2)  # (D, n, H) each
        sums[:, :, : CELL_INPUT * cell_input.shape[2]].sigmoid_()
        cell_input.tanh_()
        output_gate.sigmoid_()
        cell = torch.mul(forget_gate, before["cell"], out=now["cell"])
        cell.addcmul_(input_gate, cell_input)
        normal, _ = _normalise(cell)
        torch.addcmul(weights["cell_bias"], normal, weights["cell_gain"], out=now["squashed"])
        squashed = now["squashed"].tanh_()
        torch.mul(output_gate, squashed, out=now["hidden"])

    def step_back(
        self,
        weights: Tensors,
        now: Tensors,
        before: Tensors,
        d_hidden: torch.Tensor,
        d_states: Tensors,
        out: Tensors,
    ) -> Tensors:
        input_gate, forget_gate, cell_input, output_gate = now["sums"].chunk(4, dim=2)
        squashed = now["squashed"]
        d_input, d_forget, d_cell_input, d_output = out["sums"].chunk(4, dim=2)  # (D, n, H) each
        d_normal = torch.mul(d_hidden * output_gate, 1.0 - squashed**2, out=out["normal_cell"])
        normal, spread = _normalise(now["cell"])
        d_cell = d_states["cell"] + _normalise_back(d_normal * weights["cell_gain"], normal, spread)
        torch.mul(d_cell * cell_input, logistic_slope(input_gate), out=d_input)
        torch.mul(d_cell * before["cell"], logistic_slope(forget_gate), out=d_forget)
        torch.mul(d_cell * input_gate, 1.0 - cell_input**2, out=d_cell_input)
        torch.mul(d_hidden * squashed, logistic_slope(output_gate), out=d_output)
        normal, spread = _normalise(now["recurrent"])
        d_recurrent = out["recurrent"]  # (D, n, 4H)
        d_recurrent.copy_(_normalise_back(out["sums"] * weights["recurrent_gain"], normal, spread))
        d_before = torch.bmm(d_recurrent, weights["recurrent"].transpose(1, 2))
        return {"hidden": d_before, "cell": d_cell * forget_gate}

    def weight_gradients(
        self, weights: Tensors, trace: Tensors, before: Tensors, out: Tensors, x: torch.Tensor
    ) -> tuple[Tensors, torch.Tensor]:
        d_sums, d_recurrent = out["sums"], out["recurrent"]
        normal, spread = _normalise(torch.bmm(x, weights["input"]))
        d_product = _normalise_back(d_sums * weights["input_gain"], normal, spread)
        gradients = {
            "input_weights": torch.bmm(d_product.transpose(1, 2), x),
            "recurrent_weights": torch.bmm(d_recurrent.transpose(1, 2), before["hidden"]),
            "input_gain": (d_sums * normal).sum(1),
            "recurrent_gain": (d_sums * _normalise(trace["recurrent"])[0]).sum(1),
            "bias": d_sums.sum(1),
            "cell_gain": (out["normal_cell"] * _normalise(trace["cell"])[0]).sum(1),
            "cell_bias": out["normal_cell"].sum(1),
        }
        return gradients, torch.bmm(d_product, weights["input"].transpose(1, 2))


def _normalise(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of mean 0 and variance 1, and 1 / the standard deviation of each, (..., 1)."""
    normal, _, spread = torch.native_layer_norm(x, (x.shape[-1],), None, None, EPSILON)
    return normal, spread


def _normalise_back(
    d_normal: torch.Tensor, normal: torch.Tensor, spread: torch.Tensor
) -> torch.Tensor:
    """The backward pass of `_normalise`."""
    along = (d_normal * normal).mean(-1, keepdim=True)
    return (d_normal - d_normal.mean(-1, keepdim=True) - normal * along) * spread
