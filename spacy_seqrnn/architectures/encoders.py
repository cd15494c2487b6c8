"""Encoders that a config can name: they map token vectors to token vectors in context."""

import warnings
from typing import Any

from thinc.api import Model

from ..batch.packed import Packed, with_packed
from ..checks import DEEPEST, WIDEST, check_int, check_rate
from ..config_errors import ConfigError
from ..rnn.directions import SeparateDirections
from ..rnn.layer import RNN
from ..rnn.stack import RNNStack
from ..types import Floats2d


def RNNEncoder(
    *,
    width: int,
    cell: str = "lstm",
    depth: int = 1,
    bidirectional: bool = True,
    residual: bool = False,
    dropout: float | None = None,
    word_dropout: float = 0.0,
    separate_directions: bool = False,
    mixed_precision: bool = False,
) -> Model[list[Floats2d], list[Floats2d]]:
    """Encode context with recurrent layers. Registered as `spacy-seqrnn.RNNEncoder.v1`.

    The result for a document does not depend on the other documents of its batch.

    width: output width per token, both directions together; even if `bidirectional`.
    cell: "lstm" (Hochreiter and Schmidhuber 1997), "gru" (Cho et al. 2014), "rnn" (tanh; Elman
        1990) or "sru" (Lei et al. 2018).
    depth: number of layers, at least 1.
    bidirectional: read in both directions and concatenate their states (Schuster and Paliwal 1997).
    residual: add each layer's input to its output where the widths match.
    dropout: rate of the locked (variational) dropout on the input of each layer. None follows
        spaCy's `[training] dropout`; a number is fixed.
    word_dropout: rate at which whole words are zeroed in training.
    separate_directions: of a bidirectional encoder of several layers, let each direction read only
        its own states (Peters et al. 2018), which a language model needs. Word dropout then is of
        its own in each direction too.
    mixed_precision: no effect; true gives a warning. Configs of earlier versions have this option.

    Returns a model that maps (n_tokens, nI) to (n_tokens, width) per document; nI is inferred.
    Raises ValueError for an option out of its range.
    """
    check_int("width", width, 1, WIDEST)
    check_int("depth", depth, 1, DEEPEST)
    if dropout is not None:
        check_rate("dropout", dropout)
    check_rate("word_dropout", word_dropout)
    if mixed_precision:
        warnings.warn(
            "`mixed_precision = true` of the encoder has no effect, as lower precision made it no "
            "faster: set it to false.",
            stacklevel=2,
        )
    options = {"residual": residual, "dropout": dropout, "word_dropout": word_dropout}
    if separate_directions:
        if not bidirectional or width % 2:
            raise ConfigError(
                "separate_directions",
                True,
                "`separate_directions = true` needs two directions of the same width: set "
                "`bidirectional = true` and `width` to an even number.",
            )
        stacks = [_stack(cell, width // 2, depth, False, **options) for _ in range(2)]
        encoder = with_packed(SeparateDirections(*stacks))
    else:
        encoder = with_packed(_stack(cell, width, depth, bidirectional, **options))
    encoder.attrs["bidirectional"] = bidirectional
    return encoder


def _stack(
    cell: str, width: int, depth: int, bidirectional: bool, **options: Any
) -> Model[Packed, Packed]:
    layers = [
        RNN(cell=cell, nO=width, nI=width if i else None, bidirectional=bidirectional)
        for i in range(depth)
    ]
    return RNNStack(layers, **options)
