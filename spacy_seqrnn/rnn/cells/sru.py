"""The simple recurrent unit of Lei et al. (2018), whose recurrence is element-wise.

Its only matrix product is that of the input, which all tokens have at once.
"""

import torch
from thinc.api import Ops
from thinc.initializers import glorot_uniform_init

from ...types import FloatsXd
from .cell import Cell, Tensors, logistic_slope


class SRUCell(Cell):
    """f, r = σ(W x + b + v c); c' = f c + (1 − f) x̃; h' = r c' + (1 − r) s

    x̃ and s are products of the input: s stands for the input itself in the paper, which would have
    to be as wide as the output.
    """

    n_blocks = 4  # candidate x̃, forget, reset, skip s
    gates = {"forget": 1, "reset": 2}
    states = ("cell",)
    trace = {"sums": 4, "hidden": 1, "cell": 1}
    gradients = {"sums": 4}

    def shapes(self, nI: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {
            "input_weights": (4 * hidden, nI),
            "recurrent_weights": (2 * hidden,),  # v of both gates
            "bias": (2 * hidden,),
        }

    def initial(self, ops: Ops, name: str, shape: tuple[int, ...], hidden: int) -> FloatsXd:
        if name == "recurrent_weights":
            return glorot_uniform_init(ops, (2, hidden)).reshape(shape)
        return super().initial(ops, name, shape, hidden)

    def prepare(self, weights: Tensors) -> Tensors:
        recurrent = weights["recurrent_weights"]  # (D, 2H)
        width = recurrent.shape[1] // 2
        bias = recurrent.new_zeros(len(recurrent), 1, 4 * width)
        bias[:, 0, width : 3 * width] = weights["bias"]
        return {
            "input": weights["input_weights"].transpose(1, 2),
            "recurrent": recurrent.view(-1, 1, 2, width),
            "bias": bias,
        }

    def step(self, weights: Tensors, now: Tensors, before: Tensors) -> None:
        sums, cell = now["sums"], before["cell"]
        gates = _gates(sums)  # (D, n, 2, H)
        gates.addcmul_(weights["recurrent"], cell.unsqueeze(2)).sigmoid_()
        candidate, forget, reset, skip = sums.chunk(4, dim=2)  # (D, n, H) each
        new = torch.lerp(candidate, cell, forget, out=now["cell"])
        torch.lerp(skip, new, reset, out=now["hidden"])

    def step_back(
        self,
        weights: Tensors,
        now: Tensors,
        before: Tensors,
        d_hidden: torch.Tensor,
        d_states: Tensors,
        out: Tensors,
    ) -> Tensors:
        candidate, forget, reset, skip = now["sums"].chunk(4, dim=2)
        d_candidate, d_forget, d_reset, d_skip = out["sums"].chunk(4, dim=2)  # (D, n, H) each
        d_kept = d_hidden * reset
        torch.sub(d_hidden, d_kept, out=d_skip)
        torch.mul(d_hidden, now["cell"] - skip, out=d_reset)
        d_cell = d_states["cell"] + d_kept
        torch.mul(d_cell, before["cell"] - candidate, out=d_forget)
        d_gates = _gates(out["sums"]).mul_(logistic_slope(_gates(now["sums"])))
        d_before = d_cell * forget
        torch.sub(d_cell, d_before, out=d_candidate)
        return {"cell": d_before.add_((d_gates * weights["recurrent"]).sum(2))}

    def weight_gradients(
        self, weights: Tensors, before: Tensors, out: Tensors, x: torch.Tensor
    ) -> tuple[Tensors, torch.Tensor]:
        d_sums = out["sums"]
        d_gates = _gates(d_sums)  # (D, N, 2, H)
        gradients = {
            "input_weights": torch.bmm(d_sums.transpose(1, 2), x),
            "recurrent_weights": (d_gates * before["cell"].unsqueeze(2)).sum(1).flatten(1),
            "bias": d_gates.sum(1).flatten(1),
        }
        return gradients, self.project_back(weights, d_sums)


def _gates(sums: torch.Tensor) -> torch.Tensor:
    """Forget and reset of (D, n, 4H), as (D, n, 2, H)."""
    blocks: torch.Tensor = sums.unflatten(2, (4, -1))
    return blocks[:, :, 1:3]
