import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.ml.models import MultiHashEmbed, build_Tok2Vec_model
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model, NumpyOps, chain, concatenate, fix_random_seed, with_array
from thinc.layers import Maxout
from thinc.types import Ragged

from spacy_seqrnn.architectures.embeds import LexemeEmbed
from spacy_seqrnn.architectures.encoders import RNNEncoder
from spacy_seqrnn.batch.packed import pack, predict_packed, take_rows, with_packed
from spacy_seqrnn.batch.packing import make_packing, split_docs

lengths_of_docs = st.lists(st.integers(0, 12), max_size=9)


@given(lengths_of_docs)
def test_layout_is_that_of_torch(lengths):
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
        # torch breaks ties between equal lengths as it likes; the sizes of the steps are fixed.
        assert packing.size_at_t.tolist() == expected.batch_sizes.tolist()


@given(lengths_of_docs)
def test_every_token_has_its_row(lengths):
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
def test_per_doc_restores_batch_order(lengths):
    packing = make_packing(lengths)
    ranked = np.sort(np.asarray([n for n in lengths if n], dtype=float))[::-1]
    assert packing.per_doc(ranked, empty=0.0).tolist() == [float(n) for n in lengths]


def test_split_docs_gives_views():
    X = np.arange(6.0).reshape(6, 1)
    docs = split_docs(X, [2, 0, 4])
    assert [len(doc) for doc in docs] == [2, 0, 4]
    assert all(np.shares_memory(X, doc) for doc in docs if len(doc))


def _reverse_rows(model, X, is_train):
    """A layer that depends on the order of the rows: it adds the row number."""
    rows = np.arange(len(X.data), dtype="f")[:, None]
    return type(X)(X.data + rows, X.packing), lambda dY: type(dY)(dY.data * 2, dY.packing)


def _numbering():
    return with_packed(Model("numbering", _reverse_rows, dims={"nI": 1, "nO": 1}))


def test_with_packed_works_on_packed_rows():
    Xs = [np.zeros((n, 1), dtype="f") for n in (2, 0, 3)]
    Ys, backprop = _numbering()(Xs, is_train=True)
    # Longest document first, time step after time step.
    assert [Y.ravel().tolist() for Y in Ys] == [[1.0, 3.0], [], [0.0, 2.0, 4.0]]
    dXs = backprop([np.full(Y.shape, i, dtype="f") for i, Y in enumerate(Ys)])
    assert [dX.ravel().tolist() for dX in dXs] == [[0.0, 0.0], [], [4.0, 4.0, 4.0]]


def test_with_packed_takes_ragged_too():
    X = Ragged(np.zeros((5, 1), dtype="f"), np.asarray([2, 0, 3], dtype="i"))
    Y, backprop = _numbering()(X, is_train=True)
    assert Y.dataXd.ravel().tolist() == [1.0, 3.0, 0.0, 2.0, 4.0]
    assert backprop(Y).dataXd.ravel().tolist() == [2.0, 6.0, 0.0, 4.0, 8.0]


@pytest.mark.parametrize("lengths", [[], [0], [0, 0]])
def test_with_packed_without_tokens(lengths):
    Xs = [np.zeros((n, 1), dtype="f") for n in lengths]
    Ys, backprop = _numbering()(Xs, is_train=True)
    assert [Y.shape for Y in Ys] == [(0, 1) for _ in lengths]
    assert [dX.shape for dX in backprop(Ys)] == [(0, 1) for _ in lengths]


def test_take_rows_is_a_gather():
    X = np.arange(4.0)[:, None]
    assert take_rows(NumpyOps(), X, np.asarray([3, 0])).ravel().tolist() == [3.0, 0.0]


@given(lengths_of_docs)
def test_turned_and_previous_follow_each_document(lengths):
    packing = make_packing(lengths)
    docs = np.repeat(np.arange(len(lengths)), lengths)
    steps = np.concatenate([np.arange(n) for n in lengths] or [np.zeros(0, int)])
    doc_of, step_of = docs[packing.to_packed], steps[packing.to_packed]
    lengths = np.asarray(lengths, dtype="int64")
    turned, previous = packing.turned, packing.previous
    assert (doc_of[turned] == doc_of).all()
    assert (step_of[turned] == lengths[doc_of] - 1 - step_of).all()
    later = previous >= 0
    assert (later == (step_of > 0)).all()
    assert (doc_of[previous[later]] == doc_of[later]).all()
    assert (step_of[previous[later]] == step_of[later] - 1).all()


def _hashes():
    return MultiHashEmbed(width=8, attrs=["NORM"], rows=[50], include_static_vectors=False)


def _words():
    return LexemeEmbed(layers={"words": _hashes()}, include_static_vectors=False)


def _encoder():
    return RNNEncoder(width=8, depth=2, residual=True)


TOK2VECS = {
    "ours": lambda: build_Tok2Vec_model(_words(), _encoder()),
    "two encoders": lambda: chain(_words(), _encoder(), _encoder()),
    "another embedding": lambda: build_Tok2Vec_model(_hashes(), with_array(Maxout(8, 8))),
    "another embedding, our encoder": lambda: chain(_words(), with_array(Maxout(8, 8)), _encoder()),
    "another encoder": lambda: build_Tok2Vec_model(_words(), with_array(Maxout(8, 8))),
    "side by side": lambda: concatenate(_words(), chain(_words(), _encoder())),
    "an embedding alone": _words,
}


@pytest.mark.parametrize("kind", TOK2VECS)
@pytest.mark.parametrize("lengths", [[3, 0, 5], [2] * 40, [0, 0]])
def test_predicted_vectors_are_those_of_the_list(kind, lengths):
    """With less copying where all layers are this package's; the same for any others."""
    fix_random_seed(0)
    vocab = Vocab()
    docs = [Doc(vocab, words=[f"w{i * j % 7}" for j in range(n)]) for i, n in enumerate(lengths)]
    model = TOK2VECS[kind]()
    model.initialize(X=[Doc(vocab, words=["a", "b"])])
    expected, found = pack(model.ops, model.predict(docs)), predict_packed(model, docs)
    np.testing.assert_array_equal(found.packing.lengths, lengths)
    np.testing.assert_allclose(found.data, expected.data, atol=1e-6)
