"""The long short-term memory, as `torch.nn.LSTM`.

Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
"""

import torch
from thinc.api import Ops

from ...types import FloatsXd
from .cell import Cell, Tensors, logistic_slope

FORGET, CELL_INPUT = 1, 2


class LSTMCell(Cell):
    """i, f, o = σ(…), g = tanh(…) of W x + b + U h + c; c' = f c + i g; h' = o tanh(c')

    As tanh(v) = 2 σ(2v) − 1, one call does all blocks of a step. The states that are kept are 2c
    and h / 2, so that nothing has to be doubled in each step. Multiples of two are exact.
    """

    n_blocks = 4  # input, forget, cell input, output
    gates = {"input": 0, "forget": FORGET, "output": 3}
    states = ("hidden", "cell")
    scales = {"hidden": 0.5, "cell": 2.0}
    trace = {"sums": 4, "hidden": 1, "cell": 1, "squashed": 1}  # squashed: σ(2c')
    gradients = {"sums": 4}
    kernel_wants_padding = True
    kernel = staticmethod(torch.lstm)

    def initial(self, ops: Ops, name: str, shape: tuple[int, ...], hidden: int) -> FloatsXd:
        """As for all cells, but with a forget gate that starts open.

        Its bias is 1 (Jozefowicz et al. 2015), so that gradients reach far from the beginning.
        """
        array = super().initial(ops, name, shape, hidden)
        if name == "input_bias":
            array[FORGET * hidden : (FORGET + 1) * hidden] = 1.0
        return array

    def prepare(self, weights: Tensors) -> Tensors:
        prepared = super().prepare(weights)
        doubled = _doubled(prepared["bias"])
        return {
            "input": prepared["input"] * doubled,
            "recurrent": prepared["recurrent"] * (2.0 * doubled),  # h is kept as half of it
            "bias": prepared["bias"] * doubled,
            "doubled": doubled,
        }

    def step(self, weights: Tensors, now: Tensors, before: Tensors) -> None:
        sums = now["sums"].baddbmm_(before["hidden"], weights["recurrent"]).sigmoid_()
        input_gate, forget_gate, cell_input, output_gate = sums.chunk(4, dim=2)  # (D, n, H) each
        cell = torch.mul(forget_gate, before["cell"], out=now["cell"])
        cell.addcmul_(input_gate, cell_input, value=4.0).add_(input_gate, alpha=-2.0)
        squashed = torch.sigmoid(cell, out=now["squashed"])
        torch.mul(output_gate, squashed, out=now["hidden"]).add_(output_gate, alpha=-0.5)

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
        d_cell = torch.addcmul(d_states["cell"], d_hidden * output_gate, logistic_slope(squashed))
        torch.mul(d_cell, cell_input, out=d_input).mul_(4.0).add_(d_cell, alpha=-2.0)
        torch.mul(d_cell, before["cell"], out=d_forget)
        torch.mul(d_cell, input_gate, out=d_cell_input).mul_(4.0)
        torch.mul(d_hidden, squashed, out=d_output).add_(d_hidden, alpha=-0.5)
        d_sums = out["sums"].mul_(logistic_slope(now["sums"]))
        d_before = torch.bmm(d_sums, weights["recurrent"].transpose(1, 2))
        return {"hidden": d_before, "cell": d_cell.mul_(forget_gate)}

    def weight_gradients(
        self, weights: Tensors, before: Tensors, out: Tensors, x: torch.Tensor
    ) -> tuple[Tensors, torch.Tensor]:
        gradients, dx = super().weight_gradients(weights, before, out, x)
        doubled = weights["doubled"].transpose(1, 2)  # (1, 4H, 1)
        gradients["input_weights"] *= doubled
        gradients["recurrent_weights"] *= 2.0 * doubled
        for name in ("input_bias", "recurrent_bias"):
            gradients[name] *= doubled[:, :, 0]
        return gradients, dx


def _doubled(bias: torch.Tensor) -> torch.Tensor:
    """2 for the block of the cell input, 1 for the others. Shape (1, 1, 4H)."""
    factors = torch.ones_like(bias[:1])
    width = bias.shape[2] // 4
    factors[:, :, CELL_INPUT * width : (CELL_INPUT + 1) * width] = 2.0
    return factors
