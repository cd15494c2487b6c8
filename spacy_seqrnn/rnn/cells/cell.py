"""What a recurrent cell says about itself, so that no driver has to know it by name.

Shapes in all cells: D directions, N tokens, n documents that have a token at a time step, H units
of the hidden state of one direction, B blocks of H rows in the weight matrices.
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from thinc.api import Ops
from thinc.initializers import glorot_uniform_init

from ...types import FloatsXd

Tensors = dict[str, torch.Tensor]


class Cell:
    """A recurrent cell: its arrays, one step, and the backward pass of one step.

    A cell has no data of its own: weights, trace and states are handed to it. This class has what
    cells share whose steps add a product of the input and one of the hidden state before.

    n_blocks: B.
    gates: the gates between 0 and 1, by name: which block of `sums` each of them is.
    states: what a step hands on to the next. "hidden" is also what the layer gives.
    scales: each state is kept as that many times itself, by name; 1 if there is none.
    trace: what a step writes, by name, as multiples of H. "sums" and "hidden" are always there.
    gradients: what the backward pass of a step writes, likewise. "sums" is always there.
    kernel_wants_padding: whether on a CPU the kernel is faster over documents of equal length.
    kernel: the function of torch that reads a whole batch, if there is one. It takes the arrays of
        `shapes` in their order.
    """

    n_blocks: ClassVar[int]
    gates: ClassVar[dict[str, int]] = {}
    states: ClassVar[tuple[str, ...]] = ("hidden",)
    scales: ClassVar[dict[str, float]] = {}
    trace: ClassVar[dict[str, int]]
    gradients: ClassVar[dict[str, int]]
    kernel_wants_padding: ClassVar[bool] = False
    kernel: ClassVar[Callable[..., tuple[torch.Tensor, ...]] | None] = None

    def shapes(self, nI: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """The arrays of one direction. nI: width of the input. hidden: H."""
        rows = self.n_blocks * hidden
        return {
            "input_weights": (rows, nI),
            "recurrent_weights": (rows, hidden),
            "input_bias": (rows,),
            "recurrent_bias": (rows,),
        }

    def initial(self, ops: Ops, name: str, shape: tuple[int, ...], hidden: int) -> FloatsXd:
        """The values that an array starts training with.

        Glorot et al. 2010 for the input, orthogonal (Saxe et al. 2014) for the recurrence. Each
        block is a matrix of its own, so each is drawn by itself.
        """
        n_blocks = shape[0] // hidden
        if name == "input_weights":
            blocks = [glorot_uniform_init(ops, (hidden, shape[1])) for _ in range(n_blocks)]
            return ops.xp.concatenate(blocks)
        if name == "recurrent_weights":
            return ops.xp.concatenate([orthogonal(ops, hidden) for _ in range(n_blocks)])
        return ops.alloc1f(*shape)

    def prepare(self, weights: Tensors) -> Tensors:
        """The weights as the steps of one call need them.

        weights: the arrays of `shapes`, all directions together: (D, …).
        """
        return {
            "input": weights["input_weights"].transpose(1, 2),  # (D, nI, B * H)
            "recurrent": weights["recurrent_weights"].transpose(1, 2).contiguous(),  # (D, H, B * H)
            "bias": (weights["input_bias"] + weights["recurrent_bias"]).unsqueeze(1),
        }

    def project(self, weights: Tensors, x: torch.Tensor) -> torch.Tensor:
        """The input's share of `sums`. x: (D, N, nI). Returns (D, N, B * H)."""
        return torch.baddbmm(weights["bias"], x, weights["input"])

    def step(self, weights: Tensors, now: Tensors, before: Tensors) -> None:
        """Read one token of each document.

        weights: what `prepare` gives.
        now: what is written, by the names of `trace`: (D, n, multiple * H). `sums` comes with the
            input's share and leaves with the activations. A state other than "hidden" may share its
            memory with the one in `before`.
        before: the states before the step: (D, n, H).
        """
        raise NotImplementedError

    def step_back(
        self,
        weights: Tensors,
        now: Tensors,
        before: Tensors,
        d_hidden: torch.Tensor,
        d_states: Tensors,
        out: Tensors,
    ) -> Tensors:
        """The backward pass of `step`.

        now, before: as `step` left them.
        d_hidden: the gradient of `hidden`; where that is a state, with what comes from later steps.
        d_states: the gradients of the other states that come from later steps.
        out: what is written, by the names of `gradients`; "sums" is that of the sums.

        Returns the gradients of the states before the step.
        """
        raise NotImplementedError

    def project_back(self, weights: Tensors, d_sums: torch.Tensor) -> torch.Tensor:
        """The backward pass of `project`, for any tokens: the gradient of the input, (D, n, nI).

        d_sums: as `step_back` wrote it: (D, n, B * H).
        """
        return torch.bmm(d_sums, weights["input"].transpose(1, 2))

    def weight_gradients(
        self, weights: Tensors, before: Tensors, out: Tensors, x: torch.Tensor
    ) -> tuple[Tensors, torch.Tensor]:
        """The gradients of the arrays of `shapes` and of the input, for all tokens at once.

        before, out: as in `step_back`, of all tokens.
        x: (D, N, nI).
        """
        d_sums = out["sums"]
        d_recurrent = out.get("recurrent", d_sums)
        gradients = {
            "input_weights": torch.bmm(d_sums.transpose(1, 2), x),
            "recurrent_weights": torch.bmm(d_recurrent.transpose(1, 2), before["hidden"]),
            "input_bias": d_sums.sum(1),
            "recurrent_bias": d_recurrent.sum(1),
        }
        return gradients, self.project_back(weights, d_sums)


# The matrix library adds up the products of fewer rows in another order, so that a text read in two
# parts would give other last digits than in one go.
FEWEST_ROWS = 4


def project(cell: Cell, weights: Tensors, x: torch.Tensor) -> torch.Tensor:
    """`cell.project`, with the same bits for a token in any number of them."""
    missing = FEWEST_ROWS - x.shape[1]
    if missing <= 0:
        return cell.project(weights, x)
    filled = torch.nn.functional.pad(x, (0, 0, 0, missing))
    return cell.project(weights, filled)[:, : x.shape[1]].contiguous()


def orthogonal(ops: Ops, size: int) -> FloatsXd:
    """A random rotation of `size` dimensions. Shape (size, size)."""
    q, r = np.linalg.qr(np.random.normal(size=(size, size)))
    # Without the signs of R's diagonal the matrices are not spread evenly over all rotations.
    rotation: FloatsXd = q * np.sign(np.diag(r))
    return ops.asarray2f(rotation)


def tanh(x: torch.Tensor, *, out: torch.Tensor) -> torch.Tensor:
    """tanh as 2 σ(2x) − 1, which takes a third of the time of torch's own and is as near."""
    return torch.mul(x, 2.0, out=out).sigmoid_().mul_(2.0).sub_(1.0)


def logistic_slope(activations: torch.Tensor) -> torch.Tensor:
    """The derivative of the logistic function, given its values: σ − σ²."""
    return torch.addcmul(activations, activations, activations, value=-1.0)
