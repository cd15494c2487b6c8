"""The best tag sequences of a linear chain."""

from dataclasses import replace
from typing import Any

import numpy as np
from thinc.util import get_array_module

from ..types import Floats2d, Ints1d
from .chain import LinearChain
from .recursion import log_partition
from .transitions import HELD_PAIRS, MaxProduct

# With more tags, the scores of all pairs of tags do not fit into a core's cache.
BLOCK_DOCS = 96


def viterbi(chain: LinearChain) -> Ints1d:
    """The most probable tag sequence of each document (Viterbi 1967).

    Returns one tag per token in packed order, shape (n_tokens,).
    """
    # Emissions are copied once: with many tags they need most of the memory.
    best = chain.xp.array(chain.emissions, dtype="float64")
    chain = replace(chain, emissions=best).as_float64()
    _best_beginnings(chain, best)
    return _walk_back(chain, best)


def _best_beginnings(chain: LinearChain, best: Floats2d) -> None:
    """Replace emissions by the score of the best prefix that ends in each tag at each token.

    best: shape (n_tokens, n_tags), changed in place.
    """
    best[: chain.packing.n_sequences] += chain.start  # (n_sequences, n_tags)
    before = best
    n_docs = max(chain.packing.n_sequences, 1)
    n_docs = min(n_docs, BLOCK_DOCS) if chain.xp is np else n_docs
    mean_docs = min(chain.packing.n_tokens / max(len(chain.packing.size_at_t), 1), n_docs)
    product = MaxProduct(chain.transitions, n_docs, mean_docs)
    for begins, rows in chain.packing.blocks(n_docs):
        now = best[rows]  # (n_docs_at_t, n_tags)
        if not begins:
            product.into(before[: len(now)], now)
        before = now


def _walk_back(chain: LinearChain, best: Floats2d) -> Ints1d:
    """The tags of the best sequences, from the last token to the first."""
    xp = chain.xp
    tags = xp.empty(chain.packing.n_tokens, dtype="int64")
    from_tag = xp.ascontiguousarray(chain.transitions.T)  # from_tag[j, i]: score of i, then j
    after = tags[:0]
    for rows in chain.packing.steps_back():
        now, n_going_on = best[rows], len(after)
        totals = now[:n_going_on] + from_tag[after]  # (n_going_on, n_tags)
        if len(now) > n_going_on:
            totals = xp.concatenate([totals, now[n_going_on:] + chain.end])
        after = tags[rows] = totals.argmax(axis=1)  # (n_docs_at_t,)
    return tags


def k_best(chain: LinearChain, k: int) -> list[list[tuple[float, np.ndarray]]]:
    """The k most probable tag sequences of each document, best first.

    Returns for each document, in batch order, up to k pairs of log probability and tags (shape
    (n_tokens_in_doc,)); fewer if fewer sequences are possible. Meant for inspecting a model, not
    for the speed of a pipeline.
    """
    chain = chain.as_float64()
    partition = log_partition(chain)
    emissions = chain.emissions[chain.xp.asarray(chain.packing.from_packed)]
    results = []
    end = 0
    for i, length in enumerate(chain.packing.lengths.tolist()):
        end += length
        paths = _k_best_of_one(chain, emissions[end - length : end], k)
        results.append([(float(score - partition[i]), tags) for score, tags in paths])
    return results


def _k_best_of_one(chain: LinearChain, emissions: Floats2d, k: int) -> list[tuple[Any, Any]]:
    """The k best (score, tags) of one document. emissions: shape (n_tokens_in_doc, n_tags)."""
    xp = chain.xp
    if not len(emissions):
        return [(0.0, np.zeros(0, dtype="int64"))]
    into = chain.transitions.T
    scores = (chain.start + emissions[0])[:, None]  # (tag, rank among the paths that end in it)
    backpointers = []
    for emission in emissions[1:]:
        held = max(HELD_PAIRS // scores.size, 1)
        parts = [_k_best_into(scores, into[i : i + held], k) for i in range(0, len(into), held)]
        # (n_tags, up to k)
        best, arriving = (xp.concatenate(part) for part in zip(*parts, strict=True))
        backpointers.append((best, scores.shape[1]))
        scores = arriving + emission[:, None]
    totals = (scores + chain.end[:, None]).ravel()  # (n_tags * n_ranks,)
    ranked = xp.argsort(-totals, kind="stable")[:k]
    feasible = [(totals[i], int(i)) for i in ranked if totals[i] > -np.inf]
    return [(score, _k_best_path(i, scores.shape[1], backpointers)) for score, i in feasible]


def _k_best_into(scores: Floats2d, into: Floats2d, k: int) -> tuple[Any, Floats2d]:
    """The k best paths into some tags.

    scores: by previous tag and rank among the paths that end in it.
    into: transitions. Shape (n_some, n_tags).
    Returns the previous tag and its rank, combined in one index, and the score. Shapes (n_some, up
    to k).
    """
    xp = get_array_module(scores)
    # (n_some, n_tags * n_ranks)
    candidates = (scores[None] + into[:, :, None]).reshape(len(into), -1)
    best = xp.argsort(-candidates, axis=1, kind="stable")[:, :k]
    return best, xp.take_along_axis(candidates, best, axis=1)


def _k_best_path(final: int, n_ranks: int, backpointers: list[tuple[Any, int]]) -> np.ndarray:
    tag, rank = divmod(final, n_ranks)
    tags = [tag]
    for best, previous_ranks in reversed(backpointers):
        tag, rank = divmod(int(best[tag, rank]), previous_ranks)
        tags.append(tag)
    return np.asarray(tags[::-1], dtype="int64")
