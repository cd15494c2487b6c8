"""The stand-in for CuPy rejects what CuPy rejects."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from . import api
from .cupy_like import cupy
from .cupy_ops import Kernels
from .read_cupy import parameters, split_outside


def device() -> Any:
    return cupy.array(np.arange(6, dtype="f").reshape(3, 2))


HOST = np.ones((3, 2), dtype="f")
REJECTED: dict[str, tuple[type[Exception], Callable[[Any], Any]]] = {
    "a host's array in arithmetic": (TypeError, lambda x: x + HOST),
    "the same on the left": (TypeError, lambda x: HOST * x),
    "in place": (TypeError, lambda x: x.__iadd__(HOST)),
    "in a host's array": (TypeError, lambda x: np.add(HOST, x, out=HOST)),
    "in a function": (TypeError, lambda x: cupy.concatenate([x, HOST])),
    "in a ufunc": (TypeError, lambda x: cupy.maximum(x, HOST)),
    "a list in a ufunc": (TypeError, lambda x: cupy.add(x, [1.0, 2.0])),
    "put into a slice": (ValueError, lambda x: x.__setitem__(slice(3), HOST)),
    "becoming a host's": (TypeError, np.asarray),
    "put into a host's": (TypeError, lambda x: HOST.__setitem__(slice(3), x)),
    "as the index of a list": (TypeError, lambda x: [1, 2, 3][x[0, 0]]),
    "as the bound of a slice": (TypeError, lambda x: x[: x[0, 0].astype("i")]),
    "as a number of times": (TypeError, lambda x: range(x[0, 0].astype("i"))),
    "repeats in an array": (ValueError, lambda x: cupy.repeat(x, np.asarray([1, 2, 3]), axis=0)),
    "a ufunc's method": (NotImplementedError, lambda x: cupy.maximum.reduceat(x, [0])),
    "another": (NotImplementedError, lambda x: cupy.logical_and.reduce(x, axis=0)),
    "a function that is not there": (AttributeError, lambda x: cupy.nested_iters([x], [0])),
    "a method that is not there": (AttributeError, lambda x: x.setflags(write=False)),
    "a parameter that is not there": (TypeError, lambda x: x.max(initial=0.0)),
    "one of a function": (TypeError, lambda x: cupy.sum(x, where=x > 0)),
    "too many parameters": (TypeError, lambda x: x.any(0, None, True, 1)),
    "a kernel with gaps": (ValueError, lambda x: Kernels().reduce_sum(x[:, :1], x.size)),
    "a kernel for the host": (TypeError, lambda x: Kernels().maxout(HOST)),
}


@pytest.mark.parametrize("what", REJECTED)
def test_rejects(what: str) -> None:
    error, use = REJECTED[what]
    with pytest.raises(error):
        use(device())


ALLOWED: dict[str, Callable[[Any, Any], Any]] = {
    "arithmetic": lambda xp, x: 2 * x + np.float32(1) - x**2,
    "a function of NumPy": lambda xp, x: np.concatenate([np.exp(x), x]),
    "host's indices": lambda xp, x: x[np.asarray([2, 0])],
    "lists as indices": lambda xp, x: x[[2, 0], [0, 1]],
    "masks": lambda xp, x: xp.where(x > 2, x, -np.inf),
    "cut on the host": lambda xp, x: xp.split(x, np.asarray([1, 2])),
    "sums of parts": lambda xp, x: xp.add.reduceat(x, xp.asarray([0, 2])),
    "of one number": lambda xp, x: x.max() - x[0, 0],
    "out": lambda xp, x: xp.exp(x, out=x),
    "rows": lambda xp, x: xp.stack(list(x)),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_gives_what_numpy_gives(what: str) -> None:
    own = ALLOWED[what](cupy, device())
    expected = ALLOWED[what](np, device().get())
    for part, other in (
        zip(own, expected, strict=True) if isinstance(own, list) else [(own, expected)]
    ):
        assert type(part) is cupy.ndarray
        np.testing.assert_array_equal(part.get(), other)


def test_arithmetic_in_place_stays_the_same_array() -> None:
    x = device()
    before, view = x, x[1:]
    x += 1
    x[0] = 0
    assert x is before
    np.testing.assert_array_equal(view.get(), [[3, 4], [5, 6]])


def test_memory_is_shared_with_torch() -> None:
    x = device()
    torch.utils.dlpack.from_dlpack(x)[0] = 7.0
    assert x.get()[0].tolist() == [7.0, 7.0]


def test_numbers_leave_the_device() -> None:
    x = device()
    assert (float(x[1, 1]), int(x.argmax()), bool((x > 4).any())) == (3.0, 5, True)
    assert x.tolist() == x.get().tolist()


def test_what_versions_share() -> None:
    assert [version["version"] for version in api.VERSIONS] == ["13.6.0", "14.2.0"]
    assert api.has("functions", "take_along_axis")
    assert not api.has("ndarray", "mT")  # of 14 only
    with pytest.raises(TypeError, match="13"):
        api.check_arguments("ndarray", "argsort", (), {"kind": "stable"})  # so too


def test_parameters_are_read() -> None:
    def function(a: Any, *rest: Any, b: Any = (1, 2), c: "str" = "x") -> None:
        """f(self, x, y=(1, [2, 3]), *shape, order='C') -> ndarray"""

    assert parameters(function) == ["a", "*rest", "b", "c"]
    assert split_outside("x, y=(1, [2, 3]), *shape") == ["x", " y=(1, [2, 3])", " *shape"]
