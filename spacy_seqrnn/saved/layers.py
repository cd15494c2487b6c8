"""Descriptions of layers, so that a saved layer can be checked against its description.

A layer of this package is described beside its forward function, and looked up by that function:
Thinc's copies of a layer lose its class, but keep its function. Thinc's and spaCy's layers are in a
table here, by their module.

Other layers, such as a user's own, have no description: their parameters may have any shape, and
their output is assumed to be as wide as `nO`. Still, their place, the names of their sizes and the
kinds of their attributes have to match the config, their parameters have to be arrays of plain
numbers, and the layers within them are checked like all others.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from thinc.api import Model

from ..types import Forward

Shape: TypeAlias = tuple[int, ...]
Width: TypeAlias = int | None
# An object with `get_dim` and `attrs`, such as a layer, and the name of a parameter
ParamShapes: TypeAlias = Callable[[Any, str], Shape]

PACKAGE = __name__.partition(".")[0] + "."  # the prefix of this package's module names


def no_params(sizes: Any, param: str) -> Shape:
    """The parameters of a layer that has none. Raises ValueError."""
    raise ValueError(f"the layer has no parameter '{param}'")


def shapes(**params: tuple[str | int, ...]) -> ParamShapes:
    """Shapes of parameters by their names. Each axis is a number or the name of a size."""
    return partial(_shape, params)


def _shape(params: dict[str, tuple[str | int, ...]], sizes: Any, param: str) -> Shape:
    if param not in params:
        return no_params(sizes, param)
    return tuple(axis if isinstance(axis, int) else sizes.get_dim(axis) for axis in params[param])


def apart(node: Model[Any, Any], width: Width) -> Width:
    """Nothing is known about the inputs and outputs of the layers within this one."""
    for layer in node.layers:
        output_width(layer, None)
    return None


def in_turn(node: Model[Any, Any], width: Width) -> Width:
    """The layer runs the layers within it one after the other."""
    for layer in node.layers:
        width = output_width(layer, width)
    return width


def side_by_side(node: Model[Any, Any], width: Width) -> Width:
    """The layer concatenates the outputs of the layers within it."""
    widths = [output_width(layer, width) for layer in node.layers]
    known = [width for width in widths if width is not None]
    return sum(known) if len(known) == len(widths) else None


def in_parallel(node: Model[Any, Any], width: Width) -> Width:
    """The layers within this one all return vectors of its own width."""
    for layer in node.layers:
        check_same(node, "nO", output_width(layer, width))
    return None


def as_wide(node: Model[Any, Any], width: Width) -> Width:
    """The layer's output is as wide as its input."""
    return width


def output_width(node: Model[Any, Any], width: Width) -> Width:
    """The width of a layer's output; None if unknown.

    width: of its input, if known.

    Raises ValueError if the layer, or a layer within it, was made for another width.
    """
    check_same(node, "nI", width)
    width = find_description(node).width(node, width)
    check_same(node, "nO", width)
    return width or node.maybe_get_dim("nO")


def check_same(node: Model[Any, Any], dim: str, width: Width) -> None:
    """Raise ValueError if a size of a layer is known and is not `width`, if that is known."""
    own = node.maybe_get_dim(dim)
    if width is not None and own is not None and own != width:
        raise ValueError(
            f"the layer '{node.name}' has the size '{dim}' = {own}, but {width} is needed"
        )


@dataclass(frozen=True)
class LayerDescription:
    """What is known about a layer.

    param_shapes: returns the shape that a parameter must have; None to accept any shape.
    width: returns the width of the output, for the layer and the width of its input.
    fixed_attrs: attributes that come from the config and must not differ in what is saved.
    check: raises ValueError if anything else that was loaded is not valid.
    """

    param_shapes: ParamShapes | None = no_params
    width: Callable[[Model[Any, Any], Width], Width] = apart
    fixed_attrs: Iterable[str] = ()
    check: Callable[[Model[Any, Any]], None] | None = None


OURS: dict[Forward, LayerDescription] = {}


def describe_layer(
    forward: Forward,
    *,
    param_shapes: ParamShapes = no_params,
    width: Callable[[Model[Any, Any], Width], Width] = apart,
    fixed_attrs: Iterable[str] = (),
    check: Callable[[Model[Any, Any]], None] | None = None,
) -> None:
    """Register the description of all layers with this forward function.

    param_shapes, width, fixed_attrs, check: see `LayerDescription`.
    """
    OURS[forward] = LayerDescription(param_shapes, width, fixed_attrs, check)


