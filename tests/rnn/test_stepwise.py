"""The recurrence over large batches, against torch's own modules."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Model, fix_random_seed

from spacy_seqrnn.batch.distinct import DistinctRows
from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.rnn import stepwise
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.rnn.drivers import prepare
from spacy_seqrnn.rnn.layer import RNN
from spacy_seqrnn.rnn.stepwise import BLOCK_DOCS, FEWEST_DOCS, n_better_alone
from spacy_seqrnn.rnn.tensors import stacked

from .test_layer import MODULES

# One more and one less than what a block of documents holds, and empty documents.
batches = st.lists(st.integers(0, 9), min_size=1, max_size=20) | st.lists(
    st.integers(0, 3), min_size=BLOCK_DOCS - 1, max_size=2 * BLOCK_DOCS + 2
)


@pytest.mark.parametrize("cell", MODULES)
@given(lengths=batches, bidirectional=st.booleans(), n_words=st.integers(1, 30))
def test_reads_as_torch_does(
    cell: str, lengths: list[int], bidirectional: bool, n_words: int
) -> None:
    packing = make_packing(lengths)
    if not packing.n_tokens:
        return
    torch.manual_seed(len(lengths))
    module = MODULES[cell](3, 4, bidirectional=bidirectional)
    words, index = torch.randn(n_words, 3), torch.randint(n_words, (packing.n_tokens,))
    for parameter in module.parameters():
        parameter.data *= 3.0  # for gates that open and close
    names = CELLS[cell].shapes(3, 4)
    weights = stacked([dict(zip(names, arrays, strict=True)) for arrays in module.all_weights])
    with torch.inference_mode():
        batch = torch.nn.utils.rnn.PackedSequence(words[index], torch.from_numpy(packing.size_at_t))
        expected = module(batch)[0].data
        prepared = CELLS[cell].prepare(weights)
        found, _ = stepwise.read(CELLS[cell], prepared, words, index, packing)
    # Weights this large multiply rounding errors from step to step; 2.3e-6 has been seen.
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_states_come_back_from_any_number_of_blocks(
    monkeypatch: pytest.MonkeyPatch, cell: str
) -> None:
    lengths, n_docs = [3, 1, 4, 1, 5, 9, 2, 6], 8
    packing = make_packing(lengths)
    layer = _layer(cell)
    prepared = prepare(layer)
    words, index = torch.randn(20, 5), torch.randint(20, (packing.n_tokens,))
    initial = {name: torch.randn(2, n_docs, 6) for name in CELLS[cell].states}
    expected, states = stepwise.read(CELLS[cell], prepared, words, index, packing, initial)
    monkeypatch.setattr(stepwise, "BLOCK_DOCS", 2)
    found, found_states = stepwise.read(CELLS[cell], prepared, words, index, packing, initial)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found_states, states)


def _layer(cell: str) -> Model[Packed, Packed]:
    fix_random_seed(0)
    layer = RNN(cell=cell, nO=12, nI=5)
    layer.initialize()
    return layer


def _batch(lengths: list[int]) -> Packed:
    packing = make_packing(lengths)
    random = np.random.default_rng(0)
    words = random.normal(size=(50, 5)).astype("f")
    index = random.integers(50, size=packing.n_tokens)
    return Packed(DistinctRows(words, index), packing)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("lengths", "n_alone"),
    [
        ([5] * (FEWEST_DOCS - 1), FEWEST_DOCS - 1),
        ([5, 0] * FEWEST_DOCS, 0),
        ([5] * FEWEST_DOCS + [10], 0),
        ([5, 400] + [5, 0, 4] * FEWEST_DOCS + [11], 2),
    ],
)
def test_long_documents_do_not_hold_up_the_others(
    cell: str, lengths: list[int], n_alone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read apart, and all have the same states as alone and as without distinct words.

    A cell that torch has no kernel for reads all of them together.
    """
    layer, X = _layer(cell), _batch(lengths)
    assert n_better_alone(X.packing) == n_alone
    n_alone = n_alone if CELLS[cell].kernel else 0
    steps = []
    read = stepwise.read

    def recorded(*args: Any) -> Any:
        steps.append(args[-1])
        return read(*args)

    monkeypatch.setattr(stepwise, "read", recorded)
    Y = layer.predict(X).data[X.packing.from_packed]
    n_together = sum(map(bool, lengths)) - n_alone
    assert sum(packing.n_sequences for packing in steps) == n_together
    plain = layer.predict(Packed(X.data, X.packing)).data[X.packing.from_packed]
    np.testing.assert_allclose(Y, plain, atol=1e-6)
    rows = X.data[X.packing.from_packed]
    ends = np.cumsum(lengths)
    for start, end in zip(ends - lengths, ends, strict=True):
        if end > start:
            alone = layer.predict(Packed(rows[start:end], make_packing([end - start])))
            np.testing.assert_allclose(Y[start:end], alone.data, atol=1e-6)


def test_weights_are_left_as_they_are() -> None:
    layer = _layer("lstm")
    before = layer.get_param("weights").copy()
    layer.predict(_batch([3] * FEWEST_DOCS))
    np.testing.assert_array_equal(layer.get_param("weights"), before)
