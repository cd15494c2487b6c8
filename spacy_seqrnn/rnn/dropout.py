"""Dropout for recurrent networks: the same mask at every time step, or whole words."""

from collections.abc import Callable

from thinc.api import Ops

from ..batch.packed import Packed, take_rows
from ..types import Floats2d


def dropout_mask(ops: Ops, shape: tuple[int, ...], rate: float) -> Floats2d:
    """The same numbers as Thinc's `get_dropout_mask` draws, with less copying.

    rate: the share of zeros, in (0, 1); the others are 1 / (1 - rate).
    """
    kept = ops.xp.random.random_sample(shape) >= rate
    return kept * ops.xp.float32(1.0 / (1.0 - rate))


def locked_dropout(ops: Ops, X: Packed, rate: float) -> tuple[Packed, Callable[[Packed], Packed]]:
    """Zero features of a document at all of its tokens alike (Gal and Ghahramani 2016).

    What is dropped differs between documents but not between the tokens of one, so the recurrence
    cannot average the noise away. Kept features are scaled by 1 / (1 - rate).

    rate: the share of features to drop, in [0, 1).
    """
    shape = (X.packing.n_sequences, X.data.shape[1])
    mask = take_rows(ops, dropout_mask(ops, shape, rate), X.packing.rank_of_row)
    return _masked(X, mask)


def word_dropout(ops: Ops, X: Packed, rate: float) -> tuple[Packed, Callable[[Packed], Packed]]:
    """Zero all features of a random share of tokens (Iyyer et al. 2015), without scaling the rest.

    The network then learns to name a word by its context. Rows are not scaled, because the word
    that is kept must look as it does in prediction.

    rate: the share of tokens to drop, in [0, 1).
    """
    return _masked(X, dropout_mask(ops, (X.packing.n_tokens, 1), rate) * (1.0 - rate))


def _masked(X: Packed, mask: Floats2d) -> tuple[Packed, Callable[[Packed], Packed]]:
    def backprop(dY: Packed) -> Packed:
        return Packed(dY.data * mask, dY.packing)

    return Packed(X.data * mask, X.packing), backprop
