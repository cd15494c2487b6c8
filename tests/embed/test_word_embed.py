import numpy as np
import pytest
from spacy.tokens import Doc

from spacy_seqrnn.architectures.embeds import WordEmbed
from spacy_seqrnn.embed.word_embed import word_embed

from .test_static_vectors import make_vocab, train


def test_word_embed_knows_the_words_of_the_training() -> None:
    vocab = make_vocab()
    model = word_embed(width=2, attr="LOWER", rows=10, dropout=0.0)
    docs = [Doc(vocab, words=["The", "dog", "the"]), Doc(vocab)]
    assert not model.predict(docs)[0].any()
    train(model, docs)
    first, empty = model.predict(docs)
    assert first.tolist() == [[-1.0, -1.0], [-0.5, -0.5], [-1.0, -1.0]]
    assert empty.shape == (0, 2)
    assert not model.predict([Doc(vocab, words=["unheard"])])[0].any()
    copy = word_embed(width=2, attr="LOWER", rows=10, dropout=0.0).from_bytes(model.to_bytes())
    np.testing.assert_array_equal(copy.predict(docs)[0], first)


def test_word_embed_takes_words_for_unknown_in_training() -> None:
    vocab = make_vocab()
    model = word_embed(width=2, attr="ORTH", rows=1000, dropout=0.3)
    docs = [Doc(vocab, words=[f"w{i}" for i in range(1000)])]
    train(model, docs)
    (Y,) = model.predict(docs)
    learned = (Y == -0.5).all(axis=1)
    assert ((Y == 0).all(axis=1) | learned).all()
    assert learned.mean() == pytest.approx(0.7, abs=0.06)
    (in_training,), _ = model.begin_update(docs)
    assert in_training.any(axis=1).mean() == pytest.approx(0.49, abs=0.06)
    assert set(in_training.ravel().tolist()) == {0.0, -0.5}  # those that are kept are not scaled


def test_only_so_many_words_have_a_vector() -> None:
    vocab = make_vocab()
    model = WordEmbed(width=2, rows=1)
    docs = [Doc(vocab, words=["the", "dog"])]
    train(model, docs)
    assert model.predict(docs)[0].tolist() == [[-0.5, -0.5], [0.0, 0.0]]
