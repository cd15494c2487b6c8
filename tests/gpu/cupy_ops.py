"""Thinc's own CupyOps on the array library of `cupy_like.py`.

What CupyOps delegates to CuPy runs there. Where it has CUDA kernels, NumpyOps computes, on arrays
that such a kernel could read.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import thinc.backends
import thinc.types
import thinc.util
import torch
from thinc.api import CupyOps, NumpyOps, Ops, set_current_ops
from thinc.backends import _custom_kernels, cupy_ops

from .cupy_like import cupy, cupyx, ndarray, to_device, to_host

KERNELS = {name for name in dir(_custom_kernels) if name[0] != "_" and hasattr(Ops, name)}


class Kernels:
    """The module `thinc.backends._custom_kernels`."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in KERNELS:
            raise AttributeError(name)
        of_numpy = getattr(NumpyOps(), name)

        def kernel(*args: Any, **kwargs: Any) -> Any:
            for value in (*args, *kwargs.values()):
                check_kernel_argument(value)
            kwargs.pop("threshold", None)  # where a function is approximated
            kwargs = {key: to_host(value) for key, value in kwargs.items()}
            return to_device(of_numpy(*map(to_host, args), **kwargs))

        return kernel


def check_kernel_argument(value: Any) -> None:
    """Raise for arrays that a kernel, which reads from a pointer, would misread."""
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, ndarray) and not value.flags["C_CONTIGUOUS"]:
        raise ValueError("a CUDA kernel would read another array than this, which has gaps")


def adam(grad: Any, learn_rate: Any, beta1: Any, beta2: Any, eps: Any, *arrays: Any) -> None:
    """The kernel of Adam. beta1, beta2: 1 minus the betas."""
    weights, mean, variance = arrays
    mean += beta1 * (grad - mean)
    variance += beta2 * (grad * grad - variance)
    weights -= learn_rate * mean / (cupy.sqrt(variance) + eps)


@contextmanager
def cupy_like_ops() -> Iterator[Ops]:
    """Make Thinc use the array library as CuPy, and make its CupyOps the current ones."""
    before = thinc.backends.get_current_ops()
    with pytest.MonkeyPatch.context() as patch:
        for module in (thinc.util, cupy_ops):
            patch.setattr(module, "cupy", cupy)
        patch.setattr(thinc.util, "has_cupy", True)
        patch.setattr(thinc.types, "get_array_module", cupy.get_array_module)
        patch.setattr(cupy_ops, "_custom_kernels", Kernels())
        patch.setattr(cupy_ops, "adam_kernel", adam)
        patch.setattr(cupy_ops, "cublas", SimpleNamespace(nrm2=cupy.linalg.norm))
        patch.setattr(CupyOps, "xp", cupy)
        patch.setattr(CupyOps, "_xp2", cupyx)
        ops = CupyOps()
        set_current_ops(ops)
        try:
            yield ops
        finally:
            set_current_ops(before)


@contextmanager
def real_ops() -> Iterator[Ops]:
    """CupyOps on a GPU, in full precision and with the random numbers of the CPU."""
    before = thinc.backends.get_current_ops()
    thinc.util.require_gpu()
    ops = thinc.backends.get_current_ops()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.backends.cudnn, "allow_tf32", False)
        for name in ("random_sample", "uniform"):
            patch.setattr(ops.xp.random, name, OfTheHost(ops, getattr(np.random, name)))
        try:
            yield ops
        finally:
            set_current_ops(before)


class OfTheHost:
    """A function of random numbers that draws them with NumPy."""

    def __init__(self, ops: Ops, draw: Callable[..., Any]) -> None:
        self.ops = ops
        self.draw = draw

    def __call__(self, *args: Any) -> Any:
        return self.ops.asarray(self.draw(*args))