def find_description(node: Model[Any, Any]) -> LayerDescription:
    """The description of a layer.

    Raises LookupError for a layer of this package that is not described.
    """
    forward = _forward_of(node)
    module = _module_of(forward)
    if not module.startswith(PACKAGE):
        return OTHERS.get(module, UNKNOWN)
    found = OURS.get(forward)
    if found is None:
        raise LookupError(
            f"the layer '{node.name}' of {module} is unknown: call `describe_layer` beside its "
            "forward function"
        )
    return found


def is_ours(node: Model[Any, Any]) -> bool:
    """Whether a layer is from this package: unlike its name, its function is not in any file."""
    return _module_of(_forward_of(node)).startswith(PACKAGE)


def _forward_of(node: Model[Any, Any]) -> Forward:
    return getattr(node._func, "func", node._func)  # which may be a `partial`


def _module_of(forward: Forward) -> str:
    return getattr(forward, "__module__", None) or ""


def _window_width(node: Model[Any, Any], width: Width) -> Width:
    return width and width * (2 * node.attrs["window_size"] + 1)


def _sparse_shapes(sizes: Any, param: str) -> Shape:
    n_outputs = sizes.get_dim("nO")
    return (n_outputs * sizes.get_dim("length") if param == "W" else n_outputs,)


UNKNOWN = LayerDescription(None)
AFFINE = LayerDescription(shapes(W=("nO", "nI"), b=("nO",)))
TABLE = LayerDescription(shapes(E=("nV", "nO")))
QUERY = LayerDescription(shapes(Q=("nO", 1)))
PADDING = LayerDescription(width=in_turn, fixed_attrs=["pad"])
# Thinc's layers, by their modules in `thinc.layers`
THINC = {
    **dict.fromkeys(["linear", "softmax", "relu", "clipped_linear", "sigmoid"], AFFINE),
    **dict.fromkeys(["gelu", "mish", "dish", "swish", "hard_swish"], AFFINE),
    **dict.fromkeys(["hard_swish_mobilenet", "multisoftmax"], AFFINE),
    **dict.fromkeys(["hashembed", "embed"], TABLE),
    **dict.fromkeys(["parametricattention", "parametricattention_v2"], QUERY),
    "maxout": LayerDescription(shapes(W=("nO", "nP", "nI"), b=("nO", "nP"))),
    "layernorm": LayerDescription(shapes(G=("nI",), b=("nI",))),
    "sparselinear": LayerDescription(_sparse_shapes, fixed_attrs=["v1_indexing"]),
    **dict.fromkeys(["chain", "resizable", "residual"], LayerDescription(width=in_turn)),
    **dict.fromkeys(["with_flatten_v2", "with_padded"], LayerDescription(width=in_turn)),
    **dict.fromkeys(["with_array", "with_array2d"], PADDING),
    "concatenate": LayerDescription(width=side_by_side),
    **{f"list2{kind}": LayerDescription(width=as_wide) for kind in ("ragged", "array", "padded")},
    **{f"{kind}2list": LayerDescription(width=as_wide) for kind in ("ragged", "padded")},
    **{f"reduce_{kind}": LayerDescription(width=as_wide) for kind in ("first", "last", "max")},
    **{f"reduce_{kind}": LayerDescription(width=as_wide) for kind in ("mean", "sum")},
    **dict.fromkeys(["dropout", "logistic", "softmax_activation"], LayerDescription(width=as_wide)),
    "expand_window": LayerDescription(width=_window_width, fixed_attrs=["window_size"]),
    "with_getitem": LayerDescription(fixed_attrs=["idx"]),
}
OTHERS = {
    **{f"thinc.layers.{name}": description for name, description in THINC.items()},
    "spacy.ml.staticvectors": LayerDescription(shapes(W=("nO", "nM"))),
    "spacy.ml._precomputable_affine": LayerDescription(
        shapes(W=("nF", "nO", "nP", "nI"), b=("nO", "nP"), pad=(1, "nF", "nO", "nP"))
    ),
    "spacy.ml._character_embed": LayerDescription(shapes(E=("nC", "nV", "nM"))),
    "spacy.ml.featureextractor": LayerDescription(fixed_attrs=["columns"]),
    "spacy.ml.extract_ngrams": LayerDescription(fixed_attrs=["ngram_size", "attr"]),
}
