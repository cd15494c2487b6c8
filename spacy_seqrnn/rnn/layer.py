"""One recurrent layer: parameters kept by Thinc, the recurrence computed by PyTorch.

All weights of a layer are one flat Thinc parameter in cuDNN's order. Thinc's own serialisation,
averaging, copying and optimizers therefore see an ordinary array, and torch gets contiguous views
of it without a copy.
"""

from collections.abc import Callable

from thinc.api import Model

from ..batch.no_backprop import no_backprop
from ..batch.packed import Packed
from ..config_errors import ConfigError
from ..saved.layers import describe_layer
from ..saved.shapes import Layer
from ..types import Floats3d
from . import drivers
from .cells import CELLS, Tensors
from .states import States, by_rank, check_states, in_batch_order
from .tensors import cell_of, hidden_width, layout_of
from .threads import leave_parents_threads


def RNN(
    *,
    cell: str,
    nO: int,
    nI: int | None = None,
    bidirectional: bool = True,
) -> Model[Packed, Packed]:
    """One recurrent layer over the packed layout.

    cell: one of `spacy_seqrnn.rnn.cells.CELLS`.
    nO: output width, both directions together.
    nI: input width; inferred from the first batch if None.
    bidirectional: concatenate a layer that reads left to right and one that reads right to left.

    Raises ValueError for an unknown cell or a width that the directions cannot share.
    """
    _check_options(cell, nO, bidirectional)
    return Layer(
        cell,
        forward,
        init=init,
        params={"weights": None},
        dims={"nI": nI, "nO": nO},
        attrs={"cell": cell, "directions": 2 if bidirectional else 1},
    )


def _check_options(cell: str, nO: int, bidirectional: bool) -> None:
    if cell not in CELLS:
        raise ConfigError(
            "cell", cell, f"Unknown cell {cell!r}: set `cell` to one of {', '.join(CELLS)}."
        )
    if bidirectional and nO % 2:
        raise ConfigError(
            "width",
            nO,
            f"A bidirectional layer cannot be {nO} wide, because each direction has half of it: "
            "set `width` to an even number.",
        )


def forward(
    model: Model[Packed, Packed], X: Packed, is_train: bool
) -> tuple[Packed, Callable[[Packed], Packed]]:
    """Read each document from states of zero."""
    leave_parents_threads()
    if not is_train:
        return drivers.predict(model, X), no_backprop
    reading = drivers.train(model, X, None)

    def backprop(dY: Packed) -> Packed:
        return reading.backprop(dY, None)[0]

    return reading.Y, backprop


def shape_of(model: Model[Packed, Packed], param: str) -> tuple[int, ...]:
    """The shape of the flat parameter `weights`."""
    return (sum(layout_of(model).sizes),)


describe_layer(forward, param_shapes=shape_of, fixed_attrs=["cell", "directions"])


def read(
    model: Model[Packed, Packed],
    X: Packed,
    states: States | None = None,
    *,
    is_train: bool,
    prepared: Tensors | None = None,
) -> tuple[Packed, list[Floats3d], Callable[..., tuple[Packed, list[Floats3d]]]]:
    """Read documents that continue where others have ended.

    On a CPU a document in any number of parts gives the same bits as in one, if each direction is a
    multiple of 32 wide; of other widths the last digits can differ. They can also differ from what
    `forward` predicts, which reads few documents with torch's kernels.

    states: one array for each state of the cell, in the order of its `Cell.states`, each of shape
        (directions, documents, H), where the documents are in the order of the batch. None: zeros.
        Those of the direction that reads right to left are the states behind the last token.
    prepared: for prediction, the layer's `drivers.prepare`, if the weights have not changed since.

    Returns the hidden states, the states after reading, which are of the same kind, and the
    backward pass, which takes the gradients of both (None for states that do not count) and gives
    those of `X` and of `states`.
    Raises ValueError for states of another shape.
    """
    leave_parents_threads()
    cell, ops, packing = cell_of(model), model.ops, X.packing
    if states is not None:
        shape = (model.attrs["directions"], len(packing.lengths), hidden_width(model))
        check_states(states, cell, shape)
    initial = by_rank(ops, states, cell, packing)
    if is_train:
        reading = drivers.train(model, X, initial)
    else:
        reading = drivers.predict_on(model, X, initial, prepared)
    final = in_batch_order(ops, reading.final, cell, packing, states)

    def backprop(dY: Packed, d_final: States | None = None) -> tuple[Packed, list[Floats3d]]:
        dX, d_states = reading.backprop(dY, by_rank(ops, d_final, cell, packing))
        return dX, in_batch_order(ops, d_states, cell, packing, d_final)

    if not is_train:
        return reading.Y, final, no_backprop
    return reading.Y, final, backprop


def init(model: Model[Packed, Packed], X: Packed | None = None, Y: Packed | None = None) -> None:
    if X is not None:
        model.set_dim("nI", X.data.shape[1])
    cell, ops, hidden = cell_of(model), model.ops, hidden_width(model)
    arrays = [cell.initial(ops, name, shape, hidden) for _, name, shape in layout_of(model).arrays]
    model.set_param("weights", ops.xp.concatenate([array.ravel() for array in arrays]))
