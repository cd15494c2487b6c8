import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.vectors import Vectors
from spacy.vocab import Vocab
from thinc.api import SGD

from spacy_seqrnn.architectures.embeds import CharCNNEmbed, LexemeEmbed
from spacy_seqrnn.layers.vectors import word_vectors

WORDS = ["dog", "the", "know"]


def make_vocab(attr="ORTH"):
    vocab = spacy.blank("en").vocab
    data = np.random.default_rng(0).normal(size=(len(WORDS), 3)).astype("f")
    vocab.vectors = Vectors(strings=vocab.strings, data=data, keys=WORDS, attr=attr)
    return vocab


def make_docs(vocab):
    return [Doc(vocab, words=["the", "dog", "unheard"]), Doc(vocab), Doc(vocab, words=["the"])]


def make(vocab, correction_rows=1000):
    return word_vectors(correction_rows=correction_rows).initialize(X=make_docs(vocab))


@pytest.mark.parametrize("correction_rows", [0, 1000])
def test_starts_as_the_vectors_are(correction_rows):
    vocab = make_vocab()
    first, empty, last = make(vocab, correction_rows).predict(make_docs(vocab))
    np.testing.assert_array_equal(first[0], vocab.vectors["the"])
    np.testing.assert_array_equal(first[1], vocab.vectors["dog"])
    assert not first[2].any()
    assert empty.shape == (0, 3)
    np.testing.assert_array_equal(last[0], first[0])


def test_correction_is_learnt_for_the_words_that_occur():
    vocab = make_vocab()
    before = vocab.vectors.data.copy()
    model = make(vocab)
    docs = make_docs(vocab)
    Ys, backprop = model.begin_update(docs)
    assert backprop([np.ones_like(Y) for Y in Ys]) == []
    # "the" occurs twice, so its gradient is twice that of "unheard".
    rows = {word: vocab.strings[word] % 1000 for word in ("the", "unheard")}
    np.testing.assert_array_equal(model.get_grad("correction")[rows["the"]], 2.0)
    np.testing.assert_array_equal(model.get_grad("correction")[rows["unheard"]], 1.0)
    assert model.get_grad("correction").sum() == 3 * 4
    model.finish_update(SGD(0.5, grad_clip=0.0))
    first, *_ = model.predict(docs)
    np.testing.assert_allclose(first[0], vocab.vectors["the"] - 1.0, atol=1e-6)
    np.testing.assert_allclose(first[2], -0.5, atol=1e-6)
    np.testing.assert_array_equal(vocab.vectors.data, before)


def test_frozen_vectors_learn_nothing():
    vocab = make_vocab()
    model = make(vocab, correction_rows=0)
    Ys, backprop = model.begin_update(make_docs(vocab))
    backprop(Ys)
    assert model.param_names == ()


def test_correction_through_lexeme_embed_survives_saving():
    vocab = make_vocab(attr="LOWER")

    def build():
        layers = {"chars": CharCNNEmbed(width=2)}
        return LexemeEmbed(layers=layers, include_static_vectors=True, correction_rows=50)

    docs = [Doc(vocab, words=["The", "the", "DOG"])]
    model = build().initialize(X=docs)
    Ys, backprop = model.begin_update(docs)
    backprop([np.ones_like(Y) for Y in Ys])
    model.finish_update(SGD(0.5, grad_clip=0.0))
    (Y,) = model.predict(docs)
    np.testing.assert_array_equal(Y[0, 2:], Y[1, 2:])
    np.testing.assert_allclose(Y[0, 2:], vocab.vectors["the"] - 1.0, atol=1e-6)
    np.testing.assert_array_equal(build().from_bytes(model.to_bytes()).predict(docs)[0], Y)


@pytest.mark.parametrize("layer", [word_vectors, LexemeEmbed])
def test_missing_vectors_are_named(layer):
    options = {"correction_rows": 0}
    if layer is LexemeEmbed:
        options |= {"layers": {}, "include_static_vectors": True}
    with pytest.raises(ValueError, match="E896"):
        layer(**options).initialize(X=[Doc(Vocab(), words=["dog"])])


def test_vectors_that_went_missing_are_named():
    model = make(make_vocab())
    with pytest.raises(ValueError, match="E896"):
        model.predict([Doc(Vocab(), words=["dog"])])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"correction_rows": -1}, "`correction_rows = -1` cannot work"),
        ({"correction_rows": 5}, "`correction_rows = 5` has nothing to correct"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        LexemeEmbed(layers={"chars": CharCNNEmbed()}, **options)
