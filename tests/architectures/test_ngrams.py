from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.attrs import LOWER
from spacy.ml.extract_ngrams import extract_ngrams
from spacy.symbols import IDS
from spacy.tokens import Doc
from thinc.api import SGD, Model, set_dropout_rate

from spacy_seqrnn.architectures.ngrams import NgramTextCat
from spacy_seqrnn.batch.docs import DocBatch
from spacy_seqrnn.heads.ngrams import NgramScores, _distinct_ngrams, token_scores
from spacy_seqrnn.types import Floats2d

VOCAB = spacy.blank("en").vocab
WORDS = st.lists(st.sampled_from(["a", "A", "b", "c"]), max_size=7)


def make(nO: int = 2, **options: Any) -> Model[Any, Any]:
    model = NgramTextCat(exclusive_classes=True, **options)
    return model.initialize(Y=np.zeros((1, nO), dtype="f"))


def make_docs(texts: list[list[str]]) -> list[Doc]:
    return [Doc(VOCAB, words=words) for words in texts]


def ngrams_of(words: list[str], size: int) -> set[Any]:
    words = [word.lower() for word in words]
    return {tuple(words[i : i + n]) for n in range(1, size + 1) for i in range(len(words) - n + 1)}


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(1, 3))
def test_scores_are_sums_over_distinct_ngrams(texts: list[list[str]], size: int) -> None:
    """With weights that differ by a known number for each document: one step from zero."""
    model = NgramScores(ngram_size=size, rows=100_003, dropout=0.0, nO=1).initialize()
    W: Floats2d = model.get_param("W")
    W[:] = 0.5
    (scores,) = model.predict(make_docs(texts)).T
    # Every n-gram has two rows of 0.5.
    assert scores.tolist() == [float(len(ngrams_of(words, size))) for words in texts]


@given(WORDS, st.integers(1, 3))
def test_token_scores_add_up_to_those_of_the_text(words: list[str], size: int) -> None:
    model = NgramScores(ngram_size=size, rows=100_003, dropout=0.0, nO=2).initialize()
    W: Floats2d = model.get_param("W")
    W[:] = np.random.default_rng(0).normal(size=W.shape)
    (doc,) = make_docs([words])
    found = token_scores(model, doc)
    assert found.shape == (len(words), 2)
    np.testing.assert_allclose(found.sum(axis=0), model.predict([doc])[0], atol=1e-4)


def test_token_scores_are_shared_by_all_occurrences() -> None:
    """With weights of one half, an n-gram has the score 1: "a" three times, "a b" twice."""
    model = NgramScores(ngram_size=2, rows=100_003, dropout=0.0, nO=1).initialize()
    W: Floats2d = model.get_param("W")
    W[:] = 0.5
    (doc,) = make_docs([["a", "b", "a", "b", "a"]])
    a, b, ab, ba = 1 / 3, 1 / 2, 1 / 4, 1 / 4
    expected = [a + ab, b + ab + ba, a + ba + ab, b + ab + ba, a + ba]
    assert token_scores(model, doc)[:, 0].tolist() == pytest.approx(expected)


def test_words_are_told_apart_by_their_neighbours() -> None:
    model = make(ngram_size=2, dropout=0.0)
    docs = make_docs([["not", "good"], ["good", "not"]])
    for _ in range(30):
        Y, backprop = model.begin_update(docs)
        backprop(Y - np.eye(2, dtype="f"))
        model.finish_update(SGD(0.5, grad_clip=0.0))
    assert (model.predict(docs).argmax(axis=1) == [0, 1]).all()
    unigrams = make(ngram_size=1)
    assert (unigrams.predict(docs)[0] == unigrams.predict(docs)[1]).all()


def test_dropout_leaves_out_ngrams_in_training_only() -> None:
    model = NgramScores(ngram_size=1, rows=1000, dropout=0.5, nO=1).initialize()
    W: Floats2d = model.get_param("W")
    W[:] = 0.5
    docs = make_docs([[f"w{i}" for i in range(1000)]])
    assert model.predict(docs).item() == 1000
    kept = [model.begin_update(docs)[0].item() / 2 for _ in range(20)]
    assert len(set(kept)) > 1
    assert np.mean(kept) == pytest.approx(500, rel=0.05)
    set_dropout_rate(model, 0.0)  # [training] dropout does not apply to it
    assert model.begin_update(docs)[0].item() != 1000


@pytest.mark.parametrize("exclusive", [True, False])
def test_documents_without_tokens_have_no_category(exclusive: bool) -> None:
    model = NgramTextCat(exclusive_classes=exclusive).initialize(Y=np.zeros((1, 2), dtype="f"))
    Y, backprop = model.begin_update(make_docs([[], ["a"]]))
    assert Y.tolist() == [[0.0, 0.0], [0.5, 0.5]]
    backprop(np.ones_like(Y))
    (scores,) = model.layers
    assert scores.get_grad("b").tolist() == [1.0, 1.0]


def test_options_reach_the_scores() -> None:
    model = make(rows=7, dropout=0.9)
    assert model.layers[0].get_param("W").shape == (7, 2)
    docs = make_docs([[f"w{i}" for i in range(500)]])
    W: Floats2d = model.layers[0].get_param("W")
    W[:, 0] = 0.0001
    assert model.begin_update(docs)[0][0, 0] != model.begin_update(docs)[0][0, 0]
    assert model.predict(docs)[0, 0] == model.predict(docs)[0, 0]


@given(st.lists(WORDS, min_size=1, max_size=5), st.integers(1, 4))
def test_ngrams_are_those_of_spacys_layer(texts: list[list[str]], size: int) -> None:
    docs = make_docs([words for words in texts if words] or [["a"]])
    keys, lengths = _distinct_ngrams(DocBatch(docs), size, LOWER)
    expected, _, n_expected = extract_ngrams(size, LOWER).predict(docs)
    assert list(lengths) == n_expected.tolist()
    bounds = lengths.cumsum()[:-1]
    for own, theirs in zip(np.split(keys, bounds), np.split(expected, bounds), strict=True):
        assert sorted(own.tolist()) == sorted(theirs.tolist())


def test_words_with_small_keys_count_once() -> None:
    """In spaCy, some words, such as "mark" and "number", have the numbers of symbols."""
    words = [word for word in IDS if word.isalpha() and word.islower()]
    random = np.random.default_rng(0)
    docs = make_docs([random.choice(words, 60).tolist() for _ in range(100)])
    _, lengths = _distinct_ngrams(DocBatch(docs), 1, LOWER)
    assert lengths.tolist() == [len({token.lower for token in doc}) for doc in docs]
