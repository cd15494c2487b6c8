"""A decoder under teacher forcing: its formula, gradients, and that batches change nothing."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from thinc.api import Model, fix_random_seed, set_dropout_rate

from spacy_seqrnn.batch.packed import Packed, pack, unpack
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.seq2seq import batches
from spacy_seqrnn.seq2seq.decoder import NONE
from spacy_seqrnn.seq2seq.training import align, score_targets, train_decoder
from spacy_seqrnn.seq2seq.vocab import END
from spacy_seqrnn.types import FloatsXd

from ..gradients import check_gradient
from .decoders import KINDS, N_UNITS, SHAPES, make_batch, make_decoder
from .formulas import by_formula


@pytest.mark.parametrize("attention", KINDS)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("depth", [1, 2])
def test_probabilities_are_those_of_torch(attention: str, cell: str, depth: int) -> None:
    decoder = make_decoder(attention=attention, cell=cell, depth=depth)
    source, targets = make_batch()
    found = score_targets(decoder, source, targets)
    for states, units, own in zip(unpack(decoder.ops, source), targets, found, strict=True):
        expected = by_formula(decoder, states, units).log_probabilities
        right = expected[range(len(units) + 1), [*units.tolist(), END]]
        np.testing.assert_allclose(own, right.numpy(), atol=1e-5)


OPTIONS = [
    *({"attention": "dot", "cell": cell} for cell in CELLS),
    *({"attention": kind, "depth": 2} for kind in ("additive", NONE)),
    {"attention": "dot", "depth": 3, "cell": "lstm"},
    {"tied": True, "embed_width": 8},
    {"label_smoothing": 0.3},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shapes", [SHAPES, [(1, 0)], [(2, 1)], [(0, 2)]], ids=str)
def test_gradients_equal_finite_differences(
    options: dict[str, Any], shapes: list[tuple[int, int]]
) -> None:
    """Of the loss, for all parameters and the source, with everything that can be on."""
    decoder = make_decoder(**options)
    source, targets = make_batch(shapes)
    _, d_source = train_decoder(decoder, source, targets, 0.5)
    found = taken_gradients(decoder)

    def loss() -> float:
        return 0.5 * train_decoder(decoder, source, targets, 0.5)[0]

    check_all(loss, found, source, d_source)


def taken_gradients(decoder: Model[Any, Any]) -> list[tuple[FloatsXd, FloatsXd]]:
    """Each parameter with its gradient, as later calls of the model do not change it."""
    named = [(node, name) for node in decoder.walk() for name in node.param_names]
    return [(node.get_param(name), node.get_grad(name).copy()) for node, name in named]


def check_all(
    loss: Callable[[], float],
    found: list[tuple[FloatsXd, FloatsXd]],
    source: Packed,
    d_source: Packed,
) -> None:
    for values, gradient in found:
        check_gradient(loss, values, gradient, step=3e-3, most=8)
    if source.packing.n_tokens:
        check_gradient(loss, source.data, d_source.data, step=3e-3)


def test_gradients_with_dropout() -> None:
    """The masks are the same for the same random numbers."""
    decoder = make_decoder(cell="lstm", depth=2)
    set_dropout_rate(decoder, 0.4)
    source, targets = make_batch()

    def run() -> tuple[float, Packed]:
        fix_random_seed(3)
        return train_decoder(decoder, source, targets, 1.0)

    without = score_targets(decoder, source, targets)
    found, d_source = run()
    assert found != pytest.approx(-sum(float(each.sum()) for each in without), rel=1e-3)
    gradients = taken_gradients(decoder)
    check_all(lambda: run()[0], gradients, source, d_source)


def test_dropout_is_locked() -> None:
    """With a rate that leaves almost nothing, a target of the same units over and over."""
    decoder = make_decoder()
    set_dropout_rate(decoder, 0.5)
    source, _ = make_batch([(3, 40)])
    fix_random_seed(0)
    losses = {train_decoder(decoder, source, [np.full(40, 3)], 1.0)[0] for _ in range(5)}
    # Independent masks at each of forty steps would average to nearly the same loss.
    assert np.std(list(losses)) > 1.0


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.2}])
def test_the_loss_is_that_of_the_probabilities(options: dict[str, Any]) -> None:
    decoder = make_decoder(**options)
    source, targets = make_batch()
    loss, _ = train_decoder(decoder, source, targets, 1.0)
    smoothing = decoder.attrs["label_smoothing"]
    expected = 0.0
    for states, units in zip(unpack(decoder.ops, source), targets, strict=True):
        rows = by_formula(decoder, states, units).log_probabilities
        wanted = torch.full(rows.shape, smoothing / N_UNITS)
        wanted[range(len(rows)), [*units.tolist(), END]] += 1.0 - smoothing
        expected -= float((wanted * rows).sum())
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("attention", "cell"), [*(("dot", cell) for cell in CELLS), ("additive", "gru"), (NONE, "lstm")]
)
@settings(max_examples=10)
@given(shapes=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9))
def test_alone_as_in_a_batch(attention: str, cell: str, shapes: list[tuple[int, int]]) -> None:
    decoder = make_decoder(attention=attention, cell=cell)
    source, targets = make_batch(shapes)
    scores = score_targets(decoder, source, targets)
    alignments = align(decoder, source, targets)
    _, d_source = train_decoder(decoder, source, targets, 1.0)
    of_docs = [unpack(decoder.ops, each) for each in (source, d_source)]
    for states, d_states, units, score, alignment in zip(
        *of_docs, targets, scores, alignments, strict=True
    ):
        alone = pack(decoder.ops, [states])
        np.testing.assert_allclose(score_targets(decoder, alone, [units])[0], score, atol=1e-5)
        np.testing.assert_allclose(align(decoder, alone, [units])[0], alignment, atol=1e-5)
        _, d_alone = train_decoder(decoder, alone, [units], 1.0)
        np.testing.assert_allclose(d_alone.doc_major(), d_states, atol=1e-5)


@pytest.mark.parametrize("attention", KINDS)
def test_chunks_change_nothing(attention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, targets = make_batch(SHAPES * 3)
    results = []
    for limit in (2**14, 9, 1):
        monkeypatch.setattr(batches, "MOST_PLACES", limit)
        decoder = make_decoder(attention=attention)
        loss, d_source = train_decoder(decoder, source, targets, 1.0)
        gradients = [node.get_grad(name) for node in decoder.walk() for name in node.grad_names]
        scores = np.concatenate(score_targets(decoder, source, targets))
        results.append([loss, d_source.data, scores, *gradients])
    for other in results[1:]:
        for expected, found in zip(results[0], other, strict=True):
            np.testing.assert_allclose(found, expected, atol=2e-5, rtol=1e-5)


@given(lengths=st.lists(st.integers(0, 50), min_size=1, max_size=30), limit=st.integers(1, 200))
def test_chunks_have_each_document_once(lengths: list[int], limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "MOST_PLACES", limit)
        chunks = [chunk.tolist() for chunk in batches.in_chunks(np.asarray(lengths))]
    assert sorted(chain.from_iterable(chunks)) == list(range(len(lengths)))
    for chunk in chunks:
        longest = max(lengths[doc] for doc in chunk)
        assert len(chunk) == 1 or len(chunk) * longest <= limit


def test_alignments_are_weights_of_the_source() -> None:
    decoder = make_decoder()
    source, targets = make_batch()
    for units, length, weights in zip(
        targets, source.packing.lengths, align(decoder, source, targets), strict=True
    ):
        assert weights.shape == (len(units) + 1, length)
        if length:
            np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
    without = make_decoder(attention=NONE)
    assert [each.shape[1] for each in align(without, source, targets)] == [0] * len(targets)


def test_tied_vectors_are_learned_from_both_sides() -> None:
    tied, free = make_decoder(tied=True, embed_width=8), make_decoder(embed_width=8)
    assert "output_weights" not in tied.param_names
    free.set_param("output_weights", tied.get_param("embed").copy())
    for name in tied.param_names:
        free.set_param(name, tied.get_param(name).copy())
    source, targets = make_batch()
    for decoder in (tied, free):
        train_decoder(decoder, source, targets, 1.0)
    both: FloatsXd = tied.get_grad("embed")
    parts: list[FloatsXd] = [free.get_grad(name) for name in ("embed", "output_weights")]
    np.testing.assert_allclose(both, parts[0] + parts[1], atol=1e-5)
