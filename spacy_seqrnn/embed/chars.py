"""Words as sequences of characters."""

from collections.abc import Callable

import numpy as np
from spacy.attrs import ORTH
from spacy.tokens import Doc
from thinc.api import Model, Ops
from thinc.types import Ragged

from ..batch.docs import check_docs
from ..batch.packing import split_docs
from ..saved.layers import describe_layer, in_turn
from ..saved.shapes import Layer
from ..types import Floats2d, Ints1d

EMPTY_WORD = "\0"  # placeholder for the empty word, since every word needs a character


def with_chars(
    layer: Model[Ragged, Floats2d], *, max_chars: int
) -> Model[list[Doc], list[Floats2d]]:
    """Run a layer from words as character sequences to word vectors over documents.

    layer: maps `Ragged` of Unicode code points (uint64, shape (n_chars,), one length per word) to
        word vectors of shape (n_words, nO).
    max_chars: longer words keep this many characters, half of them from either end, as the ends of
        a word are the most informative. This bounds the cost of a pasted file or URL.

    Returns a model that maps documents to one (n_tokens, nO) array each.
    """
    return Layer(
        "with_chars",
        forward,
        init=init,
        layers=[layer],
        dims={"nO": layer.get_dim("nO")},
        attrs={"max_chars": max_chars},
    )


def forward(
    model: Model[list[Doc], list[Floats2d]], docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    ops = model.ops
    lengths = [len(doc) for doc in docs]
    if not sum(lengths):
        return split_docs(ops.alloc2f(0, model.get_dim("nO")), lengths), lambda dYs: []
    # Creating tokens costs more than looking up their texts.
    words = [doc.vocab.strings[orth] for doc in docs for orth in doc.to_array(ORTH).tolist()]
    chars = code_points(ops, words, model.attrs["max_chars"])
    Y, backprop_layer = model.layers[0](chars, is_train)

    def backprop(dYs: list[Floats2d]) -> list[Doc]:
        backprop_layer(ops.xp.concatenate(dYs, axis=0))
        return []

    return split_docs(Y, lengths), backprop


describe_layer(forward, width=in_turn)


def code_points(ops: Ops, words: list[str], max_chars: int) -> Ragged:
    """The Unicode code points of the words. Shape (n_chars,), uint64; lengths (n_words,)."""
    words = [_shorten(word, max_chars) or EMPTY_WORD for word in words]
    points = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    lengths: Ints1d = np.fromiter(map(len, words), dtype="int32", count=len(words))
    codes: Ints1d = points.astype("uint64")
    return Ragged(ops.asarray(codes), ops.asarray1i(lengths))


def _shorten(word: str, max_chars: int) -> str:
    if len(word) <= max_chars:
        return word
    tail = max_chars // 2
    return word[: max_chars - tail] + word[len(word) - tail :]


def init(
    model: Model[list[Doc], list[Floats2d]],
    X: list[Doc] | None = None,
    Y: list[Floats2d] | None = None,
) -> None:
    check_docs(model.name, X)
    model.layers[0].initialize()
