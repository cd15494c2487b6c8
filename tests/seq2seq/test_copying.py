"""The mixture of a decoder that copies, against sums over all source tokens."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import Model

from spacy_seqrnn.batch.packed import Packed, pack, unpack
from spacy_seqrnn.seq2seq.decoding import Search, search
from spacy_seqrnn.seq2seq.training import score_targets, train_decoder
from spacy_seqrnn.seq2seq.vocab import END, N_SPECIAL

from .decoders import make_decoder, make_source
from .formulas import by_formula
from .test_decoder import check_all, taken_gradients

N_UNITS = 5
# The unit of each source token; those from N_UNITS on are not in the vocabulary.
SOURCES = [[3, 5, 6], [2], [5, 5, 4, 0], [6, 2, 2, 5, 3, 2]]
# Units of the vocabulary and of the source alike, some of which are both
TARGETS = [[5, 3, 6, 4], [], [0, 5, 2], [2, 6, 3]]


def make_copier(**options: Any) -> Model[Any, Any]:
    return make_decoder(N_UNITS, noise=0.7, copy=True, **options)


def make_batch() -> tuple[Packed, np.ndarray, list[np.ndarray]]:
    """States of the sources, the units of their tokens, and targets."""
    source = make_source([len(units) for units in SOURCES])
    return source, np.concatenate(SOURCES), [np.asarray(units, dtype="int64") for units in TARGETS]


def mixture(decoder: Any, states: Any, source: list[int], target: np.ndarray) -> torch.Tensor:
    """The probability of all units before each unit of a target: a sum over all source tokens."""
    read = np.where(target < N_UNITS, target, 0)  # others are read as the unknown unit
    found = by_formula(decoder, states, read)
    weights, bias = (torch.from_numpy(decoder.get_param(f"gate_{n}")) for n in ("weights", "bias"))
    rows = torch.zeros(len(target) + 1, max([N_UNITS - 1, *source]) + 1)
    for row, joint, shares, log_softmax in zip(
        rows, found.joints, found.shares, found.log_probabilities, strict=True
    ):
        gate = float(torch.sigmoid(weights @ joint + bias))
        for unit in range(N_UNITS):
            row[unit] += gate * float(log_softmax[unit].exp())
        for share, unit in zip(shares.tolist(), source, strict=True):
            row[unit] += (1.0 - gate) * share
    return rows


@pytest.mark.parametrize("attention", ["dot", "additive"])
@pytest.mark.parametrize("tied", [False, True])
def test_probabilities_are_sums_over_the_source(attention: str, tied: bool) -> None:
    decoder = make_copier(attention=attention, tied=tied, embed_width=8)
    source, copied, targets = make_batch()
    found = score_targets(decoder, source, targets, copied)
    for states, units, target, own in zip(
        unpack(decoder.ops, source), SOURCES, targets, found, strict=True
    ):
        rows = mixture(decoder, states, units, target)
        torch.testing.assert_close(rows.sum(1), torch.ones(len(rows)))
        expected = rows[range(len(rows)), [*target.tolist(), END]].log()
        np.testing.assert_allclose(own, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("options", [{}, {"attention": "additive", "cell": "lstm", "depth": 2}])
def test_gradients_equal_finite_differences(smoothing: float, options: dict[str, Any]) -> None:
    decoder = make_copier(label_smoothing=smoothing, **options)
    source, copied, targets = make_batch()
    _, d_source = train_decoder(decoder, source, targets, 0.5, copied)
    found = taken_gradients(decoder)

    def loss() -> float:
        return 0.5 * train_decoder(decoder, source, targets, 0.5, copied)[0]

    check_all(loss, found, source, d_source)


def test_the_loss_is_that_of_the_mixture_and_the_smoothed_softmax() -> None:
    source, copied, targets = make_batch()
    decoder = make_copier()
    loss, _ = train_decoder(decoder, source, targets, 1.0, copied)
    scores = np.concatenate(score_targets(decoder, source, targets, copied))
    assert loss == pytest.approx(-float(scores.sum()), rel=1e-5)
    smoothed = make_copier(label_smoothing=0.3)
    loss, _ = train_decoder(smoothed, source, targets, 1.0, copied)
    states = unpack(decoder.ops, source)
    uniform = 0.0
    for each, target in zip(states, targets, strict=True):
        read = np.where(target < N_UNITS, target, 0)
        uniform += float(by_formula(decoder, each, read).log_probabilities.mean(1).sum())
    assert loss == pytest.approx(-0.7 * float(scores.sum()) - 0.3 * uniform, rel=1e-5)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_a_beam_of_all_outputs_finds_the_best(most: int) -> None:
    """Outputs of all units of the vocabulary and of the document's own source, and no others."""
    decoder = make_copier()
    source, copied, _ = make_batch()
    how = Search(beam=60, k=60)
    bounds = np.full(len(SOURCES), most)
    found = search([(decoder, source)], bounds, how, copied)
    for states, units, own in zip(unpack(decoder.ops, source), SOURCES, found, strict=True):
        choices = sorted({*range(N_SPECIAL, N_UNITS), *units} - {0})
        outputs = [list(each) for n in range(most + 1) for each in product(choices, repeat=n)]
        targets = [np.asarray(each, dtype="int64") for each in outputs]
        many = pack(decoder.ops, [states] * len(outputs))
        scores = score_targets(decoder, many, targets, np.asarray(units * len(outputs)))
        expected = {
            tuple(output): float(of_units.sum()) / ((5 + len(output) + 1) / 6) ** 0.6
            for output, of_units in zip(outputs, scores, strict=True)
        }
        assert {tuple(one.units) for one in own} == set(expected)
        assert [one.score for one in own] == sorted((one.score for one in own), reverse=True)
        for one in own:
            assert one.score == pytest.approx(expected[tuple(one.units)], abs=1e-5)


def test_a_batch_changes_nothing() -> None:
    decoder = make_copier()
    source, copied, targets = make_batch()
    how, bounds = Search(beam=3, k=3), np.full(len(SOURCES), 5)
    together = search([(decoder, source)], bounds, how, copied)
    scores = score_targets(decoder, source, targets, copied)
    for doc, states in enumerate(unpack(decoder.ops, source)):
        alone, units = pack(decoder.ops, [states]), np.asarray(SOURCES[doc])
        (found,) = search([(decoder, alone)], bounds[:1], how, units)
        assert [one.units for one in found] == [one.units for one in together[doc]]
        (own,) = score_targets(decoder, alone, [targets[doc]], units)
        np.testing.assert_allclose(own, scores[doc], atol=1e-5)


def test_weights_that_are_too_small_for_a_float() -> None:
    """The loss stays finite, and tells the attention where to go."""
    decoder = make_copier()
    keys: Any = decoder.get_param("key_weights")
    keys *= 1e4
    source, copied, targets = make_batch()
    loss, d_source = train_decoder(decoder, source, targets, 1.0, copied)
    assert np.isfinite(loss)
    assert np.isfinite(d_source.data).all()
