import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from thinc.api import NumpyOps

from spacy_seqrnn.batch import windows as module
from spacy_seqrnn.batch.distinct import DistinctRows
from spacy_seqrnn.batch.docs import DocBatch
from spacy_seqrnn.batch.packed import Packed, join, pack, unpack
from spacy_seqrnn.batch.packing import split_docs
from spacy_seqrnn.batch.windows import prediction_chunks

OPS = NumpyOps()
VOCAB = spacy.blank("en").vocab
TABLE = np.arange(8, dtype="float32").reshape(4, 2)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PREDICTION", module.Limits(chunk=40, window=10, context=3))


@pytest.mark.parametrize("cut", [False, True])
@given(lengths=st.lists(st.integers(0, 100), max_size=6))
def test_every_token_is_kept_once_and_in_order(lengths: list[int], cut: bool) -> None:
    parts = prediction_chunks(lengths, cut=cut)
    kept = np.concatenate([chunk.rows[chunk.kept] for chunk in parts])
    np.testing.assert_array_equal(kept, np.arange(sum(lengths)))
    assert module.are_cut(parts, len(lengths)) == (cut and max(lengths, default=0) > 16)
    if not cut:
        docs = np.concatenate([chunk.docs for chunk in parts])
        np.testing.assert_array_equal(docs, np.arange(len(lengths)))


@given(st.lists(st.integers(0, 100), max_size=6))
def test_windows_stay_within_their_documents_and_have_context(lengths: list[int]) -> None:
    ends = np.cumsum(lengths)
    for chunk in prediction_chunks(lengths, cut=True):
        firsts, lasts = chunk.firsts, chunk.firsts + chunk.lengths
        assert (firsts >= ends[chunk.docs] - np.asarray(lengths)[chunk.docs]).all()
        assert (lasts <= ends[chunk.docs]).all()
        at_start = firsts == ends[chunk.docs] - np.asarray(lengths)[chunk.docs]
        at_end = lasts == ends[chunk.docs]
        assert ((chunk.begins == 3) | at_start).all()
        assert ((chunk.lengths - chunk.ends == 3) | at_end).all()


def test_chunks_are_as_large_as_they_may_be() -> None:
    sizes = [len(chunk.rows) for chunk in prediction_chunks([30, 9, 2, 95], cut=True)]
    assert max(sizes) <= 40
    whole = [chunk.lengths.tolist() for chunk in prediction_chunks([30, 9, 2, 95], cut=False)]
    assert whole == [[30, 9], [2], [95]]


def test_windows_of_a_long_document() -> None:
    limits = module.Limits(chunk=100, window=10, context=3)
    chunk = module._windows(np.asarray([2, 30]), limits)
    bounds = zip(chunk.firsts.tolist(), (chunk.firsts + chunk.lengths).tolist(), strict=True)
    assert list(bounds) == [(0, 2), (2, 15), (9, 25), (19, 32)]
    assert chunk.begins.tolist() == [0, 0, 3, 3]
    assert chunk.ends.tolist() == [2, 10, 13, 13]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 3), st.booleans())
def test_some_tokens_are_a_batch_of_their_own(
    lengths: list[int], seed: int, distinct: bool
) -> None:
    """And the backward pass puts each gradient where its token was."""
    random = np.random.default_rng(seed)
    rows = random.integers(len(TABLE), size=sum(lengths))
    X = TABLE[rows]
    packed = pack(OPS, split_docs(X, lengths))
    if distinct:
        index = rows[packed.packing.to_packed]
        packed = Packed(DistinctRows(TABLE, index), packed.packing)
    total = Packed(np.zeros((sum(lengths), 2), dtype="float32"), packed.packing)
    for chunk in prediction_chunks(lengths, cut=True):
        taken = packed.take(chunk.rows, chunk.lengths)
        np.testing.assert_array_equal(join(OPS, unpack(OPS, taken)), X[chunk.rows])
        only_kept = chunk.kept[taken.packing.to_packed][:, None] * taken.data
        module.add_gradient(OPS, total, chunk, Packed(only_kept, taken.packing))
    np.testing.assert_array_equal(join(OPS, unpack(OPS, total)), X)


def test_a_batch_finds_out_once() -> None:
    found = []

    def find() -> int:
        found.append(1)
        return len(found)

    docs = [Doc(VOCAB, words=["a"])]
    batch = DocBatch(docs)
    assert [batch.once("a", find), batch.once("a", find)] == [1, 1]
    assert batch.once("b", find) == 2
    assert DocBatch(docs).once("a", find) == 3
    assert batch.lengths == [1]
