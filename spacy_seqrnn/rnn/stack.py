"""Recurrent layers on top of each other, with dropout between them and residual connections."""

from collections.abc import Callable

from thinc.api import Model

from ..batch.packed import Packed
from ..config_errors import ConfigError
from ..saved.layers import describe_layer, in_turn
from ..saved.shapes import Layer
from .dropout import locked_dropout, word_dropout


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


def forward(model: Model[Packed, Packed], X: Packed, is_train: bool) -> tuple[Packed, Callable]:
    _check_width(model, X)
    word_rate = model.attrs["word_dropout_rate"]
    backprops = []
    Y = X
    if is_train and word_rate:
        Y, backprop_words = word_dropout(model.ops, Y, word_rate)
        backprops.append(backprop_words)
    for layer in model.layers:
        Y, backprop_layer = _layer_forward(model, layer, Y, is_train)
        backprops.append(backprop_layer)

    def backprop(dY: Packed) -> Packed:
        for backprop_step in reversed(backprops):
            dY = backprop_step(dY)
        return dY

    return Y, backprop


describe_layer(forward, width=in_turn)


def _check_width(model: Model, X: Packed) -> None:
    """Raise ValueError for an input of another width, with which some of torch's kernels go on."""
    width = model.maybe_get_dim("nI")
    if X.packing.n_tokens and width is not None and X.width != width:
        raise ValueError(
            f"The recurrent layers were initialised for an input that is {width} wide, but get one "
            f"that is {X.width} wide: give the embedding or listener before them the width "
            "that they were trained with, or initialise them again."
        )


def _layer_forward(
    model: Model, layer: Model[Packed, Packed], X: Packed, is_train: bool
) -> tuple[Packed, Callable]:
    """Dropout, recurrence, residual connection."""
    rate = model.attrs.get("fixed_dropout_rate", model.attrs.get("dropout_rate"))
    with_dropout = is_train and bool(rate)
    with_residual = model.attrs["residual"] and _keeps_width(layer)
    dropped, backprop_dropout = locked_dropout(model.ops, X, rate) if with_dropout else (X, _same)
    Y, backprop_layer = layer(dropped, is_train)

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
