"""Recurrent layers on top of each other, with dropout between them and residual connections."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from thinc.api import Model

from ..batch.composition import in_reverse
from ..batch.packed import Packed
from ..config_errors import ConfigError
from ..saved.layers import describe_layer, in_turn
from ..saved.shapes import Layer
from . import drivers
from .cells import Tensors
from .dropout import locked_dropout, word_dropout
from .layer import read as read_layer
from .states import States

# What runs a layer: its output and its backward pass
Run: TypeAlias = Callable[[Packed, bool], tuple[Packed, Callable[[Packed], Packed]]]


def RNNStack(
    layers: list[Model[Packed, Packed]],
    *,
    residual: bool,
    dropout: float | None,
    word_dropout: float,
) -> Model[Packed, Packed]:
    """Stack recurrent layers.

    layers: from the input to the output; each takes what the one before gives.
    residual: add a layer's input to its output (He et al. 2016) wherever both are equally wide,
        which is everywhere but at the first layer of a stack whose input has another width.
    dropout: rate of the locked dropout before each layer. None: the rate that `set_dropout_rate`
        sets, i.e. spaCy's `[training] dropout`.
    word_dropout: rate at which whole words are zeroed before the first layer.
    """
    rates = {"dropout_rate": 0.0} if dropout is None else {"fixed_dropout_rate": dropout}
    return Layer(
        "rnn_stack",
        forward,
        init=init,
        layers=layers,
        dims={"nI": layers[0].maybe_get_dim("nI"), "nO": layers[-1].get_dim("nO")},
        attrs={"residual": residual, "word_dropout_rate": word_dropout, **rates},
    )


def forward(
    model: Model[Packed, Packed], X: Packed, is_train: bool
) -> tuple[Packed, Callable[[Packed], Packed]]:
    """Read each document from states of zero."""
    _check_width(model, X)
    Y, backprop_words = _drop_words(model, X, is_train)
    backprops = [backprop_words]
    for layer in model.layers:
        Y, backprop_layer = _run_layer(model, layer, layer, Y, is_train)
        backprops.append(backprop_layer)
    return Y, in_reverse(backprops)


describe_layer(forward, width=in_turn)


def prepare(model: Model[Packed, Packed]) -> list[Tensors]:
    """The weights of each layer as prediction needs them, for many calls of `read`."""
    return [drivers.prepare(layer) for layer in model.layers]


def read(
    model: Model[Packed, Packed],
    X: Packed,
    states: Sequence[States] | None = None,
    *,
    is_train: bool,
    prepared: Sequence[Tensors] | None = None,
) -> tuple[Packed, list[States], Callable[..., tuple[Packed, list[States]]]]:
    """Read documents that continue where others have ended.

    states: those of each layer, from the input to the output; see `layer.read`. None: zeros.
    prepared: for prediction, what `prepare` gives, if the weights have not changed since.

    Returns the token vectors, the states after reading, and the backward pass, which takes the
    gradients of both (None for states that do not count) and gives those of `X` and of `states`.
    Raises ValueError for states of another number of layers, or of another shape.
    """
    if states is not None and len(states) != len(model.layers):
        raise ValueError(
            f"The encoder has {len(model.layers)} layers, but gets states for {len(states)}: give "
            "it one list of arrays for each layer."
        )
    _check_width(model, X)
    Y, backprop_words = _drop_words(model, X, is_train)
    runs = [
        _StatefulLayer(layer, states and states[i], prepared[i] if prepared else None)
        for i, layer in enumerate(model.layers)
    ]
    backprops = []
    for run in runs:
        Y, backprop_layer = _run_layer(model, run.layer, run, Y, is_train)
        backprops.append(backprop_layer)

    def backprop(
        dY: Packed, d_final: Sequence[States] | None = None
    ) -> tuple[Packed, list[States]]:
        for i in reversed(range(len(runs))):
            runs[i].d_final = d_final and d_final[i]
            dY = backprops[i](dY)
        return backprop_words(dY), [run.d_initial for run in runs]

    return Y, [run.final for run in runs], backprop


class _StatefulLayer:
    """A layer with the states that go into it and come out of it, beside its input and output."""

    def __init__(
        self, layer: Model[Packed, Packed], initial: States | None, prepared: Tensors | None
    ) -> None:
        self.layer = layer
        self.initial = initial
        self.prepared = prepared
        self.final: States = []
        self.d_final: States | None = None
        self.d_initial: States = []

    def __call__(self, X: Packed, is_train: bool) -> tuple[Packed, Callable[[Packed], Packed]]:
        Y, self.final, self._backprop = read_layer(
            self.layer, X, self.initial, is_train=is_train, prepared=self.prepared
        )
        return Y, self._run_back

    def _run_back(self, dY: Packed) -> Packed:
        dX: Packed
        dX, self.d_initial = self._backprop(dY, self.d_final)
        return dX


def _check_width(model: Model[Packed, Packed], X: Packed) -> None:
    """Raise ValueError for an input of another width, with which some of torch's kernels go on."""
    width = model.maybe_get_dim("nI")
    if X.packing.n_tokens and width is not None and X.width != width:
        raise ValueError(
            f"The recurrent layers were initialised for an input that is {width} wide, but get one "
            f"that is {X.width} wide: give the embedding or listener before them the width "
            "that they were trained with, or initialise them again."
        )


def _drop_words(
    model: Model[Packed, Packed], X: Packed, is_train: bool
) -> tuple[Packed, Callable[[Packed], Packed]]:
    rate = model.attrs["word_dropout_rate"]
    return word_dropout(model.ops, X, rate) if is_train and rate else (X, _same)


def _run_layer(
    model: Model[Packed, Packed], layer: Model[Packed, Packed], run: Run, X: Packed, is_train: bool
) -> tuple[Packed, Callable[[Packed], Packed]]:
    """Dropout, recurrence, residual connection. run: what runs the layer."""
    rate: float = model.attrs.get("fixed_dropout_rate", model.attrs.get("dropout_rate", 0.0))
    with_residual = model.attrs["residual"] and _keeps_width(layer)
    with_dropout = is_train and rate > 0.0
    dropped, backprop_dropout = locked_dropout(model.ops, X, rate) if with_dropout else (X, _same)
    Y, backprop_layer = run(dropped, is_train)

    def backprop(dY: Packed) -> Packed:
        dX = backprop_dropout(backprop_layer(dY))
        return Packed(dX.data + dY.data, dX.packing) if with_residual else dX

    return Packed(Y.data + X.data, Y.packing) if with_residual else Y, backprop


def _keeps_width(layer: Model[Packed, Packed]) -> bool:
    return layer.get_dim("nI") == layer.get_dim("nO")


def _same(dY: Packed) -> Packed:
    return dY


def init(model: Model[Packed, Packed], X: Packed | None = None, Y: Packed | None = None) -> None:
    if X is not None:
        model.set_dim("nI", X.data.shape[1])
    width = model.get_dim("nI")
    for layer in model.layers:
        layer.set_dim("nI", width)
        layer.initialize()
        width = layer.get_dim("nO")
    if model.attrs["residual"] and not any(map(_keeps_width, model.layers)):
        raise ConfigError(
            "residual",
            True,
            f"`residual = true` has nothing to add: the input is {model.get_dim('nI')} wide and "
            f"the output {width}. Make the `width` the same, `depth` more than 1, or it false.",
        )
