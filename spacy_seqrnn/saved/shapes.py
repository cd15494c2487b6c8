"""Saved models that are looked at before they are believed.

A saved model is msgpack with names, sizes, attributes and arrays, and no code. Thinc takes what it
finds there. Here it has to be what the model of the config can have: arrays of plain numbers with
the shapes that the sizes of their layers give them, layers that are as wide as the ones beside
them, and nothing else. What is refused has not been run, and no memory has been taken for what it
claims to be.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from thinc.api import Model
from thinc.model import deserialize_attr

from ..embed.known_vectors import check_known
from ..embed.word_rows import check_word_rows
from .foreign import Budget, is_size, read_saved

Shape = tuple[int, ...]

# What settles the shapes of a model. It comes from the config, and what is saved has to agree.
FIXED_ATTRS = {
    *("cell", "directions", "columns", "n_kept", "times", "rows", "gives_chain"),
    *("ngram_size", "window_size", "attr", "pad", "idx", "v1_indexing"),
}

# The parameters of Thinc's and spaCy's layers, by the module that they are in
Dims = dict[str, tuple[str | int, ...]]
AFFINE: Dims = {"W": ("nO", "nI"), "b": ("nO",)}
SHAPES: dict[str, Dims] = {
    **{f"thinc.layers.{name}": AFFINE for name in ("linear", "softmax", "relu", "clipped_linear")},
    **{f"thinc.layers.{name}": AFFINE for name in ("gelu", "mish", "dish", "swish", "sigmoid")},
    "thinc.layers.maxout": {"W": ("nO", "nP", "nI"), "b": ("nO", "nP")},
    "thinc.layers.layernorm": {"G": ("nI",), "b": ("nI",)},
    "thinc.layers.hashembed": {"E": ("nV", "nO")},
    "thinc.layers.embed": {"E": ("nV", "nO")},
    "thinc.layers.parametricattention": {"Q": ("nO", 1)},
    "thinc.layers.parametricattention_v2": {"Q": ("nO", 1)},
    "spacy.ml.staticvectors": {"W": ("nO", "nM")},
    "spacy.ml._precomputable_affine": {
        **{"W": ("nF", "nO", "nP", "nI"), "b": ("nO", "nP"), "pad": (1, "nF", "nO", "nP")},
    },
}
SPARSE_LINEAR = "thinc.layers.sparselinear"


class Layer(Model):
    """A Thinc layer of this package, which takes no parameter of another shape than its sizes say.

    As the outermost layer of a saved model it checks the whole of that, too.
    """

    __slots__ = ("shape_of",)

    def __init__(
        self,
        name: str,
        forward: Callable,
        *,
        shape_of: Callable[[Model, str], Shape | None] | None = None,
        **options: Any,
    ) -> None:
        """shape_of: gives the shape that a parameter must have; None for one that is not known.

        The others are those of `thinc.api.Model`.
        """
        self.shape_of = shape_of
        super().__init__(name, forward, **options)

    def set_param(self, name: str, value: Any) -> None:
        """Set a parameter. Raises ValueError if it does not fit the layer."""
        if value is not None:
            check_param(self, name, value)
        super().set_param(name, value)

    def from_bytes(self, bytes_data: bytes) -> "Layer":
        """Load a saved model. Raises ValueError if it is none of this model."""
        check_saved(self, bytes_data)
        super().from_bytes(bytes_data)
        check_fits(self)
        return self


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Say which component it is whose saved files cannot be loaded."""
    try:
        yield
    except Exception as error:
        raise ValueError(
            f"The saved component '{name}' cannot be loaded, because its files are incomplete or "
            f"of another model ({type(error).__name__}: {error}); save or copy the pipeline again."
        ) from error


def check_saved(model: Model, data: bytes) -> None:
    """Raise ValueError if the bytes are not of a model that is built like this one."""
    budget = Budget()
    saved = read_saved(data, budget)
    nodes = list(model.walk())
    if not isinstance(saved, dict) or set(saved) != {"nodes", "attrs", "params", "shims"}:
        raise ValueError("not a saved model")
    for part in saved.values():
        if not isinstance(part, list) or len(part) != len(nodes):
            raise ValueError(f"not a saved model of {len(nodes)} layers")
    parts = zip(nodes, *(saved[key] for key in ("nodes", "attrs", "params", "shims")), strict=True)
    for node, info, attrs, params, shims in parts:
        _check_info(node, info, len(nodes))
        loaded = SavedLayer(node, info["dims"], _read_attrs(node, attrs, budget))
        _check_arrays(node, params, loaded)
        if not _is_list_of(bytes, shims) or len(shims) != len(node.shims):
            raise ValueError(f"the layer '{node.name}' with {len(node.shims)} shims has others")


