"""Attention: which source states a decoder state reads, and what it reads of them.

A query is compared with the key of each source token; the softmax of these scores gives weights,
and the sum of the source states with these weights is the context. Shapes: n documents, Q queries
for each of them (one in training, one for each hypothesis in beam search), S source tokens of the
longest document, V the width of a source state, A that of keys and queries.
"""

from typing import ClassVar

import torch

from ..rnn.cells import Tensors
from .memory import Memory


class Attention:
    """A kind of scores: how a query is compared with keys. It has no data of its own.

    arrays: its weights beside those of the keys, and how many axes of A each of them has.
    """

    arrays: ClassVar[dict[str, int]] = {}

    def scores(self, weights: Tensors, keys: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
        """keys: (n, S, A). queries: (n, Q, A). Returns (n, Q, S)."""
        raise NotImplementedError

    def scores_back(
        self,
        weights: Tensors,
        keys: torch.Tensor,
        queries: torch.Tensor,
        d_scores: torch.Tensor,
        d_keys: torch.Tensor,
        gradients: Tensors,
    ) -> torch.Tensor:
        """The backward pass of `scores`.

        d_keys, gradients: what the gradients of the keys and of `arrays` are added to.

        Returns the gradient of the queries, (n, Q, A).
        """
        raise NotImplementedError


class DotProduct(Attention):
    """k · q / √A: the scaled dot product (Luong et al. 2015, Vaswani et al. 2017)."""

    def scores(self, weights: Tensors, keys: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
        return torch.bmm(queries * _scale(keys), keys.transpose(1, 2))

    def scores_back(
        self,
        weights: Tensors,
        keys: torch.Tensor,
        queries: torch.Tensor,
        d_scores: torch.Tensor,
        d_keys: torch.Tensor,
        gradients: Tensors,
    ) -> torch.Tensor:
        d_scores = d_scores * _scale(keys)
        d_keys.baddbmm_(d_scores.transpose(1, 2), queries)
        return torch.bmm(d_scores, keys)


def _scale(keys: torch.Tensor) -> float:
    return float(keys.shape[2] ** -0.5)


class Additive(Attention):
    """v · tanh(k + W q) (Bahdanau et al. 2015).

    The values of tanh are computed again in the backward pass: all of them would take Q * S * A
    numbers for each document.
    """

    arrays: ClassVar[dict[str, int]] = {"query_weights": 2, "vector": 1}

    def scores(self, weights: Tensors, keys: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
        return self._squashed(weights, keys, queries) @ weights["vector"]

    def scores_back(
        self,
        weights: Tensors,
        keys: torch.Tensor,
        queries: torch.Tensor,
        d_scores: torch.Tensor,
        d_keys: torch.Tensor,
        gradients: Tensors,
    ) -> torch.Tensor:
        squashed = self._squashed(weights, keys, queries)  # (n, Q, S, A)
        width = squashed.shape[3]
        gradients["vector"] += d_scores.reshape(-1) @ squashed.reshape(-1, width)
        d_sums = d_scores.unsqueeze(3) * weights["vector"]
        d_sums.addcmul_(d_sums * squashed, squashed, value=-1.0)
        d_keys += d_sums.sum(1)
        d_projected = d_sums.sum(2)  # (n, Q, A)
        flat = d_projected.reshape(-1, width)
        gradients["query_weights"].addmm_(flat.T, queries.reshape(-1, width))
        return d_projected @ weights["query_weights"]

    def _squashed(
        self, weights: Tensors, keys: torch.Tensor, queries: torch.Tensor
    ) -> torch.Tensor:
        projected = queries @ weights["query_weights"].T
        return (keys.unsqueeze(1) + projected.unsqueeze(2)).tanh_()  # (n, Q, S, A)


ATTENTIONS: dict[str, Attention] = {"additive": Additive(), "dot": DotProduct()}


def attend(
    attention: Attention, weights: Tensors, memory: Memory, queries: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Read the memory. queries: (n, Q, A).

    Returns the weights, (n, Q, S), and the contexts, (n, Q, V). The weights of a document without
    tokens are zeros.
    """
    shares = softmax(attention.scores(weights, memory.keys, queries), memory.outside)
    return shares, torch.bmm(shares, memory.values)


def softmax(scores: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
    """The softmax over the tokens of each document. scores: (n, Q, S), which are overwritten."""
    scores.masked_fill_(outside.unsqueeze(1), -torch.inf)
    if not scores.shape[2]:
        return scores
    scores -= scores.amax(2, keepdim=True).clamp_min_(torch.finfo(scores.dtype).min)
    shares = scores.exp_()
    shares /= shares.sum(2, keepdim=True).clamp_min_(torch.finfo(scores.dtype).tiny)
    return shares


def attend_back(
    attention: Attention,
    weights: Tensors,
    memory: Memory,
    queries: torch.Tensor,
    shares: torch.Tensor,
    d_contexts: torch.Tensor,
    d_memory: Memory,
    gradients: Tensors,
    d_copied: torch.Tensor | None = None,
) -> torch.Tensor:
    """The backward pass of `attend`.

    shares: what `attend` returned as weights.
    d_contexts: the gradient of the contexts.
    d_memory: what the gradients of keys and values are added to.
    gradients: what those of the attention's arrays are added to.
    d_copied: the gradient of `shares` that does not come from the contexts, if there is one.

    Returns the gradient of the queries, (n, Q, A).
    """
    d_memory.values.baddbmm_(shares.transpose(1, 2), d_contexts)
    d_shares = torch.bmm(d_contexts, memory.values.transpose(1, 2))  # (n, Q, S)
    if d_copied is not None:
        d_shares += d_copied
    mean = (d_shares * shares).sum(2, keepdim=True)
    d_scores = d_shares.sub_(mean).mul_(shares)
    return attention.scores_back(weights, memory.keys, queries, d_scores, d_memory.keys, gradients)
