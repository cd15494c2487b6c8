"""The gated recurrent unit of Cho et al. (2014), as `torch.nn.GRU`.

It is the variant of cuDNN, which applies the reset gate after the matrix product.
"""

import torch

from .cell import Cell, Tensors, logistic_slope, tanh


class GRUCell(Cell):
    """r, z = σ(…), n = tanh(W x + b + r (U h + c)); h' = n + z (h − n)"""

    n_blocks = 3  # reset, update, candidate
    gates = {"reset": 0, "update": 1}
    trace = {"sums": 3, "hidden": 1, "recurrent": 3}  # recurrent: U h, and for n U h + c
    gradients = {"sums": 3, "recurrent": 3}
    kernel = staticmethod(torch.gru)

    def prepare(self, weights: Tensors) -> Tensors:
        prepared = super().prepare(weights)
        # The recurrent bias of n is within what r is multiplied with.
        width = prepared["recurrent"].shape[1]
        recurrent_bias = weights["recurrent_bias"].unsqueeze(1).clone()  # (D, 1, 3H)
        prepared["bias"][:, :, 2 * width :] -= recurrent_bias[:, :, 2 * width :]
        recurrent_bias[:, :, : 2 * width] = 0.0
        return {**prepared, "recurrent_bias": recurrent_bias}

    def step(self, weights: Tensors, now: Tensors, before: Tensors) -> None:
        sums, hidden = now["sums"], before["hidden"]
        recurrent = torch.baddbmm(
            weights["recurrent_bias"], hidden, weights["recurrent"], out=now["recurrent"]
        )
        split = 2 * hidden.shape[2]
        sums[:, :, :split].add_(recurrent[:, :, :split]).sigmoid_()
        reset, update, candidate = sums.chunk(3, dim=2)  # (D, n, H) each
        candidate.addcmul_(reset, recurrent[:, :, split:])
        tanh(candidate, out=candidate)
        torch.lerp(candidate, hidden, update, out=now["hidden"])

    def step_back(
        self,
        weights: Tensors,
        now: Tensors,
        before: Tensors,
        d_hidden: torch.Tensor,
        d_states: Tensors,
        out: Tensors,
    ) -> Tensors:
        reset, update, candidate = now["sums"].chunk(3, dim=2)
        d_reset, d_update, d_candidate = out["sums"].chunk(3, dim=2)  # (D, n, H) each
        width = d_hidden.shape[2]
        passed = d_hidden * update
        torch.sub(d_hidden, passed, out=d_candidate)
        d_candidate.addcmul_(d_candidate * candidate, candidate, value=-1.0)
        torch.mul(d_candidate, now["recurrent"][:, :, 2 * width :], out=d_reset)
        torch.mul(d_hidden, before["hidden"] - candidate, out=d_update)
        d_gates = out["sums"][:, :, : 2 * width]
        d_gates.mul_(logistic_slope(now["sums"][:, :, : 2 * width]))
        d_recurrent = out["recurrent"]  # (D, n, 3H)
        d_recurrent[:, :, : 2 * width] = d_gates
        torch.mul(d_candidate, reset, out=d_recurrent[:, :, 2 * width :])
        return {"hidden": passed.baddbmm_(d_recurrent, weights["recurrent"].transpose(1, 2))}
