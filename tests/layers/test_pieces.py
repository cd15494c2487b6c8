import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import NumpyOps

from spacy_seqrnn.layers import pieces as module
from spacy_seqrnn.layers.doc_batch import DocBatch, find_once
from spacy_seqrnn.layers.packed import TokenRows, join, make_packing, pack, unpack
from spacy_seqrnn.layers.pieces import pieces

OPS = NumpyOps()
VOCAB = spacy.blank("en").vocab


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(module, "PREDICTION", module.Limits(piece=40, window=10, context=3))


def _doc(start, n):
    return Doc(VOCAB, words=[f"w{i}" for i in range(start, start + n)])


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("lengths", [[], [0], [5, 0, 7], [16], [17], [100], [30, 30, 2, 95, 1]])
def test_every_token_is_kept_once(lengths, cut):
    docs = [_doc(1000 * i, n) for i, n in enumerate(lengths)]
    kept = [
        token.text
        for piece in pieces(docs, cut=cut)
        for doc, tokens in zip(piece.docs, piece.kept, strict=True)
        for token in doc[tokens.start : tokens.stop]
    ]
    assert kept == [token.text for doc in docs for token in doc]


def test_pieces_are_as_small_as_they_can_be():
    docs = [_doc(0, n) for n in [30, 9, 2, 95]]
    sizes = [sum(map(len, piece.docs)) for piece in pieces(docs, cut=True)]
    assert max(sizes) <= 40
    whole = [[len(doc) for doc in piece.docs] for piece in pieces(docs, cut=False)]
    assert whole == [[30, 9], [2], [95]]


def test_windows_have_context_and_what_embeddings_read(monkeypatch):
    monkeypatch.setattr(module, "PREDICTION", module.Limits(piece=100, window=10, context=3))
    doc = _doc(0, 30)
    doc[12].norm_ = "norm"
    doc[12].tag_ = "TAG"
    doc.tensor = np.arange(30.0)[:, None]
    (piece,) = pieces([doc], cut=True)
    assert [(window[0].text, window[-1].text) for window in piece.docs] == [
        ("w0", "w12"),
        ("w7", "w22"),
        ("w17", "w29"),
    ]
    window = piece.docs[1]
    assert (window[5].text, window[5].norm_, window[5].tag_) == ("w12", "norm", "TAG")
    assert window.tensor[:, 0].tolist() == list(range(7, 23))
    assert [window.text_with_ws for window in piece.docs[1]] == [t.text_with_ws for t in doc[7:23]]


def test_a_batch_remembers_and_a_list_does_not():
    found = []

    def find():
        found.append(1)
        return len(found)

    docs = [_doc(0, 1)]
    batch = DocBatch(docs)
    assert [find_once(batch, "a", find), find_once(batch, "a", find)] == [1, 1]
    assert find_once(batch, "b", find) == 2
    assert [find_once(docs, "a", find), find_once(docs, "a", find)] == [3, 4]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_token_rows_are_the_list_that_they_stand_for(lengths):
    packing = make_packing(lengths)
    packed = np.random.default_rng(0).normal(size=(packing.n_tokens, 2))
    rows = unpack(OPS, type(pack(OPS, []))(packed, packing))
    assert isinstance(rows, TokenRows)
    assert [len(X) for X in rows] == lengths
    np.testing.assert_array_equal(pack(OPS, list(rows)).data, packed)
    np.testing.assert_array_equal(pack(OPS, TokenRows(rows.rows, packing)).data, packed)
    np.testing.assert_array_equal(join(OPS, list(rows)), join(OPS, rows))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.integers(5, 60))
def test_a_piece_is_the_batch_if_there_is_no_other_and_nothing_is_cut(lengths, piece_size):
    docs = [Doc(Vocab(), words=["a"] * length) for length in lengths]
    limits = module.Limits(piece=piece_size, window=8, context=2)
    parts = list(module._gather(docs, True, limits))
    whole = len(parts) == 1 and max(lengths) <= limits.longest
    for piece in parts:
        read, kept = sum(map(len, piece.docs)), sum(k.stop - k.start for k in piece.kept)
        assert piece.is_batch(len(docs)) == whole
        assert piece.is_batch(len(piece.docs)) == (read == kept)
