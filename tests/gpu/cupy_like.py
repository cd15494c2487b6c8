"""An array library on the CPU that does what CuPy does and no more.

NumPy computes. Names, parameters and methods of ufuncs are those of CuPy (`api.py`), and what CuPy
rejects is rejected: a host array beside a device array, or a device array where a host array is
needed. Nothing leaves the "device" except by `get()`, `item()`, `tolist()`, `float()` and similar.

It replaces the module `cupy`, with the names that `__getattr__` finds.
"""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import torch

from . import api

SCALARS = (int, float, complex, bool, np.generic)
# Creates arrays of the device from anything else.
MAKERS = {"array", "asarray", "ascontiguousarray", "asfortranarray", "asanyarray"}
UNARY = ("neg", "pos", "abs", "invert")
BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "divmod")
BITWISE = ("and", "or", "xor", "lshift", "rshift")
COMPARED = ("eq", "ne", "lt", "le", "gt", "ge")
CONVERTED = ("bool", "int", "float", "complex")


class ndarray:
    """An array of the device."""

    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]  # as of all that compares its elements

    def __init__(self, host: np.ndarray) -> None:
        self._host = host

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not api.has("ndarray", name):
            raise AttributeError(f"cupy.ndarray has no {name}")
        member = getattr(self._host, name)
        return Method(self, name) if callable(member) else to_device(member)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_host":
            object.__setattr__(self, name, value)
        else:  # e.g. the shape
            setattr(self._host, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return ndarray, (self._host,)

    def __repr__(self) -> str:
        return f"device {self._host!r}"

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return to_device(self._host[host_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        is_host = isinstance(value, np.ndarray | list | tuple)
        if is_host and not any(isinstance(part, ndarray) for part in as_tuple(index)):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        if value is not self:
            self._host[host_index(index)] = value if is_host else to_host(value)

    def get(self, stream: Any = None, order: Any = "C", out: Any = None) -> np.ndarray:
        """A copy on the host."""
        return self._host.copy(order)

    def scatter_add(self, slices: Any, value: Any) -> None:
        """Add at places that may occur more than once."""
        np.add.at(self._host, host_index(slices), to_host(value))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or not api.has("ufuncs", ufunc.__name__):
            return NotImplemented
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        return Ufunc(ufunc.__name__)(*inputs, **kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        if getattr(np, function.__name__, None) is not function:
            return NotImplemented
        return getattr(cupy, function.__name__)(*args, **kwargs)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self._host.__dlpack__()

    def __dlpack_device__(self) -> Any:
        return self._host.__dlpack_device__()


Array: TypeAlias = ndarray  # where the module has the name


class Method:
    """A method of an array."""

    def __init__(self, array: ndarray, name: str) -> None:
        self.array = array
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        api.check_arguments("ndarray", self.name, args, kwargs)
        return run(getattr(self.array._host, self.name), args, kwargs)


class Function:
    """A function of the module, or of one within it."""

    def __init__(self, part: str, name: str, of_numpy: Callable[..., Any]) -> None:
        self.part = part
        self.name = name
        self.of_numpy = of_numpy

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        api.check_arguments(self.part, self.name, args, kwargs)
        return run(self.of_numpy, args, kwargs)


class Ufunc:
    """A function of each element."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.of_numpy = getattr(np, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for value in args:
            if not isinstance(value, (ndarray, *SCALARS)):
                raise TypeError(f"Unsupported type {type(value)}")
        return run(self.of_numpy, args, kwargs)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method not in api.ufunc_methods(self.name):
            raise NotImplementedError(f"`cupy_{self.name}.{method}` is not supported yet")
        return lambda *args, **kwargs: run(getattr(self.of_numpy, method), args, kwargs)


class Part:
    """A module within it. The numbers of `cupy.random` are those that NumPy draws."""

    def __init__(self, name: str, of_numpy: Any) -> None:
        self.name = name
        self.of_numpy = of_numpy

    def __getattr__(self, name: str) -> Any:
        return find(self.name, name, self.of_numpy)


class CuPyLike(ModuleType):
    """The module `cupy`."""

    ndarray = ndarray
    random = Part("random", np.random)
    linalg = Part("linalg", np.linalg)

    def __getattr__(self, name: str) -> Any:
        if api.has("ufuncs", name):
            return Ufunc(name)
        if api.has("values", name):
            return getattr(np, name)
        return find("functions", name, np)

    def array(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """A new array of the device."""
        return to_device(np.array(deep_host(data), *args, **kwargs))

    def asarray(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """An array of the device; one that already is stays the same."""
        if isinstance(data, ndarray) and not args and kwargs.get("dtype") in (None, data.dtype):
            return data
        if isinstance(data, np.ndarray):
            return self.array(data, *args, **kwargs)  # a copy, unlike NumPy's
        return to_device(np.asarray(deep_host(data), *args, **kwargs))

    def asnumpy(self, data: Any) -> np.ndarray:
        """An array on the host; a copy if it is of the device."""
        return data.get() if isinstance(data, ndarray) else np.asarray(data)

    def save(self, file: Any, arr: Any) -> None:
        """Save an array of either kind."""
        np.save(file, self.asnumpy(arr))

    def get_array_module(self, *arrays: Any) -> Any:
        """The module of some arrays."""
        return self if any(isinstance(array, ndarray) for array in arrays) else np

    def repeat(self, a: Array, repeats: Any, axis: int | None = None) -> Any:
        """Up to CuPy 13, no array of any library may state the counts."""
        if not isinstance(repeats, int | list | tuple):
            raise ValueError(f"cupy.repeat takes no {type(repeats).__name__} for `repeats`")
        return run(np.repeat, (a, repeats, axis), {})

    def split(self, ary: Array, indices_or_sections: Any, axis: int = 0) -> Any:
        """The places to cut at are on the host."""
        if isinstance(indices_or_sections, ndarray):
            raise TypeError("cupy.split takes no array of the device for the indices")
        return to_device(np.split(to_host(ary), indices_or_sections, axis))

    def bincount(self, x: Array, weights: Any = None, minlength: int | None = None) -> Any:
        """NumPy's, whose `minlength` cannot be None."""
        return run(np.bincount, (x, weights, minlength or 0), {})


def find(part: str, name: str, module: Any) -> Any:
    """A function that CuPy has."""
    if name.startswith("_") or not api.has(part, name):
        raise AttributeError(f"cupy has no {name}")
    return Function(part, name, getattr(module, name))


def run(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """NumPy's function, for arrays of the device only."""
    out = kwargs.get("out")
    result = function(*(to_host(arg) for arg in args), **{k: to_host(v) for k, v in kwargs.items()})
    return out if out is not None else to_device(result)


def to_host(value: Any) -> Any:
    """What NumPy works on. A NumPy array is not of the device."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, list | tuple):
        return type(value)(to_host(each) for each in value)
    return value


def deep_host(value: Any) -> Any:
    """The same for anything that becomes an array: it may be of host or device."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, torch.Tensor):
        return value.numpy()
    if isinstance(value, list | tuple):
        return type(value)(deep_host(each) for each in value)
    return value


def host_index(index: Any) -> Any:
    """An index for NumPy. CuPy also accepts lists and NumPy arrays, and copies them."""
    if isinstance(index, tuple):
        return tuple(host_index(part) for part in index)
    return index._host if isinstance(index, ndarray) else index


def as_tuple(index: Any) -> tuple[Any, ...]:
    """All parts of an index."""
    return index if isinstance(index, tuple) else (index,)


def to_device(value: Any) -> Any:
    """Arrays as arrays of the device; a NumPy scalar becomes an array of no axes."""
    if isinstance(value, np.ndarray):
        return ndarray(value)
    if isinstance(value, np.generic):
        return ndarray(np.asarray(value))
    if isinstance(value, list | tuple) and any(isinstance(each, np.ndarray) for each in value):
        return type(value)(to_device(each) for each in value)
    return value


def _operator(name: str, *, in_place: bool = False) -> Callable[..., Any]:
    method = getattr(np.ndarray, name)

    def operate(self: ndarray, *others: Any) -> Any:
        for other in others:
            if isinstance(other, np.ndarray):
                raise TypeError(f"Unsupported type {type(other)}")
            if not isinstance(other, (ndarray, *SCALARS)):
                return NotImplemented
        result = method(self._host, *map(to_host, others))
        return self if in_place else to_device(result)

    return operate


def _add_operators() -> None:
    """Give the array the operators that CuPy's has."""
    names = [f"__{name}__" for name in (*UNARY, *BINARY, *BITWISE, *COMPARED, *CONVERTED)]
    names += [f"__r{name}__" for name in (*BINARY, *BITWISE)]
    for name in filter(lambda name: api.has("ndarray", name), names):
        setattr(ndarray, name, _operator(name))
    for name in [f"__i{name}__" for name in (*BINARY, *BITWISE)]:
        if api.has("ndarray", name):
            setattr(ndarray, name, _operator(name, in_place=True))


_add_operators()
cupy = CuPyLike("cupy")
cupyx = SimpleNamespace(scatter_add=ndarray.scatter_add)
