"""Sums and maxima of scores that may be -inf, the logarithm of a zero probability."""

from typing import Any

import numpy as np
from thinc.util import get_array_module


def finite_max(scores: Any, axis: int | None = None) -> Any:
    """The maximum, or 0 if all scores are -inf or there are none.

    axis: the axis to reduce, which is kept with length 1. None: all axes.
    """
    xp = get_array_module(scores)
    if not scores.size:
        shape = () if axis is None else (*scores.shape[:axis], 1, *scores.shape[axis + 1 :])
        return xp.zeros(shape)
    peak = scores.max(axis=axis, keepdims=axis is not None)
    return xp.where(xp.isfinite(peak), peak, 0.0)


def log_sum_exp(scores: Any, axis: int) -> Any:
    """log of the summed exponentials over an axis, which is removed; -inf if all are -inf."""
    xp = get_array_module(scores)
    peak = finite_max(scores, axis)
    with np.errstate(divide="ignore"):
        return xp.log(xp.exp(scores - peak).sum(axis=axis)) + peak.squeeze(axis)
