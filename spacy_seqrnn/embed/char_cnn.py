"""A convolution over the characters of words, multiplied once for every distinct character.

A filter's value at a place is a sum over the characters in its window, and what a character adds
depends on the character and on its place in the window alone. A batch has thousands of characters
but few distinct ones, so the products are small, and the rest is looking up and adding.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from thinc.api import HashEmbed, Linear, Model, chain, expand_window, reduce_max, with_array
from thinc.types import Ragged

from ..batch.composition import run_in_turn
from ..saved.layers import describe_layer, in_turn
from ..saved.shapes import Layer
from ..types import Floats2d, Floats3d, Ints1d, Ints2d

CharCNN: TypeAlias = Model[Ragged, Floats2d]


def char_cnn(*, width: int, char_width: int, window_size: int, rows: int) -> CharCNN:
    """Embed words by the maximum of each filter over their characters (Ma and Hovy 2016).

    width, char_width, window_size, rows: as in `CharCNNEmbed`.

    Returns a model that maps code points, at least one for each word, to vectors, shape
    (n_words, width). A word's bits do not depend on the words beside it.
    """
    # These hold the parameters, and compute the same vectors one after the other.
    layers: CharCNN = chain(
        with_array(HashEmbed(char_width, rows, seed=0)),
        expand_window(window_size),
        with_array(Linear(width, char_width * (2 * window_size + 1))),
        reduce_max(),
    )
    return Layer(
        layers.name,
        forward,
        init=layers.init,
        layers=layers.layers,
        dims={"nO": width},
    )


def forward(
    model: CharCNN, X: Ragged, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Ragged]]:
    ops = model.ops
    if ops.device_type == "gpu":  # which is good at large products, and bad at adding up rows
        return run_in_turn(model.layers, X, is_train)
    embed, expand, linear, _ = model.layers
    chars: Ints1d = X.dataXd
    distinct, index = np.unique(chars, return_inverse=True)
    in_window = windows(index, X.lengths, expand.attrs["window_size"], pad=len(distinct))
    E, backprop_embed = embed(distinct, is_train)  # (n_distinct, nI)
    W = _by_place(linear.layers[0].get_param("W"), E.shape[1])  # (n_places, nO, nI)
    n_places, nO, nI = W.shape
    # Thinc's product gives each row the same bits, however many rows there are.
    products: Floats2d = ops.gemm(E, W.reshape(-1, nI), trans2=True)
    # The last row stands for what is beyond a word's ends.
    shares: Floats3d = ops.alloc3f(n_places, len(distinct) + 1, nO)
    shares[:, :-1] = products.reshape(-1, n_places, nO).swapaxes(0, 1)
    Y = linear.layers[0].get_param("b") + shares[0][in_window[0]]  # (n_chars, nO)
    for share, rows in zip(shares[1:], in_window[1:], strict=True):
        Y += share[rows]
    maxima, which = ops.reduce_max(Y, X.lengths)

    def backprop(d_maxima: Floats2d) -> Ragged:
        dY = ops.backprop_reduce_max(d_maxima, which, X.lengths)
        d_shares: Floats3d = ops.alloc3f(*shares.shape)
        for d_share, rows in zip(d_shares, in_window, strict=True):
            ops.scatter_add(d_share, rows, dY)
        d_products = d_shares[:, :-1].swapaxes(0, 1).reshape(len(distinct), -1)
        dW = (d_products.T @ E).reshape(W.shape)
        linear.layers[0].inc_grad("W", dW.swapaxes(0, 1).reshape(nO, -1))
        linear.layers[0].inc_grad("b", d_maxima.sum(axis=0))
        backprop_embed(d_products @ W.reshape(-1, nI))
        return X

    return maxima, backprop


describe_layer(forward, width=in_turn)


def windows(index: Ints1d, lengths: Ints1d, size: int, *, pad: int) -> Ints2d:
    """For each place in a window the characters of all windows. Shape (2 * size + 1, n_chars).

    index: of the distinct character at each place of the text. Shape (n_chars,).
    lengths: characters of each word, all at least 1.
    pad: stands for what is beyond a word's ends.
    """
    ends = np.repeat(lengths.cumsum(), lengths)  # of each character's word
    starts = ends - np.repeat(lengths, lengths)
    places = np.arange(-size, size + 1)[:, None] + np.arange(len(index))
    within = (places >= starts) & (places < ends)
    return np.where(within, index[places.clip(0, len(index) - 1)], pad).astype("int32")


def _by_place(W: Floats2d, width: int) -> Floats3d:
    """The weights of each place in a window. Shape (n_places, nO, width)."""
    return W.reshape(len(W), -1, width).swapaxes(0, 1)
