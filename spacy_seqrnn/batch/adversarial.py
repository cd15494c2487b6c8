"""Adversarial training: learn from embeddings that are moved a little against the model.

Goodfellow et al. 2015; for the embeddings of texts Miyato et al. 2017. What is learned depends less
on single numbers of an embedding, and more holds for words that the training data lack.
"""

from collections.abc import Callable, Iterator

from thinc.api import Ops

from ..types import Floats2d
from .packed import Packed


def against_the_model(
    ops: Ops, X: Packed, add_gradient: Callable[[Packed], None], distance: float
) -> Iterator[tuple[Packed, Callable[[Packed], None]]]:
    """Yield embeddings, and then, if there is a distance, moved ones, each with its backward pass.

    The second ones need the gradient that the first backward pass is given.

    X: the embeddings. Shape (n_tokens, width).
    add_gradient: the backward pass of either.
    """
    gradients: list[Packed] = []

    def backprop(dX: Packed) -> None:
        gradients.append(dX)
        add_gradient(dX)

    yield X, backprop
    if distance:
        yield Packed(move(ops, X, gradients[0], distance), X.packing), add_gradient


def move(ops: Ops, X: Packed, gradient: Packed, distance: float) -> Floats2d:
    """Embeddings moved in the direction in which the loss of each document grows fastest.

    distance: how far, as a share of the Euclidean norm of all embeddings of the document.

    Returns the moved embeddings. Shape (n_tokens, width).
    """
    xp, embedded = ops.xp, X.data
    docs = xp.asarray(X.packing.rank_of_row)
    n_docs = X.packing.n_sequences
    norms = [_norms(ops, array, docs, n_docs) for array in (embedded, gradient.data)]
    shares: Floats2d = distance * norms[0] / xp.maximum(norms[1], xp.finfo("float32").tiny)
    moved: Floats2d = embedded + shares[docs] * gradient.data
    return moved


def _norms(ops: Ops, X: Floats2d, docs: Floats2d, n_docs: int) -> Floats2d:
    """The Euclidean norm of each document's rows. Shape (n_docs, 1)."""
    squares = ops.alloc2f(n_docs, 1)
    ops.scatter_add(squares, ops.asarray1i(docs), (X**2).sum(axis=1, keepdims=True))
    norms: Floats2d = ops.xp.sqrt(squares)
    return norms
