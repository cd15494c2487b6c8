"""Two stacks that read a document in opposite directions, and nothing of each other."""

from collections.abc import Callable

from thinc.api import Model

from ..batch.distinct import DistinctRows
from ..batch.packed import Packed
from ..saved.layers import check_same, describe_layer, output_width
from ..saved.shapes import Layer
from . import stack


def SeparateDirections(
    forward_stack: Model[Packed, Packed], backward_stack: Model[Packed, Packed]
) -> Model[Packed, Packed]:
    """Concatenate the states of both stacks, as in ELMo (Peters et al. 2018).

    However deep they are, the first half of a token's state knows nothing of the tokens behind it,
    and the second half nothing of those before it. In a bidirectional stack both do from the second
    layer on.

    forward_stack: reads left to right.
    backward_stack: reads right to left.
    """
    return Layer(
        "separate_directions",
        forward,
        init=init,
        layers=[forward_stack, backward_stack],
        dims={"nI": None, "nO": forward_stack.get_dim("nO") + backward_stack.get_dim("nO")},
    )


def forward(
    model: Model[Packed, Packed], X: Packed, is_train: bool
) -> tuple[Packed, Callable[[Packed], Packed]]:
    xp = model.ops.xp
    ahead, behind = model.layers
    Y_ahead, backprop_ahead = stack.forward(ahead, X, is_train)
    Y_behind, backprop_behind = stack.forward(behind, reverse(X), is_train)
    width = ahead.get_dim("nO")

    def backprop(dY: Packed) -> Packed:
        dX = backprop_ahead(Packed(model.ops.as_contig(dY.data[:, :width]), dY.packing)).data
        d_behind = reverse(Packed(dY.data[:, width:], dY.packing))
        return Packed(dX + reverse(backprop_behind(d_behind)).data, dY.packing)

    return Packed(xp.hstack([Y_ahead.data, reverse(Y_behind).data]), X.packing), backprop


def reverse(X: Packed) -> Packed:
    """The batch with every document reversed."""
    rows = X.packing.reversed_rows
    if X.distinct is None:
        return Packed(X.rows(rows), X.packing)
    return Packed(DistinctRows(X.distinct.rows, X.distinct.index[rows]), X.packing)


def width_of(model: Model[Packed, Packed], width: int | None) -> int:
    """The width of the output; both stacks have the same input."""
    for layer in model.layers:
        check_same(layer, "nI", width)
    return sum(output_width(layer, width) or 0 for layer in model.layers)


describe_layer(forward, width=width_of)


def init(model: Model[Packed, Packed], X: Packed | None = None, Y: Packed | None = None) -> None:
    if X is not None:
        model.set_dim("nI", X.width)
    for layer in model.layers:
        layer.set_dim("nI", model.get_dim("nI"))
        layer.initialize()
