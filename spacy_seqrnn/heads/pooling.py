"""Poolings: one vector per document from the vectors of its tokens.

Every pooling maps a `Ragged` of shape (n_tokens, width) to an array of shape (n_docs, nO). A
document without tokens gets zeros. To add one, write a forward function here and name it in
`POOLINGS`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from thinc.api import Model, Ops, concatenate
from thinc.initializers import glorot_uniform_init, zero_init
from thinc.types import Ragged

from ..saved.layers import describe_layer
from ..saved.shapes import Layer
from ..types import Floats2d, Ints1d

Pooling: TypeAlias = Model[Ragged, Floats2d]
Pooled: TypeAlias = tuple[Floats2d, Callable[[Floats2d], Floats2d]]


def pooling_layer(names: list[str], *, bidirectional: bool) -> Pooling:
    """One or more poolings by name, concatenated in the given order.

    names: keys of `POOLINGS`.
    bidirectional: whether the right half of the width reads from right to left, which determines
        what "last" means.
    """
    return concatenate(*(POOLINGS[name](bidirectional=bidirectional) for name in names))


def mean_pooling(*, bidirectional: bool) -> Pooling:
    """The average over the tokens."""
    return Layer("mean_pooling", forward, attrs={"pool": _mean})


def max_pooling(*, bidirectional: bool) -> Pooling:
    """The largest value of each feature over the tokens (Collobert et al. 2011)."""
    return Layer("max_pooling", forward, attrs={"pool": _max})


def last_pooling(*, bidirectional: bool) -> Pooling:
    """The states that have read the whole document.

    These are the left-to-right direction's state at the last token and the right-to-left
    direction's state at the first. At the last token, the right-to-left state has read only that
    token.
    """
    attrs = {"pool": _last, "bidirectional": bidirectional}
    return Layer("last_pooling", forward, attrs=attrs)


def first_last_pooling(*, bidirectional: bool) -> Pooling:
    """The first and the last token's vectors, concatenated: twice the width."""
    return Layer("first_last_pooling", forward, attrs={"pool": _first_last, "times": 2})


def AttentionPooling(*, bidirectional: bool, units: int | None = None) -> Pooling:
    """The average weighted by learned attention (Yang et al. 2016).

    A token's weight is softmax over the document of query · tanh(W x + b).

    units: rows of W; None for as many as x has.
    """
    return Layer(
        "narrow_attention_pooling" if units else "attention_pooling",
        forward,
        init=_init_attention,
        attrs={"pool": _attention, "units": units},
        params={"W": None, "b": None, "query": None},
        dims={"nI": None},
    )


POOLINGS: dict[str, Callable[..., Pooling]] = {
    "last": last_pooling,
    "mean": mean_pooling,
    "max": max_pooling,
    "attention": AttentionPooling,
    # As accurate on sentences, and several times as fast
    "narrow_attention": partial(AttentionPooling, units=32),
    "first_last": first_last_pooling,
}


def forward(
    model: Pooling, X: Ragged, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Ragged]]:
    """Pool the documents that have tokens, and return zeros for the others.

    The attribute `pool` maps (model, X, lengths) to (Y, backprop), all lengths at least 1.
    """
    ops = model.ops
    tokens: Floats2d = X.dataXd
    nonempty = np.flatnonzero(ops.to_numpy(X.lengths))  # (n_nonempty,)
    shape = (len(X.lengths), tokens.shape[1] * model.attrs.get("times", 1))
    Y = ops.alloc2f(*shape)
    if not len(nonempty):
        return Y, lambda dY: Ragged(ops.alloc2f(*tokens.shape), X.lengths)
    rows = ops.xp.asarray(nonempty)
    pooled, backprop_pool = model.attrs["pool"](model, tokens, X.lengths[rows])
    Y[rows] = pooled

    def backprop(dY: Floats2d) -> Ragged:
        return Ragged(backprop_pool(ops.as_contig(dY[rows])), X.lengths)

    return Y, backprop


def pooled_width(model: Pooling, width: int | None) -> int | None:
    """The width of a document's vector."""
    return width and width * model.attrs.get("times", 1)


def param_shapes(sizes: Any, param: str) -> tuple[int, ...]:
    """The shapes of an `AttentionPooling`'s parameters."""
    nI = sizes.get_dim("nI")
    units = sizes.attrs["units"] or nI
    return {"W": (units, nI), "b": (units,), "query": (units,)}[param]


describe_layer(
    forward,
    param_shapes=param_shapes,
    width=pooled_width,
    fixed_attrs=["times", "units"],
)


def _mean(model: Pooling, X: Floats2d, lengths: Ints1d) -> Pooled:
    return model.ops.reduce_mean(X, lengths), lambda dY: model.ops.backprop_reduce_mean(dY, lengths)