class SavedLayer:
    """What the sizes and attributes of a layer are going to be."""

    def __init__(self, node: Model, dims: dict[str, int | None], attrs: dict[str, Any]) -> None:
        known = {dim: size for dim, size in dims.items() if size is not None}
        self.dims = {**{dim: node.maybe_get_dim(dim) for dim in node.dim_names}, **known}
        self.attrs = {**node.attrs, **attrs}

    def get_dim(self, name: str) -> int:
        size = self.dims[name]
        if size is None:
            raise ValueError(f"no size '{name}'")
        return size


def _check_info(node: Model, info: Any, n_nodes: int) -> None:
    """Names, sizes and references of a layer."""
    if not isinstance(info, dict) or not isinstance(info.get("name"), str):
        raise ValueError(f"the layer '{node.name}' without a name")
    dims, refs = info.get("dims"), info.get("refs")
    if not isinstance(dims, dict) or not isinstance(refs, dict):
        raise ValueError(f"the layer '{node.name}' without sizes or references")
    for dim, size in dims.items():
        if size is not None and not (is_size(size) and dim in node.dim_names):
            raise ValueError(f"the size '{dim}' = {str(size)[:50]} of the layer '{node.name}'")
        # Some of spaCy's components make room for other labels while they load.
        built = node.maybe_get_dim(dim) if isinstance(node, Layer) else None
        if None not in (size, built) and size != built:
            raise ValueError(
                f"the size '{dim}' = {size} of the layer '{node.name}', which is {built} here"
            )
    for ref, index in refs.items():
        if index is not None and not (is_size(index) and index < n_nodes):
            raise ValueError(f"the reference '{ref}' = {str(index)[:50]} of '{node.name}'")


def _read_attrs(node: Model, attrs: Any, budget: Budget) -> dict[str, Any]:
    """The attributes of a layer, if it can have them."""
    if not isinstance(attrs, dict) or not _is_list_of(bytes, list(attrs.values())):
        raise ValueError(f"the layer '{node.name}' without attributes")
    found = {}
    for name, data in attrs.items():
        built = node.attrs.get(name)
        if deserialize_attr.dispatch(type(built)) is not deserialize_attr.dispatch(object):
            continue  # has a format of its own
        value = found[name] = read_saved(data, budget)
        same = built is None or _kind(value) == _kind(built)
        if not same or (built is not None and name in FIXED_ATTRS and value != _as_saved(built)):
            raise ValueError(
                f"`{name} = {str(value)[:50]}` of the layer '{node.name}', which is "
                f"{str(built)[:50]} in the config"
            )
    return found


def _kind(value: Any) -> type:
    """The kind of an attribute's value; numbers are one kind, whole or not."""
    if isinstance(value, bool | np.bool_):
        return bool
    for kind, types in {float: (int, float, np.number), list: (list, tuple)}.items():
        if isinstance(value, types):
            return kind
    return type(value)


