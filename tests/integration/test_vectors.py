"""Word vectors that change while a pipeline is in use."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_seqrnn.types import Floats1d

from .components import TEXTS, assert_same, initialize, make_pipeline, train

NAMES = ["seqrnn_ner", "seqrnn_textcat"]


@pytest.fixture
def nlp(tmp_path: Path) -> Language:
    """A trained pipeline with word vectors that has been loaded and used."""
    trained = make_pipeline(*NAMES, shared=True, vectors=True)
    train(trained, initialize(trained), steps=20)
    trained.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    list(loaded.pipe(TEXTS))
    return loaded


def _assert_up_to_date(nlp: Language) -> None:
    """Compare with a copy that has never seen another state of the vectors."""
    docs = list(nlp.pipe(TEXTS))
    fresh = make_pipeline(*NAMES, shared=True, vectors=True).from_bytes(nlp.to_bytes())
    assert_same(docs, fresh.pipe(TEXTS))


@pytest.mark.parametrize("word", ["Oslo", "wörds"], ids=["another vector", "a first vector"])
def test_a_vector_that_is_set_counts_at_once(nlp: Language, word: str) -> None:
    vector: Floats1d = np.asarray([9.0, -9.0, 9.0], dtype="float32")
    nlp.vocab.set_vector(word, vector)
    _assert_up_to_date(nlp)


def test_other_vectors_altogether_count_at_once(nlp: Language) -> None:
    nlp.vocab.vectors.data = nlp.vocab.vectors.data[::-1].copy()
    _assert_up_to_date(nlp)


def test_vectors_are_no_parameters(nlp: Language) -> None:
    before = nlp.vocab.vectors.data.copy()
    train(nlp, nlp.resume_training(), steps=5)
    assert np.array_equal(nlp.vocab.vectors.data, before)
