"""Attention against its formula, token by token, and its backward pass against differences."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.rnn.cells import Tensors
from spacy_seqrnn.seq2seq.attention import ATTENTIONS, attend, attend_back
from spacy_seqrnn.seq2seq.memory import Memory, find_outside, find_places, lay_out, pick_up

LENGTHS = [3, 0, 1, 2, 7]
V, A, Q = 5, 4, 2
NAMES = list(ATTENTIONS)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def make_memory(lengths: list[int], *, behind: float = 0.0) -> Memory:
    """behind: what is in the places behind the ends of documents."""
    packing = make_packing(lengths)
    places = find_places(packing, np.arange(len(lengths)))
    n = packing.n_tokens
    values = lay_out(normal(n, V, seed=1)[places.rows], places)
    keys = lay_out(normal(n, A, seed=2)[places.rows], places)
    outside = find_outside(places, values.device)
    values[outside], keys[outside] = behind, behind
    return Memory(values, keys, outside)


def make_weights(name: str) -> Tensors:
    arrays = ATTENTIONS[name].arrays.items()
    return {array: normal(*[A] * n_axes, seed=3) for array, n_axes in arrays}


def score(name: str, weights: Tensors, key: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
    """The formula of a score."""
    if name == "dot":
        product: torch.Tensor = torch.dot(key, query)
        return product / math.sqrt(A)
    return weights["vector"] @ torch.tanh(key + weights["query_weights"] @ query)


def by_formula(
    name: str, weights: Tensors, memory: Memory, queries: torch.Tensor, lengths: list[int]
) -> list[Any]:
    """Weights and context of each query, one document after the other."""
    found = []
    for doc, length in enumerate(lengths):
        for query in queries[doc]:
            keys, values = memory.keys[doc, :length], memory.values[doc, :length]
            if not length:
                found.append((torch.zeros(0), 0.0 * query.new_zeros(V)))
                continue
            scores = torch.stack([score(name, weights, key, query) for key in keys])
            shares = torch.softmax(scores, 0)
            found.append((shares, shares @ values))
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lengths", [[0], [1], [2], [3], [0, 0], LENGTHS])
def test_weights_and_contexts_are_those_of_the_formula(name: str, lengths: list[int]) -> None:
    weights, memory = make_weights(name), make_memory(lengths)
    queries = normal(len(lengths), Q, A)
    shares, contexts = attend(ATTENTIONS[name], weights, memory, queries)
    expected = by_formula(name, weights, memory, queries, lengths)
    assert shares.shape == (len(lengths), Q, max(lengths))
    for number, (of_query, context) in enumerate(expected):
        doc, query = divmod(number, Q)
        length = lengths[doc]
        torch.testing.assert_close(shares[doc, query, :length], of_query.to(shares.dtype))
        assert not shares[doc, query, length:].any()
        torch.testing.assert_close(contexts[doc, query], context)


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_of_a_text_sum_to_one(name: str) -> None:
    shares, _ = attend(
        ATTENTIONS[name], make_weights(name), make_memory(LENGTHS), normal(len(LENGTHS), Q, A)
    )
    expected = (torch.tensor(LENGTHS) > 0).double()[:, None].expand(-1, Q)
    torch.testing.assert_close(shares.sum(2), expected)


def run_back(name: str, memory: Memory, queries: torch.Tensor) -> dict[str, torch.Tensor]:
    weights = make_weights(name)
    shares, _ = attend(ATTENTIONS[name], weights, memory, queries)
    d_memory = Memory(
        torch.zeros_like(memory.values), torch.zeros_like(memory.keys), memory.outside
    )
    gradients = {array: torch.zeros_like(value) for array, value in weights.items()}
    d_contexts = normal(len(queries), Q, V, seed=4)
    d_queries = attend_back(
        ATTENTIONS[name], weights, memory, queries, shares, d_contexts, d_memory, gradients
    )
    return {
        **{"queries": d_queries, "values": d_memory.values, "keys": d_memory.keys},
        **gradients,
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lengths", [[0], [1], [2], [3], LENGTHS])
def test_gradients_equal_finite_differences(name: str, lengths: list[int]) -> None:
    memory, queries = make_memory(lengths), normal(len(lengths), Q, A)
    weights = make_weights(name)
    found = run_back(name, memory, queries)
    d_contexts = normal(len(lengths), Q, V, seed=4)

    def loss() -> float:
        return float((attend(ATTENTIONS[name], weights, memory, queries)[1] * d_contexts).sum())

    tensors = {"queries": queries, "values": memory.values, "keys": memory.keys, **weights}
    assert found.keys() == tensors.keys()
    step = 1e-6
    for array, tensor in tensors.items():
        flat, gradient = tensor.view(-1), found[array].reshape(-1)
        for i in range(len(flat)):
            before = float(flat[i])
            flat[i] = before + step
            up = loss()
            flat[i] = before - step
            down = loss()
            flat[i] = before
            assert float(gradient[i]) == pytest.approx((up - down) / (2 * step), abs=1e-7), array


@pytest.mark.parametrize("name", NAMES)
def test_what_is_behind_the_end_of_a_text_counts_for_nothing(name: str) -> None:
    """Neither in weights and contexts nor in any gradient."""
    queries = normal(len(LENGTHS), Q, A)
    memories = [make_memory(LENGTHS, behind=behind) for behind in (0.0, 1e6)]
    weights = make_weights(name)
    clean, dirty = (attend(ATTENTIONS[name], weights, memory, queries) for memory in memories)
    for one, other in zip(clean, dirty, strict=True):
        assert torch.equal(one, other)
    gradients = [run_back(name, memory, queries) for memory in memories]
    outside = memories[0].outside
    for array, expected in gradients[0].items():
        assert torch.equal(expected, gradients[1][array]), array
        if array in ("keys", "values"):
            assert not expected[outside].any()


@pytest.mark.parametrize("name", NAMES)
def test_alone_as_in_a_batch(name: str) -> None:
    memory, queries = make_memory(LENGTHS), normal(len(LENGTHS), Q, A)
    _, together = attend(ATTENTIONS[name], make_weights(name), memory, queries)
    for doc, length in enumerate(LENGTHS):
        alone = Memory(
            *(each[doc : doc + 1, :length] for each in (memory.values, memory.keys, memory.outside))
        )
        _, contexts = attend(ATTENTIONS[name], make_weights(name), alone, queries[doc : doc + 1])
        torch.testing.assert_close(contexts[0], together[doc], atol=1e-12, rtol=0)


def test_a_memory_has_each_token_once() -> None:
    """For any order of the documents, and back again."""
    packing = make_packing(LENGTHS)
    docs = np.asarray([4, 1, 0, 3])
    places = find_places(packing, docs)
    doc_major = np.arange(packing.n_tokens)
    tokens = torch.from_numpy(doc_major[packing.to_packed].astype("f")[:, None])
    rows = tokens[places.rows]
    laid_out = lay_out(rows, places)
    assert laid_out[:, :, 0].tolist() == [
        [6, 7, 8, 9, 10, 11, 12],
        [0] * 7,
        [0, 1, 2, 0, 0, 0, 0],
        [4, 5, 0, 0, 0, 0, 0],
    ]
    assert torch.equal(pick_up(laid_out, places), rows)
    assert (~find_outside(places, rows.device)).sum(1).tolist() == [7, 0, 3, 2]