def _as_saved(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _check_arrays(node: Model, params: Any, loaded: SavedLayer) -> None:
    if not isinstance(params, dict):
        raise ValueError(f"the layer '{node.name}' without parameters")
    for name, value in params.items():
        if value is not None and not isinstance(value, np.ndarray):
            raise ValueError(f"the parameter '{name}' of the layer '{node.name}' is no array")
        if value is not None:
            check_param(node, name, value, loaded)


def _is_list_of(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def check_fits(model: Model) -> None:
    """Raise ValueError if parameters, or layers beside each other, are of different sizes.

    So it does for what a layer keeps of words and their vectors, if that cannot be.
    """
    for node in model.walk():
        for name in node.param_names:
            if node.has_param(name):
                check_param(node, name, node.get_param(name))
        if "rows_of_keys" in node.attrs:
            check_word_rows(node)
        check_known(node.attrs.get("known_vectors"))
    output_width(model, None)


def check_param(node: Model, name: str, value: Any, sizes: Any = None) -> None:
    """Raise ValueError if a parameter does not have the shape that the layer's sizes give it.

    sizes: what has the sizes and attributes; None for the layer itself.
    """
    try:
        shape = expected_shape(node, name, node if sizes is None else sizes)
    except Exception as error:  # whatever a layer's own formula does with wrong sizes
        raise ValueError(
            f"the parameter '{name}' of the layer '{node.name}' has no size that works: {error}"
        ) from error
    if shape is not None and (value.shape != shape or value.dtype != "float32"):
        raise ValueError(
            f"the parameter '{name}' of the layer '{node.name}' has the shape {value.shape} of "
            f"{value.dtype}, but its sizes need {shape} of float32"
        )


def expected_shape(node: Model, name: str, sizes: Any) -> Shape | None:
    """The shape that a parameter must have; None if the layer is not known here."""
    if isinstance(node, Layer):
        return node.shape_of(sizes, name) if node.shape_of else None
    if module_of(node) == SPARSE_LINEAR:
        n_outputs = sizes.get_dim("nO")
        return (n_outputs * sizes.get_dim("length") if name == "W" else n_outputs,)
    dims = SHAPES.get(module_of(node), {}).get(name)
    if dims is None:
        return None
    return tuple(dim if isinstance(dim, int) else sizes.get_dim(dim) for dim in dims)


def module_of(node: Model) -> str:
    """Where a layer's forward function is defined: unlike its name, that is in no file."""
    function = getattr(node._func, "func", node._func)
    return function.__module__


# Layers that give what they get to the layers within them, one after the other
IN_TURN = {
    *("thinc.layers.chain", "thinc.layers.resizable", "spacy_seqrnn.rnn.stack"),
    *("thinc.layers.with_array", "thinc.layers.with_array2d", "spacy_seqrnn.batch.packed"),
    *("thinc.layers.with_flatten_v2", "thinc.layers.with_padded", "thinc.layers.residual"),
    *("spacy_seqrnn.embed.chars", "spacy_seqrnn.architectures.ner"),
    *("spacy_seqrnn.architectures.textcat", "spacy_seqrnn.architectures.ngrams"),
}
# Layers that put the results of the layers within them beside each other
SIDE_BY_SIDE = {"thinc.layers.concatenate", "spacy_seqrnn.embed.lexemes"}
# Layers whose vectors are as wide as those that they get
AS_WIDE = {
    *(f"thinc.layers.list2{kind}" for kind in ("ragged", "array", "padded")),
    *("thinc.layers.ragged2list", "thinc.layers.padded2list", "thinc.layers.dropout"),
    *(f"thinc.layers.reduce_{kind}" for kind in ("first", "last", "max", "mean", "sum")),
    *("thinc.layers.logistic", "thinc.layers.softmax_activation", "spacy_seqrnn.crf.layer"),
}
POOLING = "spacy_seqrnn.heads.pooling"
ENSEMBLES = "spacy_seqrnn.architectures.ensembles"


def output_width(node: Model, width: int | None) -> int | None:
    """How wide the vectors are that a layer gives; None if that is not known.

    width: of the vectors that it gets, if that is known.
    Raises ValueError if it, or a layer within it, is made for vectors of another width.
    """
    _check_same(node, "nI", width)
    module = module_of(node)
    if module in IN_TURN:
        for layer in node.layers:
            width = output_width(layer, width)
    elif module in SIDE_BY_SIDE:
        width = _sum(output_width(layer, width) for layer in node.layers)
    elif module == POOLING:
        width = width and width * node.attrs.get("times", 1)
    elif module == "thinc.layers.expand_window":
        width = width and width * (2 * node.attrs["window_size"] + 1)
    elif module == ENSEMBLES:
        for layer in node.layers:
            _check_same(node, "nO", output_width(layer, None))
    elif module not in AS_WIDE:
        for layer in node.layers:
            output_width(layer, None)
        width = None
    _check_same(node, "nO", width)
    return width or node.maybe_get_dim("nO")


def _sum(widths: Iterable[int | None]) -> int | None:
    known = list(widths)
    return None if None in known else sum(known)  # type: ignore[arg-type]


def _check_same(node: Model, dim: str, width: int | None) -> None:
    own = node.maybe_get_dim(dim)
    if width is not None and own is not None and own != width:
        raise ValueError(
            f"the layer '{node.name}' has the size '{dim}' = {own}, but {width} is needed"
        )
