"""Our encoder in every spaCy component that reads token vectors, and in our own."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .components import (
    TEXTS,
    assert_same,
    make_pipeline,
    odd_examples,
    score,
    train,
)
from .conftest import Trained


def test_learns_the_training_set(trained: Trained) -> None:
    nlp = trained.load()
    assert trained.losses[-1] < 0.05 * trained.losses[0]
    assert score(nlp, trained.name) == 1.0


def test_gives_a_text_the_same_alone_and_in_a_batch(trained: Trained) -> None:
    nlp = trained.load()
    alone = [nlp(text) for text in TEXTS]
    assert_same(nlp.pipe(TEXTS, batch_size=len(TEXTS)), alone)
    assert_same(nlp.pipe(TEXTS[::-1], batch_size=5), alone[::-1])


def test_gives_the_same_in_two_processes(trained: Trained) -> None:
    nlp = trained.load()
    assert_same(nlp.pipe(TEXTS, batch_size=3, n_process=2), list(nlp.pipe(TEXTS)))


def test_takes_batches_with_nothing_in_them(trained: Trained) -> None:
    nlp = trained.load()
    for texts in ([""], ["", ""], [" "], []):
        docs = list(nlp.pipe(texts))
        assert [doc.text for doc in docs] == texts
        assert not any(doc.ents for doc in docs)


@pytest.mark.parametrize("name", ["seqrnn_textcat", "seqrnn_multilabel"])
@pytest.mark.parametrize("shared", [False, True])
def test_a_text_without_tokens_has_no_category(
    train_once: Callable[..., Any], name: str, shared: bool
) -> None:
    nlp = train_once(name, shared).load()
    for texts in ([""], ["Otto left Oslo sadly", ""]):
        *_, doc = nlp.pipe(texts)
        assert doc.cats == {"GOOD": 0.0, "BAD": 0.0}


def test_learns_from_odd_texts_among_ordinary_ones(trained: Trained) -> None:
    nlp = trained.load()
    optimizer = nlp.resume_training()
    losses: dict[str, float] = {}
    nlp.update(odd_examples(nlp), sgd=optimizer, losses=losses)
    train(nlp, optimizer, steps=5)
    assert np.isfinite(losses[trained.name])
    assert score(nlp, trained.name) == 1.0


def test_learns_nothing_from_empty_docs_alone(trained: Trained) -> None:
    nlp = trained.load()
    before = list(nlp.pipe(TEXTS))
    optimizer = nlp.resume_training()
    nlp.update(odd_examples(nlp)[:1], sgd=optimizer)
    assert_same(nlp.pipe(TEXTS), before)


def test_survives_bytes(trained: Trained) -> None:
    nlp = trained.load()
    copy = make_pipeline(trained.name, shared="tok2vec" in nlp.pipe_names)
    copy.from_bytes(nlp.to_bytes())
    assert_same(copy.pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)


def test_survives_the_disk(trained: Trained) -> None:
    assert_same(trained.load().pipe(TEXTS), trained.docs, tolerance=0)


def test_survives_pickling(trained: Trained) -> None:
    nlp = trained.load()
    copy = pickle.loads(pickle.dumps(nlp))
    assert_same(copy.pipe(TEXTS), nlp.pipe(TEXTS), tolerance=0)
