"""Whether there is a space between two words, given both and what comes before them."""

import numpy as np
from thinc.api import Model
from thinc.initializers import glorot_uniform_init

from ..saved.layers import describe_layer, shapes
from ..saved.shapes import Layer
from ..types import Floats1d, Floats2d, Ints1d

RANK = 8  # quotation marks, hyphens and brackets need a few dimensions of context


def SpaceBefore() -> Model[Floats2d, Floats2d]:
    """A logistic regression for each unit, over a few dimensions of the state that predicts it."""
    return Layer(
        "space_before",
        forward,
        init=init,
        dims={"nI": None, "nO": None, "rank": RANK},
        params={"P": None, "W": None, "b": None},
    )


def forward(
    model: Model[Floats2d, Floats2d], X: Floats2d, is_train: bool
) -> tuple[Floats2d, object]:
    """Not used: the unit is needed too; see `logits` and `train_spaces`."""
    raise NotImplementedError


describe_layer(forward, param_shapes=shapes(P=("rank", "nI"), W=("nO", "rank"), b=("nO",)))


def init(
    model: Model[Floats2d, Floats2d], X: Floats2d | None = None, Y: Floats2d | None = None
) -> None:
    ops, width, n_units, rank = model.ops, *(model.get_dim(dim) for dim in ("nI", "nO", "rank"))
    model.set_param("P", glorot_uniform_init(ops, (rank, width)))
    model.set_param("W", ops.alloc2f(n_units, rank))
    model.set_param("b", ops.alloc1f(n_units))


def logits(model: Model[Floats2d, Floats2d], X: Floats2d, units: np.ndarray) -> Floats1d:
    """The log odds of a space before each unit. Shape (n,).

    X: the states that predict them. Shape (n, nI). units: Shape (n,).
    """
    xp = model.ops.xp
    P, W, b = (model.get_param(name) for name in "PWb")
    at = xp.asarray(units)
    return ((X @ P.T) * W[at]).sum(axis=1) + b[at]


def train_spaces(
    model: Model[Floats2d, Floats2d],
    X: Floats2d,
    units: np.ndarray,
    spaces: np.ndarray,
    scale: float,
) -> None:
    """Learn where the spaces are. The states are not changed for it.

    X, units: as for `logits`. spaces: whether there is one. Shape (n,).
    scale: what the gradients of the summed loss are multiplied by.
    """
    ops, xp = model.ops, model.ops.xp
    P, W = model.get_param("P"), model.get_param("W")
    at: Ints1d = xp.asarray(units)
    narrow = X @ P.T  # (n, rank)
    odds = logits(model, X, units)
    d_odds = scale * (ops.sigmoid(odds) - xp.asarray(spaces, dtype="float32"))  # (n,)
    dW, db = ops.alloc2f(*W.shape), ops.alloc1f(len(W))
    ops.scatter_add(dW, ops.asarray1i(at), d_odds[:, None] * narrow)
    ops.scatter_add(db, ops.asarray1i(at), d_odds)
    model.inc_grad("W", dW)
    model.inc_grad("b", db)
    model.inc_grad("P", (d_odds[:, None] * W[at]).T @ X)