def _max(model: Pooling, X: Floats2d, lengths: Ints1d) -> Pooled:
    Y, which = model.ops.reduce_max(X, lengths)  # both (n_docs, width)
    return Y, lambda dY: model.ops.backprop_reduce_max(dY, which, lengths)


def _last(model: Pooling, X: Floats2d, lengths: Ints1d) -> Pooled:
    xp = model.ops.xp
    firsts, lasts = _ends(model.ops, lengths)
    half = X.shape[1] // 2 if model.attrs["bidirectional"] else X.shape[1]
    Y = xp.concatenate([X[lasts, :half], X[firsts, half:]], axis=1)  # (n_docs, width)

    def backprop(dY: Floats2d) -> Floats2d:
        dX = model.ops.alloc2f(*X.shape)
        dX[lasts, :half] = dY[:, :half]
        dX[firsts, half:] = dY[:, half:]
        return dX

    return Y, backprop


def _first_last(model: Pooling, X: Floats2d, lengths: Ints1d) -> Pooled:
    firsts, lasts = _ends(model.ops, lengths)
    width = X.shape[1]

    def backprop(dY: Floats2d) -> Floats2d:
        dX = model.ops.alloc2f(*X.shape)
        dX[firsts] = dY[:, :width]
        dX[lasts] += dY[:, width:]  # in a one-token document both are the same row
        return dX

    return model.ops.xp.concatenate([X[firsts], X[lasts]], axis=1), backprop


def _ends(ops: Ops, lengths: Ints1d) -> tuple[Ints1d, Ints1d]:
    """The rows of each document's first and last token. Shape (n_docs,) each."""
    ends = ops.xp.cumsum(lengths)
    return ends - lengths, ends - 1


def _attention(model: Pooling, X: Floats2d, lengths: Ints1d) -> Pooled:
    ops = model.ops
    W, query = model.get_param("W"), model.get_param("query")
    keys, weights = attention_weights(model, X, lengths)
    Y = ops.reduce_sum(X * weights, lengths)  # (n_docs, nI)

    def backprop(dY: Floats2d) -> Floats2d:
        d_summed = ops.backprop_reduce_sum(dY, lengths)  # (n_tokens, nI)
        d_weights = (d_summed * X).sum(axis=1, keepdims=True)  # (n_tokens, 1)
        # The backward pass of softmax subtracts the document's weighted mean.
        means = ops.backprop_reduce_sum(ops.reduce_sum(weights * d_weights, lengths), lengths)
        d_scores = weights * (d_weights - means)
        d_keys = d_scores * query * (1 - keys**2)  # (n_tokens, units)
        model.inc_grad("query", (keys * d_scores).sum(axis=0))
        model.inc_grad("W", d_keys.T @ X)
        model.inc_grad("b", d_keys.sum(axis=0))
        return d_summed * weights + d_keys @ W

    return Y, backprop


def attention_weights(model: Pooling, X: Floats2d, lengths: Ints1d) -> tuple[Floats2d, Floats2d]:
    """What an `AttentionPooling` compares with its query, and the weight of each token.

    X: shape (n_tokens, nI). lengths: tokens of each document, all at least 1.
    Returns shapes (n_tokens, units) and (n_tokens, 1).
    """
    keys = model.ops.xp.tanh(X @ model.get_param("W").T + model.get_param("b"))  # (n_tokens, units)
    scores = (keys @ model.get_param("query"))[:, None]
    return keys, softmax_over_docs(model.ops, scores, lengths)


def softmax_over_docs(ops: Ops, scores: Floats2d, lengths: Ints1d) -> Floats2d:
    """Softmax over each document's tokens. scores: shape (n_tokens, 1); lengths all at least 1.

    Thinc's `softmax_sequences` clips scores at ±20; this function subtracts each document's
    maximum.
    """
    # Thinc has kernels for sums and maxima over documents on both devices; CuPy has no maximum. The
    # gradient of a sum repeats each document's value for each of its tokens.
    peaks, _ = ops.reduce_max(scores, lengths)  # (n_docs, 1)
    weights = ops.xp.exp(scores - ops.backprop_reduce_sum(peaks, lengths))
    return weights / ops.backprop_reduce_sum(ops.reduce_sum(weights, lengths), lengths)


def _init_attention(model: Pooling, X: Ragged | None = None, Y: Floats2d | None = None) -> None:
    if X is not None:
        tokens: Floats2d = X.dataXd
        model.set_dim("nI", tokens.shape[1])
    shape = param_shapes(model, "W")
    model.set_param("W", glorot_uniform_init(model.ops, shape))
    model.set_param("b", zero_init(model.ops, shape[:1]))
    # A query of zeros would start as the plain mean, and W would get no gradient.
    model.set_param("query", glorot_uniform_init(model.ops, (1, shape[0])).ravel())
