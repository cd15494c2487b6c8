"""Check saved models before they are used.

A saved model is msgpack with names, sizes, attributes and arrays, and no code. Thinc accepts
whatever the file contains. Here it has to match the model of the config: arrays of plain numbers
with the shapes that the sizes of their layers require, layers that fit the widths of their
neighbours, and nothing else. A rejected file has not been run, and no memory has been allocated
for the sizes that it claims.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from thinc.api import Model
from thinc.model import deserialize_attr

from .foreign import Budget, is_size, read_saved
from .layers import find_description, is_ours, output_width


class Layer(Model[Any, Any]):
    """A layer of this package, which rejects parameters of the wrong shape.

    As the outermost layer of a saved model, it checks the whole model. The shapes are declared with
    `describe_layer`.
    """

    __slots__ = ()

    def set_param(self, name: str, value: Any) -> None:
        """Set a parameter. Raises ValueError if it does not fit the layer, or what is there."""
        if value is not None:
            check_param(self, name, value)
            _check_same_shape(self, name, value)
        super().set_param(name, value)

    def from_bytes(self, bytes_data: bytes) -> "Layer":
        """Load a saved model. Raises ValueError if it is not of this model."""
        check_saved(self, bytes_data)
        super().from_bytes(bytes_data)
        check_fits(self)
        return self

    def _copy(self, seen: dict[int, Any] | None = None) -> "Layer":
        copied = super()._copy(seen)
        copied.__class__ = type(self)  # Thinc creates plain models
        return copied


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Name the component whose saved files cannot be loaded."""
    try:
        yield
    except Exception as error:
        raise ValueError(
            f"The saved component '{name}' cannot be loaded, because its files are incomplete or "
            f"from another model ({type(error).__name__}: {error}); save or copy the pipeline "
            "again."
        ) from error


def check_saved(model: Model[Any, Any], data: bytes) -> None:
    """Raise ValueError if the bytes are not from a model with the same structure."""
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
    """The sizes and attributes that a layer is going to have."""

    def __init__(
        self, node: Model[Any, Any], dims: dict[str, int | None], attrs: dict[str, Any]
    ) -> None:
        known = {dim: size for dim, size in dims.items() if size is not None}
        self.dims = {**{dim: node.maybe_get_dim(dim) for dim in node.dim_names}, **known}
        self.attrs = {**node.attrs, **attrs}

    def get_dim(self, name: str) -> int:
        size = self.dims[name]
        if size is None:
            raise ValueError(f"no size '{name}'")
        return size


def _check_info(node: Model[Any, Any], info: Any, n_nodes: int) -> None:
    """Check the name, sizes and references of a layer."""
    if not isinstance(info, dict) or not isinstance(info.get("name"), str):
        raise ValueError(f"the layer '{node.name}' without a name")
    dims, refs = info.get("dims"), info.get("refs")
    if not isinstance(dims, dict) or not isinstance(refs, dict):
        raise ValueError(f"the layer '{node.name}' without sizes or references")
    for dim, size in dims.items():
        if size is not None and not (is_size(size) and dim in node.dim_names):
            raise ValueError(f"the size '{dim}' = {str(size)[:50]} of the layer '{node.name}'")
        # Some of spaCy's components make room for other labels while they load.
        built = node.maybe_get_dim(dim) if is_ours(node) else None
        if None not in (size, built) and size != built:
            raise ValueError(
                f"the size '{dim}' = {size} of the layer '{node.name}', which is {built} here"
            )
    for ref, index in refs.items():
        if index is not None and not (is_size(index) and index < n_nodes):
            raise ValueError(f"the reference '{ref}' = {str(index)[:50]} of '{node.name}'")


def _read_attrs(node: Model[Any, Any], attrs: Any, budget: Budget) -> dict[str, Any]:
    """The attributes of a layer, if they are valid for it."""
    if not isinstance(attrs, dict) or not _is_list_of(bytes, list(attrs.values())):
        raise ValueError(f"the layer '{node.name}' without attributes")
    found = {}
    fixed = find_description(node).fixed_attrs
    for name, data in attrs.items():
        built = node.attrs.get(name)
        if deserialize_attr.dispatch(type(built)) is not deserialize_attr.dispatch(object):
            continue  # this attribute has its own format
        value = found[name] = read_saved(data, budget)
        same = built is None or _kind(value) == _kind(built)
        if not same or (name in fixed and value != _as_saved(built)):
            raise ValueError(
                f"`{name} = {str(value)[:50]}` of the layer '{node.name}', which is "
                f"{str(built)[:50]} in the config"
            )
    return found


def _kind(value: Any) -> type:
    """The kind of an attribute's value; integers and floats are one kind."""
    if isinstance(value, bool | np.bool_):
        return bool
    for kind, types in {float: (int, float, np.number), list: (list, tuple)}.items():
        if isinstance(value, types):
            return kind
    return type(value)


def _as_saved(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _check_arrays(node: Model[Any, Any], params: Any, loaded: SavedLayer) -> None:
    if not isinstance(params, dict):
        raise ValueError(f"the layer '{node.name}' without parameters")
    for name, value in params.items():
        if value is not None and not isinstance(value, np.ndarray):
            raise ValueError(f"the parameter '{name}' of the layer '{node.name}' is not an array")
        if value is not None:
            check_param(node, name, value, loaded)


def _is_list_of(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def check_fits(model: Model[Any, Any]) -> None:
    """Raise ValueError if parameters, or neighbouring layers, do not fit each other.

    Also if what a layer has stored about words and their vectors is not valid.
    """
    for node in model.walk():
        for name in node.param_names:
            if node.has_param(name):
                check_param(node, name, node.get_param(name))
        if check := find_description(node).check:
            check(node)
    output_width(model, None)


def _check_same_shape(node: Model[Any, Any], name: str, value: Any) -> None:
    """Raise ValueError if a parameter would replace one of another shape.

    As when weights are loaded into a layer within another package's, such as the encoder in spaCy's
    `Tok2Vec`: Thinc first replaces the attributes that its shape was checked with.
    """
    if node.has_param(name) and node.get_param(name).shape != value.shape:
        raise ValueError(
            f"the parameter '{name}' of the layer '{node.name}' has the shape {value.shape}, but "
            f"{node.get_param(name).shape} in the layer that it is loaded into: use the same block "
            "of the config as for the model that was saved"
        )


def check_param(node: Model[Any, Any], name: str, value: Any, sizes: Any = None) -> None:
    """Raise ValueError if a parameter does not have the shape that the layer's sizes require.

    sizes: provides the sizes and attributes; None for the layer itself.
    """
    shape_of = find_description(node).param_shapes
    if shape_of is None:
        return
    try:
        shape = shape_of(node if sizes is None else sizes, name)
    except Exception as error:  # a layer's formula may raise anything for wrong sizes
        raise ValueError(
            f"the parameter '{name}' of the layer '{node.name}' has no size that works: {error}"
        ) from error
    if value.shape != shape or value.dtype != "float32":
        raise ValueError(
            f"the parameter '{name}' of the layer '{node.name}' has the shape {value.shape} of "
            f"{value.dtype}, but its sizes need {shape} of float32"
        )
