"""A linear layer that multiplies with the array library.

Thinc's own layer multiplies with BLIS, which takes about three times as long as NumPy's BLAS for
the narrow matrices here. With BLAS, the last bits of a row's result depend on the number of rows,
so this layer is for results that are recomputed for each batch, not cached between batches.
"""

from collections.abc import Callable

from thinc.api import Model
from thinc.initializers import glorot_uniform_init

from ..saved.layers import describe_layer, shapes
from ..saved.shapes import Layer
from ..types import Floats1d, Floats2d


def Linear(*, nO: int | None = None, nI: int | None = None) -> Model[Floats2d, Floats2d]:
    """Y = X W^T + b, with the parameters of `thinc.api.Linear`.

    nO, nI: output and input width; each may be set or inferred later.
    """
    dims = {"nO": nO, "nI": nI}
    return Layer("linear", forward, init=init, dims=dims, params={"W": None, "b": None})


def forward(
    model: Model[Floats2d, Floats2d], X: Floats2d, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    W = model.get_param("W")

    def backprop(dY: Floats2d) -> Floats2d:
        model.inc_grad("b", dY.sum(axis=0))
        model.inc_grad("W", dY.T @ X)
        return dY @ W

    Y = X @ W.T
    Y += model.get_param("b")
    return Y, backprop


describe_layer(forward, param_shapes=shapes(W=("nO", "nI"), b=("nO",)))


def init(
    model: Model[Floats2d, Floats2d], X: Floats2d | None = None, Y: Floats2d | None = None
) -> None:
    for name, sample in (("nI", X), ("nO", Y)):
        if sample is not None:
            model.set_dim(name, sample.shape[1])
    shape = model.get_dim("nO"), model.get_dim("nI")
    model.set_param("W", glorot_uniform_init(model.ops, shape))
    model.set_param("b", model.ops.alloc1f(model.get_dim("nO")))


def rescale(model: Model[Floats2d, Floats2d], scale: Floats1d) -> None:
    """Multiply each output. scale: Shape (nO,)."""
    W: Floats2d = model.get_param("W")
    b: Floats1d = model.get_param("b")
    model.set_param("W", W * scale[:, None])
    model.set_param("b", b * scale)
