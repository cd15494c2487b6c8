"""The simple recurrent network of Elman (1990), as `torch.nn.RNN`."""

import torch

from .cell import Cell, Tensors, tanh


class RNNCell(Cell):
    """h' = tanh(W x + b + U h + c)"""

    n_blocks = 1
    trace = {"sums": 1, "hidden": 1}
    gradients = {"sums": 1}
    kernel = staticmethod(torch.rnn_tanh)

    def step(self, weights: Tensors, now: Tensors, before: Tensors) -> None:
        sums = now["sums"].baddbmm_(before["hidden"], weights["recurrent"])  # (D, n, H)
        tanh(sums, out=now["hidden"])

    def step_back(
        self,
        weights: Tensors,
        now: Tensors,
        before: Tensors,
        d_hidden: torch.Tensor,
        d_states: Tensors,
        out: Tensors,
    ) -> Tensors:
        hidden = now["hidden"]  # (D, n, H)
        d_sums = torch.addcmul(d_hidden, d_hidden * hidden, hidden, value=-1.0, out=out["sums"])
        return {"hidden": torch.bmm(d_sums, weights["recurrent"].transpose(1, 2))}
