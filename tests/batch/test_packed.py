from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Model, NumpyOps
from thinc.types import Ragged

from spacy_seqrnn.batch.distinct import DistinctRows
from spacy_seqrnn.batch.packed import (
    Packed,
    pack,
    pack_distinct,
    take_rows,
    unpack,
    with_packed,
)
from spacy_seqrnn.batch.packing import make_packing, split_docs
from spacy_seqrnn.types import Floats2d, Ints1d

lengths_of_docs = st.lists(st.integers(0, 12), max_size=9)


@given(lengths_of_docs)
def test_layout_is_that_of_torch(lengths: list[int]) -> None:
    """For documents with tokens, the layout is PackedSequence's own."""
    torch = pytest.importorskip("torch")
    packing = make_packing(lengths)
    nonempty = [length for length in lengths if length]
    assert packing.n_tokens == sum(lengths)
    assert packing.n_sequences == len(nonempty)
    if nonempty:
        values = torch.arange(float(sum(lengths)))
        expected = torch.nn.utils.rnn.pack_sequence(
            torch.split(values, nonempty), enforce_sorted=False
        )
        # torch may order equal lengths in any way; the sizes of the steps are fixed.
        assert packing.size_at_t.tolist() == expected.batch_sizes.tolist()


@given(lengths_of_docs)
def test_every_token_has_its_row(lengths: list[int]) -> None:
    packing = make_packing(lengths)
    position = np.concatenate([np.arange(n) for n in lengths] or [np.zeros(0, int)])
    doc = np.repeat(np.arange(len(lengths)), lengths)
    assert packing.from_packed[packing.to_packed].tolist() == list(range(sum(lengths)))
    step = np.repeat(np.arange(len(packing.size_at_t)), packing.size_at_t)
    assert position[packing.to_packed].tolist() == step.tolist()
    assert packing.ranks[doc[packing.to_packed]].tolist() == packing.rank_of_row.tolist()
    # Longest first: a rank never belongs to a longer document than the rank before it.
    by_rank = np.asarray(lengths, int)[np.argsort(packing.ranks)]
    assert (np.diff(by_rank) <= 0).all()


@given(lengths_of_docs)
def test_per_doc_restores_batch_order(lengths: list[int]) -> None:
    packing = make_packing(lengths)
    ranked = np.sort(np.asarray([n for n in lengths if n], dtype=float))[::-1]
    assert packing.per_doc(ranked, empty=0.0).tolist() == [float(n) for n in lengths]


def test_split_docs_gives_views() -> None:
    X = np.arange(6.0).reshape(6, 1)
    docs = split_docs(X, [2, 0, 4])
    assert [len(doc) for doc in docs] == [2, 0, 4]
    assert all(np.shares_memory(X, doc) for doc in docs if len(doc))


def _reverse_rows(
    model: Model[Any, Any], X: Packed, is_train: bool
) -> tuple[Packed, Callable[..., Any]]:
    """A layer that depends on the order of the rows: it adds the row number."""
    rows = np.arange(len(X.data), dtype="f")[:, None]
    return type(X)(X.data + rows, X.packing), lambda dY: type(dY)(dY.data * 2, dY.packing)


def _numbering() -> Model[Any, Any]:
    return with_packed(Model("numbering", _reverse_rows, dims={"nI": 1, "nO": 1}))


def test_with_packed_works_on_packed_rows() -> None:
    Xs = [np.zeros((n, 1), dtype="f") for n in (2, 0, 3)]
    Ys, backprop = _numbering()(Xs, is_train=True)
    # Longest document first, time step after time step.
    assert [Y.ravel().tolist() for Y in Ys] == [[1.0, 3.0], [], [0.0, 2.0, 4.0]]
    dXs = backprop([np.full(Y.shape, i, dtype="f") for i, Y in enumerate(Ys)])
    assert [dX.ravel().tolist() for dX in dXs] == [[0.0, 0.0], [], [4.0, 4.0, 4.0]]


def test_with_packed_takes_ragged_too() -> None:
    features: Floats2d = np.zeros((5, 1), dtype="f")
    lengths: Ints1d = np.asarray([2, 0, 3], dtype="i")
    X = Ragged(features, lengths)
    Y, backprop = _numbering()(X, is_train=True)
    assert Y.dataXd.ravel().tolist() == [1.0, 3.0, 0.0, 2.0, 4.0]
    assert backprop(Y).dataXd.ravel().tolist() == [2.0, 6.0, 0.0, 4.0, 8.0]


@pytest.mark.parametrize("lengths", [[], [0], [0, 0]])
def test_with_packed_without_tokens(lengths: list[int]) -> None:
    Xs = [np.zeros((n, 1), dtype="f") for n in lengths]
    Ys, backprop = _numbering()(Xs, is_train=True)
    assert [Y.shape for Y in Ys] == [(0, 1) for _ in lengths]
    assert [dX.shape for dX in backprop(Ys)] == [(0, 1) for _ in lengths]


def test_take_rows_is_a_gather() -> None:
    X = np.arange(4.0)[:, None]
    assert take_rows(NumpyOps(), X, np.asarray([3, 0])).ravel().tolist() == [3.0, 0.0]


@given(lengths_of_docs)
def test_reversed_rows_and_previous_follow_each_document(lengths: list[int]) -> None:
    packing = make_packing(lengths)
    docs = np.repeat(np.arange(len(lengths)), lengths)
    steps = np.concatenate([np.arange(n) for n in lengths] or [np.zeros(0, int)])
    doc_of, step_of = docs[packing.to_packed], steps[packing.to_packed]
    sizes = np.asarray(lengths, dtype="int64")
    reversed_rows, previous = packing.reversed_rows, packing.previous
    assert (doc_of[reversed_rows] == doc_of).all()
    assert (step_of[reversed_rows] == sizes[doc_of] - 1 - step_of).all()
    later = previous >= 0
    assert (later == (step_of > 0)).all()
    assert (doc_of[previous[later]] == doc_of[later]).all()
    assert (step_of[previous[later]] == step_of[later] - 1).all()


@given(lengths_of_docs)
def test_unpacked_is_what_was_packed(lengths: list[int]) -> None:
    X: Floats2d = np.random.default_rng(0).normal(size=(sum(lengths), 2)).astype("float32")
    ops = NumpyOps()
    packed = pack(ops, split_docs(X, lengths))
    np.testing.assert_array_equal(packed.packing.lengths, lengths)
    for Y, expected in zip(unpack(ops, packed), split_docs(X, lengths), strict=True):
        np.testing.assert_array_equal(Y, expected)
    sizes: Ints1d = np.asarray(lengths, dtype="i")
    as_ragged = pack(ops, Ragged(X, sizes))
    if lengths:
        np.testing.assert_array_equal(as_ragged.data, packed.data)


@given(st.lists(st.integers(0, 5), min_size=32, max_size=50))
def test_words_that_are_the_same_are_found(lengths: list[int]) -> None:
    """In batches that are large enough for it to pay, without changing the features."""
    table = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    Xs = split_docs(table[np.arange(sum(lengths)) % 5], lengths)
    expected, found = pack(NumpyOps(), Xs), pack_distinct(NumpyOps(), Xs)
    np.testing.assert_array_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.doc_major(), expected.doc_major())
    worth_it = np.count_nonzero(lengths) >= 32 and sum(lengths) >= 10
    assert isinstance(found.features, DistinctRows) == worth_it
    assert pack_distinct(NumpyOps(), Xs[:31]).distinct is None
