from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vectors import Vectors
from spacy.vocab import Vocab
from thinc.api import SGD, Model

from spacy_seqrnn.architectures.embeds import CharCNNEmbed, LexemeEmbed
from spacy_seqrnn.embed import word_rows
from spacy_seqrnn.embed.static_vectors import word_vectors
from spacy_seqrnn.types import Floats2d

WORDS = ["dog", "the", "know"]


def make_vocab(attr: str = "ORTH") -> Vocab:
    vocab = spacy.blank("en").vocab
    data = np.random.default_rng(0).normal(size=(len(WORDS), 3)).astype("f")
    vocab.vectors = Vectors(strings=vocab.strings, data=data, keys=WORDS, attr=attr)
    return vocab


def make_docs(vocab: Vocab) -> list[Doc]:
    return [Doc(vocab, words=["the", "dog", "unheard"]), Doc(vocab), Doc(vocab, words=["the"])]


def make(vocab: Vocab, correction_rows: int = 1000) -> Model[Any, Any]:
    return word_vectors(correction_rows=correction_rows).initialize(X=make_docs(vocab))


@pytest.mark.parametrize("correction_rows", [0, 1000])
def test_starts_as_the_vectors_are(correction_rows: int) -> None:
    vocab = make_vocab()
    first, empty, last = make(vocab, correction_rows).predict(make_docs(vocab))
    np.testing.assert_array_equal(first[0], vocab.vectors["the"])
    np.testing.assert_array_equal(first[1], vocab.vectors["dog"])
    assert not first[2].any()
    assert empty.shape == (0, 3)
    np.testing.assert_array_equal(last[0], first[0])


def test_correction_is_learned_for_the_words_that_occur() -> None:
    vocab = make_vocab()
    before = vocab.vectors.data.copy()
    model = make(vocab)
    docs = make_docs(vocab)
    Ys, backprop = model.begin_update(docs)
    assert backprop([np.ones_like(Y) for Y in Ys]) == []
    # "the" occurs twice, so its gradient is twice that of "dog" and "unheard".
    gradient: Floats2d = model.get_grad("rows_0")
    assert sorted(gradient[:, 0].tolist())[-4:] == [0.0, 1.0, 1.0, 2.0]
    assert gradient.sum() == 3 * 4
    model.finish_update(SGD(0.5, grad_clip=0.0))
    first, *_ = model.predict(docs)
    np.testing.assert_allclose(first[0], vocab.vectors["the"] - 1.0, atol=1e-6)
    np.testing.assert_allclose(first[2], -0.5, atol=1e-6)
    np.testing.assert_array_equal(vocab.vectors.data, before)


def test_corrections_are_scaled_in_both_directions() -> None:
    vocab = make_vocab()
    model = word_vectors(correction_rows=9, correction_scale=0.5).initialize(X=make_docs(vocab))
    train(model, [Doc(vocab, words=["dog"])])
    (Y,) = model.predict([Doc(vocab, words=["dog"])])
    # The row moves by the rate of 0.5 times a gradient of 0.5, and counts half.
    np.testing.assert_allclose(Y[0], vocab.vectors["dog"] - 0.125, atol=1e-6)
    loaded = word_vectors(correction_rows=9).initialize(X=make_docs(vocab))
    (Z,) = loaded.from_bytes(model.to_bytes()).predict([Doc(vocab, words=["dog"])])
    np.testing.assert_array_equal(Y, Z)


def test_only_words_seen_in_training_are_corrected() -> None:
    vocab = make_vocab()
    model = make(vocab)
    train(model, [Doc(vocab, words=["dog", "unheard"])])
    (Y,) = model.predict([Doc(vocab, words=["the", "new"])])
    np.testing.assert_array_equal(Y[0], vocab.vectors["the"])
    assert not Y[1].any()


def test_words_get_corrections_in_the_order_in_which_they_come() -> None:
    vocab = make_vocab()
    model = make(vocab, correction_rows=2)
    train(model, [Doc(vocab, words=["the"])])
    train(model, [Doc(vocab, words=["unheard", "the", "dog"])])
    (Y,) = model.predict([Doc(vocab, words=["the", "unheard", "dog"])])
    np.testing.assert_allclose(Y[0], vocab.vectors["the"] - 1.0, atol=1e-6)
    np.testing.assert_allclose(Y[1], -0.5, atol=1e-6)
    np.testing.assert_array_equal(Y[2], vocab.vectors["dog"])


@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=6))
def test_corrections_over_several_blocks_follow_a_plain_dict(batches: list[list[int]]) -> None:
    vocab = make_vocab()
    with patch.object(word_rows, "BLOCK_ROWS", 3):
        model = make(vocab, correction_rows=20)
        expected: dict[str, float] = {}
        for numbers in batches:
            words = [f"w{number}" for number in numbers]
            train(model, [Doc(vocab, words=words)])
            for word in words:
                if word in expected or len(expected) < 20:
                    expected[word] = expected.get(word, 0.0) - 0.5
        words = [f"w{number}" for number in range(31)]
        (Y,) = model.predict([Doc(vocab, words=words)])
        (loaded,) = make(vocab, 20).from_bytes(model.to_bytes()).predict([Doc(vocab, words=words)])
    np.testing.assert_allclose(Y[:, 0], [expected.get(word, 0.0) for word in words], atol=1e-6)
    np.testing.assert_array_equal(Y, loaded)


def train(model: Model[Any, Any], docs: list[Doc]) -> None:
    """Subtract 0.5 from each dimension of the words' vectors, once per occurrence."""
    Ys, backprop = model.begin_update(docs)
    backprop([np.ones_like(Y) for Y in Ys])
    model.finish_update(SGD(0.5, grad_clip=0.0))


def test_frozen_vectors_learn_nothing() -> None:
    vocab = make_vocab()
    model = make(vocab, correction_rows=0)
    Ys, backprop = model.begin_update(make_docs(vocab))
    backprop(Ys)
    assert model.param_names == ()


def test_lexeme_embed_scales_corrections() -> None:
    vocab = make_vocab()
    docs = [Doc(vocab, words=["dog"])]
    model = LexemeEmbed(
        layers={}, include_static_vectors=True, correction_rows=9, correction_scale=0.5
    ).initialize(X=docs)
    train(model, docs)
    (Y,) = model.predict(docs)
    np.testing.assert_allclose(Y[0], vocab.vectors["dog"] - 0.125, atol=1e-6)


def test_correction_through_lexeme_embed_survives_saving() -> None:
    vocab = make_vocab(attr="LOWER")

    def build() -> Model[Any, Any]:
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
def test_missing_vectors_are_named(layer: Callable[..., Any]) -> None:
    options: dict[str, Any] = {"correction_rows": 0}
    if layer is LexemeEmbed:
        options |= {"layers": {}, "include_static_vectors": True}
    with pytest.raises(ValueError, match="no word vectors"):
        layer(**options).initialize(X=[Doc(Vocab(), words=["dog"])])


def test_vectors_that_went_missing_are_named() -> None:
    model = make(make_vocab())
    with pytest.raises(ValueError, match="no word vectors"):
        model.predict([Doc(Vocab(), words=["dog"])])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"correction_rows": -1}, "`correction_rows = -1` cannot work"),
        ({"correction_rows": 5}, "`correction_rows = 5` has nothing to correct"),
        ({"correction_scale": 0.5}, "`correction_scale = 0.5` has no corrections to scale"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LexemeEmbed(layers={"chars": CharCNNEmbed()}, **options)
