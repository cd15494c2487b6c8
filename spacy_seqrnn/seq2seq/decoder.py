"""The decoder's parameters: a recurrent network that writes units, and attends to a source.

For each unit, the first of its recurrent layers reads the unit before and the attentional vector
before (input feeding, Luong et al. 2015); the last one's hidden state h is the query of the
attention, and the attentional vector tanh(W [context; h] + b) predicts the unit. The states before
the first unit are tanh(W [first; last] + b) of the encoder's states of the first and the last
source token: those in which each of its directions has read everything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from thinc.api import Model
from thinc.initializers import glorot_uniform_init

from ..rnn.cells import CELLS, Cell, Tensors
from ..rnn.layer import RNN
from ..rnn.tensors import to_torch, to_xp
from ..saved.layers import describe_layer, no_params
from ..saved.shapes import Layer
from ..types import FloatsXd
from .attention import ATTENTIONS, Attention
from .recurrence import prepare

NONE = "none"  # of `ATTENTIONS`: the states before the first unit are all that is known of a source

DecoderModel: TypeAlias = Model[Any, Any]


def Decoder(
    *,
    cell: str,
    width: int,
    embed_width: int,
    depth: int,
    attention: str,
    tied: bool,
    copy: bool,
    label_smoothing: float,
) -> DecoderModel:
    """A decoder, which `train_decoder` trains and `search` writes with.

    cell: one of `spacy_seqrnn.rnn.cells.CELLS`.
    width: of its states and of the attentional vector.
    embed_width: of the units that it reads; `width` if `tied`.
    depth: the number of recurrent layers.
    attention: a key of `ATTENTIONS`, or `NONE`.
    tied: whether the vectors of the units are the output weights too (Press and Wolf 2017).
    copy: whether it can copy units of the source, which needs attention; see `copying.py`.
    label_smoothing: the share of the wanted probability that all units have in training.
    """
    widths = [embed_width + width, *[width] * (depth - 1)]
    model: DecoderModel = Layer(
        "decoder",
        forward,
        init=init,
        layers=[RNN(cell=cell, nO=width, nI=nI, bidirectional=False) for nI in widths],
        # nI: width of the source states, nO: units, nH: width of the decoder's states, nE: of the
        # units' vectors, nS: states that go from one time step to the next
        dims={
            **{"nI": None, "nO": None, "nH": width, "nE": embed_width},
            "nS": depth * len(CELLS[cell].states),
        },
        attrs={
            "attention": attention,
            "tied": tied,
            "copy": copy,
            "label_smoothing": label_smoothing,
            "dropout_rate": 0.0,
        },
    )
    for name in param_names(model):
        model.set_param(name, None)
    return model


def forward(model: DecoderModel, X: Any, is_train: bool) -> tuple[Any, Callable[[Any], Any]]:
    """Raise NotImplementedError: what goes in and comes out differs with the use."""
    raise NotImplementedError("use `train_decoder`, `search` or `align` with a decoder")


def attention_of(model: Any) -> Attention | None:
    """How it attends to the source; None if not at all."""
    return ATTENTIONS.get(model.attrs["attention"])


def param_names(model: Any) -> list[str]:
    """The names of the decoder's own parameters."""
    attention = attention_of(model)
    return [
        "embed",
        *(["key_weights", *attention.arrays] if attention else []),
        *("combine_weights", "combine_bias", "bridge_weights", "bridge_bias"),
        *([] if model.attrs["tied"] else ["output_weights"]),
        *(["gate_weights", "gate_bias"] if model.attrs["copy"] else []),
        "output_bias",
    ]


def param_shape(sizes: Any, param: str) -> tuple[int, ...]:
    """The shape of a parameter of the decoder itself."""
    if param not in param_names(sizes):
        return no_params(sizes, param)
    width, source = sizes.get_dim("nH"), sizes.get_dim("nI")
    n_units, n_states = sizes.get_dim("nO"), sizes.get_dim("nS") * width
    attention = attention_of(sizes)
    joint = width + (source if attention else 0)
    shapes = {
        "embed": (n_units, sizes.get_dim("nE")),
        "key_weights": (width, source),
        "combine_weights": (width, joint),
        "gate_weights": (joint,),
        "gate_bias": (1,),
        "combine_bias": (width,),
        "bridge_weights": (n_states, 2 * source),
        "bridge_bias": (n_states,),
        "output_weights": (n_units, width),
        "output_bias": (n_units,),
    }
    arrays = attention.arrays if attention else {}
    shapes |= {name: (width,) * n_axes for name, n_axes in arrays.items()}
    return shapes[param]


def init(model: DecoderModel, X: Any = None, Y: Any = None) -> None:
    for layer in model.layers:
        layer.initialize()
    for name in param_names(model):
        model.set_param(name, _initial(model, name))


def _initial(model: DecoderModel, name: str) -> FloatsXd:
    ops, shape = model.ops, param_shape(model, name)
    if name.endswith("bias"):
        return ops.alloc(shape)
    if len(shape) == 1:
        return glorot_uniform_init(ops, (1, *shape))[0]
    return glorot_uniform_init(ops, shape)


describe_layer(
    forward,
    param_shapes=param_shape,
    fixed_attrs=["attention", "tied", "copy", "label_smoothing"],
)


@dataclass(frozen=True)
class Weights:
    """A decoder's parameters as it computes with them.

    arrays: its own, by name; `output_weights` too if they are tied.
    layers: those of the recurrent layers, prepared for their steps.
    """

    arrays: Tensors
    layers: list[Tensors]
    cell: Cell
    attention: Attention | None

    @property
    def width(self) -> int:
        """Of the states."""
        return len(self.arrays["combine_bias"])


def weights_of(model: DecoderModel) -> Weights:
    """The parameters of an initialised decoder, which must not change while they are used."""
    arrays = {name: to_torch(model.ops, model.get_param(name)) for name in param_names(model)}
    arrays.setdefault("output_weights", arrays["embed"])
    layers = [prepare(layer) for layer in model.layers]
    return Weights(arrays, layers, CELLS[model.layers[0].attrs["cell"]], attention_of(model))


def new_gradients(weights: Weights) -> Tensors:
    """Zeros to add the gradients of `Weights.arrays` to."""
    return {name: torch.zeros_like(array) for name, array in weights.arrays.items()}


def add_gradients(model: DecoderModel, gradients: Tensors) -> None:
    """Give a decoder the gradients of its own arrays."""
    if model.attrs["tied"]:
        gradients["embed"] += gradients.pop("output_weights")
    for name, gradient in gradients.items():
        model.inc_grad(name, to_xp(model.ops, gradient))
