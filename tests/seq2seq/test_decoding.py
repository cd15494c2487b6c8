"""Greedy and beam search against the enumeration of all outputs."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from thinc.api import Model

from spacy_seqrnn.batch.packed import Packed, pack, unpack
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.seq2seq import batches, choosing
from spacy_seqrnn.seq2seq.decoding import Search, search
from spacy_seqrnn.seq2seq.hypotheses import Hypothesis
from spacy_seqrnn.seq2seq.softmax import log_probabilities
from spacy_seqrnn.seq2seq.training import score_targets
from spacy_seqrnn.seq2seq.vocab import END, N_SPECIAL, UNKNOWN
from spacy_seqrnn.types import FloatsXd

from .decoders import KINDS, make_decoder, make_source

LENGTHS = [3, 1, 0, 2, 5]
N_UNITS, MOST = 5, 3  # three units, and the special ones: 40 outputs


def decoder_of(**options: Any) -> Model[Any, Any]:
    """Weights that are large enough for outputs of all lengths to be the best of some source."""
    return make_decoder(N_UNITS, noise=1.0, **options)


def bounds(source: Packed, most: int = MOST) -> np.ndarray:
    return np.full(len(source.packing.lengths), most)


def all_outputs(
    members: list[tuple[Model[Any, Any], Any]], most: int, alpha: float
) -> list[Hypothesis]:
    """Every output of a source, the best first. members: decoders and states of the source."""
    units = range(N_SPECIAL, N_UNITS)
    outputs = [list(each) for n in range(most + 1) for each in product(units, repeat=n)]
    targets = [np.asarray(each, dtype="int64") for each in outputs]
    scores = [
        score_targets(decoder, pack(decoder.ops, [states] * len(outputs)), targets)
        for decoder, states in members
    ]
    found = []
    for output, of_members in zip(outputs, zip(*scores, strict=True), strict=True):
        total = float(np.log(np.mean(np.exp(of_members), axis=0)).sum())
        penalty = ((5 + len(output) + 1) / 6) ** alpha
        found.append(Hypothesis(output, total, total / penalty))
    return sorted(found, key=lambda one: one.score, reverse=True)


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [one.units for one in found] == [one.units for one in expected]
    for field in ("log_probability", "score"):
        np.testing.assert_allclose(
            [getattr(one, field) for one in found],
            [getattr(one, field) for one in expected],
            atol=1e-5,
        )


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("most", [0, 1, MOST])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_a_beam_of_all_outputs_finds_the_best(alpha: float, most: int, k: int) -> None:
    decoder, source = decoder_of(), make_source(LENGTHS)
    how = Search(beam=50, length_penalty=alpha, k=k)
    for states, found in zip(
        unpack(decoder.ops, source),
        search([(decoder, source)], bounds(source, most), how),
        strict=True,
    ):
        assert_same(found, all_outputs([(decoder, states)], most, alpha)[:k])


@pytest.mark.parametrize("attention", KINDS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_and_attention(attention: str, cell: str) -> None:
    decoder, source = decoder_of(attention=attention, cell=cell, depth=2), make_source(LENGTHS)
    for states, found in zip(
        unpack(decoder.ops, source),
        search([(decoder, source)], bounds(source), Search(beam=50, k=50)),
        strict=True,
    ):
        assert_same(found, all_outputs([(decoder, states)], MOST, 0.6))


def test_several_decoders_average_their_probabilities() -> None:
    """Of each unit; decoders and encoders may differ in anything but the units."""
    decoders = [decoder_of(), decoder_of(cell="lstm", width=5, attention="additive")]
    sources = [make_source(LENGTHS), make_source(LENGTHS, seed=2)]
    members = list(zip(decoders, sources, strict=True))
    found = search(members, bounds(sources[0]), Search(beam=50, k=50))
    alone = search(members[:1], bounds(sources[0]), Search(beam=50, k=50))
    states = zip(*(unpack(decoder.ops, source) for decoder, source in members), strict=True)
    for of_doc, other, of_source in zip(found, alone, states, strict=True):
        pairs = list(zip(decoders, of_source, strict=True))
        assert_same(of_doc, all_outputs(pairs, MOST, 0.6))
        assert [one.units for one in of_doc] != [one.units for one in other]


def test_the_best_outputs_differ_in_length() -> None:
    """Or the tests above would not tell much."""
    decoder, source = decoder_of(), make_source(LENGTHS)
    best = [found[0] for found in search([(decoder, source)], bounds(source), Search(beam=50))]
    assert len({len(one.units) for one in best}) > 1


def greedy(decoder: Model[Any, Any], states: Any, most: int) -> list[int]:
    """One unit at a time, each the most probable one behind those before."""
    written: list[int] = []
    while len(written) < most:
        choices = [END, *range(N_SPECIAL, N_UNITS)]
        behind = [np.asarray([*written, unit], dtype="int64") for unit in choices]
        many = pack(decoder.ops, [states] * len(choices))
        scores = [
            float(of_units[len(written)]) for of_units in score_targets(decoder, many, behind)
        ]
        best = choices[int(np.argmax(scores))]
        if best == END:
            break
        written.append(best)
    return written


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_beam_of_one_is_greedy(alpha: float) -> None:
    decoder, source = decoder_of(), make_source(LENGTHS * 3)
    found = search([(decoder, source)], bounds(source, 6), Search(beam=1, length_penalty=alpha))
    for states, (one,) in zip(unpack(decoder.ops, source), found, strict=True):
        assert one.units == greedy(decoder, states, 6)


def beam_by_the_book(
    decoder: Model[Any, Any], states: Any, most: int, how: Search
) -> list[Hypothesis]:
    """Beam search with lists, one hypothesis at a time."""
    live: list[tuple[list[int], float]] = [([], 0.0)]
    ended: list[Hypothesis] = []
    for step in range(most + 1):
        choices = [END] if step == most else [END, *range(N_SPECIAL, N_UNITS)]
        ahead = [([*units, unit], total) for units, total in live for unit in choices]
        if not ahead:
            break
        many = pack(decoder.ops, [states] * len(ahead))
        targets = [np.asarray(units, dtype="int64") for units, _ in ahead]
        scores = score_targets(decoder, many, targets)
        totals = [
            (units, total + float(of_units[step]))
            for (units, total), of_units in zip(ahead, scores, strict=True)
        ]
        totals.sort(key=lambda one: one[1], reverse=True)
        live = []
        for units, total in totals[: how.beam - len(ended)]:
            if units[-1] == END:
                penalty = ((5 + len(units)) / 6) ** how.length_penalty
                ended.append(Hypothesis(units[:-1], total, total / penalty))
            else:
                live.append((units, total))
    return sorted(ended, key=lambda one: one.score, reverse=True)[: how.k]


@settings(max_examples=30)
@given(
    beam=st.integers(1, 8),
    k=st.integers(1, 8),
    alpha=st.floats(0, 2),
    most=st.integers(0, 5),
    length=st.integers(0, 6),
)
def test_any_beam(beam: int, k: int, alpha: float, most: int, length: int) -> None:
    decoder, source = decoder_of(), make_source([length])
    how = Search(beam=beam, length_penalty=alpha, k=min(beam, k))
    (found,) = search([(decoder, source)], bounds(source, most), how)
    (states,) = unpack(decoder.ops, source)
    assert_same(found, beam_by_the_book(decoder, states, most, how))


@pytest.mark.parametrize("beam", [1, 2, 4])
def test_the_result_does_not_depend_on_the_batch(
    beam: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder, source = decoder_of(cell="lstm"), make_source(LENGTHS * 4)
    most = np.arange(len(LENGTHS) * 4) % 7
    how = Search(beam=beam, k=beam)
    together = search([(decoder, source)], most, how)
    for states, bound, found in zip(unpack(decoder.ops, source), most, together, strict=True):
        (alone,) = search([(decoder, pack(decoder.ops, [states]))], np.asarray([bound]), how)
        assert_same(alone, found)
    monkeypatch.setattr(batches, "MOST_PLACES", 40)
    for one, other in zip(search([(decoder, source)], most, how), together, strict=True):
        assert_same(one, other)


def test_the_log_probability_is_that_of_the_output() -> None:
    decoder, source = decoder_of(), make_source(LENGTHS)
    best = [found[0] for found in search([(decoder, source)], bounds(source, 20), Search(beam=3))]
    targets = [np.asarray(one.units, dtype="int64") for one in best]
    scores = [float(each.sum()) for each in score_targets(decoder, source, targets)]
    np.testing.assert_allclose([one.log_probability for one in best], scores, atol=1e-4)


def test_the_unknown_unit_is_never_written_and_outputs_end() -> None:
    decoder, source = decoder_of(), make_source(LENGTHS)
    bias: FloatsXd = decoder.get_param("output_bias")
    bias[UNKNOWN], bias[END] = 100.0, -100.0
    for found in search([(decoder, source)], bounds(source, 8), Search(beam=3, k=3)):
        assert {len(one.units) for one in found} == {8}
        for one in found:
            assert not {UNKNOWN, END} & set(one.units)


def test_a_longer_output_wins_with_a_larger_penalty() -> None:
    decoder, source = decoder_of(), make_source(LENGTHS * 2)
    lengths = [
        [len(found[0].units) for found in search([(decoder, source)], bounds(source), how)]
        for how in (Search(beam=50, length_penalty=0.0), Search(beam=50, length_penalty=5.0))
    ]
    assert sum(lengths[0]) < sum(lengths[1])


def test_no_documents() -> None:
    assert search([(decoder_of(), make_source([]))], np.zeros(0, dtype="int64"), Search()) == []


def test_work_ends_with_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step computes only what can still become better, and nothing after the last end."""
    decoder, source = decoder_of(), make_source([3, 4])
    bias: FloatsXd = decoder.get_param("output_bias")
    bias[END] = 50.0
    rows = []

    def recorded(weights: Any, bias: Any, x: torch.Tensor) -> torch.Tensor:
        rows.append(len(x))
        return log_probabilities(weights, bias, x)

    monkeypatch.setattr(choosing, "log_probabilities", recorded)
    found = search([(decoder, source)], bounds(source, 1000), Search(beam=4))
    assert [one.units for (one,) in found] == [[], []]
    assert rows == [8]
