"""Models predict the same whether a batch is read at once or in chunks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import fix_random_seed

from spacy_seqrnn.batch import windows
from spacy_seqrnn.crf.chain import pooled

from ..small import small_ner, small_textcat

LENGTHS = [3, 0, 50, 1, 120, 7]


def make_docs(vocab: Vocab) -> list[Doc]:
    random = np.random.default_rng(0)
    words = ["Oslo", "Bob", "sleeps", "in", "New", "York", "."]
    return [Doc(vocab, words=random.choice(words, n).tolist()) for n in LENGTHS]


def make_pipe(component: str) -> tuple[Any, ...]:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    ensemble = {
        "@architectures": "spacy-seqrnn.NEREnsemble.v1",
        "members": {"a": small_ner(), "b": small_ner(decoder="softmax")},
    }
    models = {
        "ner": ("seqrnn_ner", small_ner()),
        "ensemble": ("seqrnn_ner", ensemble),
        "textcat": ("textcat", small_textcat(True, pooling=["max", "last", "attention"])),
    }
    factory, model = models[component]
    pipe: Any = nlp.add_pipe(factory, config={"model": model})
    for label in ("A", "B"):
        pipe.add_label(label)
    nlp.initialize()
    return nlp, pipe


def outputs(pipe: Any, docs: list[Doc]) -> np.ndarray:
    predicted = pipe.model.predict(docs)
    return predicted if isinstance(predicted, np.ndarray) else pooled(predicted).emissions


@pytest.mark.parametrize("component", ["ner", "ensemble", "textcat"])
def test_chunks_change_nothing(component: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp, pipe = make_pipe(component)
    expected = outputs(pipe, make_docs(nlp.vocab))
    monkeypatch.setattr(windows, "PREDICTION", replace(windows.PREDICTION, chunk=40))
    np.testing.assert_allclose(outputs(pipe, make_docs(nlp.vocab)), expected, atol=1e-5)


@pytest.mark.parametrize("component", ["ner", "ensemble"])
def test_context_brings_windows_close_to_the_whole(
    component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each token of context makes the error smaller."""
    nlp, pipe = make_pipe(component)
    docs = make_docs(nlp.vocab)
    expected = outputs(pipe, docs)
    limits = replace(windows.PREDICTION, window=20, context=45)
    monkeypatch.setattr(windows, "PREDICTION", limits)
    parts = windows.prediction_chunks(LENGTHS, cut=True)
    assert windows.are_cut(parts, len(docs))  # 120 > 20 + 2 * 45
    in_windows = outputs(pipe, docs)
    assert np.abs(in_windows - expected).max() < 0.05
    monkeypatch.setattr(windows, "PREDICTION", replace(limits, context=0))
    cut = outputs(pipe, docs)
    assert np.abs(cut - expected).max() > np.abs(in_windows - expected).max()


@pytest.mark.parametrize("component", ["ner", "textcat"])
def test_a_prediction_has_no_way_back(component: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp, pipe = make_pipe(component)
    monkeypatch.setattr(windows, "PREDICTION", replace(windows.PREDICTION, chunk=40))
    _, backprop = pipe.model(make_docs(nlp.vocab), is_train=False)
    with pytest.raises(ValueError, match="call the model with is_train=True"):
        backprop(None)
