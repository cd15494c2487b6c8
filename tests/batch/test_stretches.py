import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.batch.stretches import DOCS_STEP, STRETCH_ROWS, STRETCH_STEPS
from spacy_seqrnn.rnn import kernel
from spacy_seqrnn.rnn.cells import CELLS, Tensors

# Lengths on either side of where a stretch or a rounded number of documents ends.
edges = st.sampled_from([0, 1, 2, STRETCH_STEPS - 1, STRETCH_STEPS, STRETCH_STEPS + 1, 150])
batches = st.lists(edges | st.integers(0, 40), max_size=3 * DOCS_STEP) | st.lists(
    st.integers(0, 5), min_size=63, max_size=66
)


@given(batches)
def test_every_token_is_read_once_in_either_direction(lengths: list[int]) -> None:
    packing = make_packing(lengths)
    for direction in range(2):
        rows = [stretch.rows[direction] for stretch in packing.stretches]
        read = np.concatenate([*rows, np.zeros(0, "int64")])
        kept = read[read < packing.n_tokens]
        assert np.sort(kept).tolist() == list(range(sum(lengths)))
        assert read.size == 0 or read.max() <= packing.n_tokens


@given(batches)
def test_stretches_are_small(lengths: list[int]) -> None:
    for stretch in make_packing(lengths).stretches:
        n_rows = stretch.rows.shape[1]
        assert n_rows <= STRETCH_ROWS
        assert n_rows % stretch.n_docs == 0
        assert n_rows // stretch.n_docs <= STRETCH_STEPS
        assert stretch.n_docs < DOCS_STEP or stretch.n_docs % DOCS_STEP == 0


def test_one_long_document_does_not_pad_the_others() -> None:
    packing = make_packing([5000, *[3] * 200])
    assert sum(stretch.rows.shape[1] for stretch in packing.stretches) < 2 * packing.n_tokens


@given(batches, st.booleans())
def test_predicts_what_torch_does(lengths: list[int], bidirectional: bool) -> None:
    packing = make_packing(lengths)
    if not packing.n_tokens:
        return
    torch.manual_seed(0)
    module = torch.nn.LSTM(3, 4, bidirectional=bidirectional)
    x = torch.randn(packing.n_tokens, 3)
    names = CELLS["lstm"].shapes(3, 4)
    weights: list[Tensors] = [
        dict(zip(names, arrays, strict=True)) for arrays in module.all_weights
    ]
    with torch.inference_mode():
        batch = torch.nn.utils.rnn.PackedSequence(x, torch.from_numpy(packing.size_at_t))
        expected = module(batch)[0].data
        torch.testing.assert_close(
            kernel.read(CELLS["lstm"], weights, x, packing), expected, atol=1e-6, rtol=1e-5
        )
