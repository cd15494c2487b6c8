"""Whole pipelines on a GPU: they train, predict, explain and are saved as on the CPU."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import load_model_from_config
from thinc.api import Ops, fix_random_seed, use_ops

from spacy_seqrnn.batch import windows
from spacy_seqrnn.explain import explain_ner, explain_textcat
from spacy_seqrnn.explain.gates import gates_of_text
from spacy_seqrnn.explain.gradients import gradients_of_cells, gradients_of_text
from spacy_seqrnn.explain.remedies import compare_clipping, compare_forget_bias, compare_residual
from spacy_seqrnn.heads.pooling import POOLINGS
from spacy_seqrnn.lm.surprisal import surprisal_of
from spacy_seqrnn.rnn.cells import CELLS

from ..architectures.test_data_validation import MODELS, NGRAMS
from ..conftest import CLAUSES, LISTENER, ODD_TEXTS, gold_examples, tok2vec_config
from ..pipes import get_pipe
from ..small import small_ner, small_ngrams, small_textcat
from .compare import close, named

NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?")
POOLED = small_textcat(False, pooling=list(POOLINGS), ngrams=small_ngrams())
BOTH = {"a": POOLED, "b": {**NGRAMS, "exclusive_classes": False}}
ENSEMBLE = {"@architectures": "spacy-seqrnn.TextCatEnsemble.v1", "members": BOTH}
PIPELINES: dict[str, dict[str, Any]] = {
    **{name: {factory: {"model": model}} for name, (factory, model) in MODELS.items()},
    "clipped": {"seqrnn_ner": {"model": small_ner(max_grad_norm=0.1)}},
    "scores and weights": {
        "seqrnn_ner": {"model": small_ner(), "spans_key": "sc", "label_weights": 2.0}
    },
    "wrong spans": {"seqrnn_ner": {"model": small_ner(), "incorrect_spans_key": "wrong"}},
    "all poolings": {"textcat_multilabel": {"model": ENSEMBLE}},
    "recipe": {
        "seqrnn_ner": {
            "model": small_ner()
            | {"tok2vec": {"@architectures": "spacy-seqrnn.HashEmbedRNN.v1", "width": 16}}
        }
    },
    "listeners": {
        "tok2vec": {"model": tok2vec_config()},
        "seqrnn_ner": {"model": {**small_ner(), "tok2vec": LISTENER}},
        "textcat": {"model": {**small_textcat(True, bidirectional=True), "tok2vec": LISTENER}},
    },
}


def make(pipes: dict[str, dict[str, Any]]) -> Language:
    """An initialised pipeline on the CPU."""
    with use_ops("numpy"):
        fix_random_seed(0)
        nlp = spacy.blank("en")
        for factory, config in pipes.items():
            nlp.add_pipe(factory, config=config)
        nlp.initialize(lambda: gold_examples(nlp))
        return nlp


def on_device(nlp: Language) -> Language:
    """A copy for the current ops."""
    return load_model_from_config(nlp.config, vocab=True, auto_fill=True).from_bytes(nlp.to_bytes())


def train(
    nlp: Language, steps: int = 2, *, learn_rate: float = 0.001, drop: float = 0.0
) -> list[dict[str, float]]:
    fix_random_seed(0)
    optimizer = nlp.resume_training()
    optimizer.learn_rate = learn_rate
    examples = gold_examples(nlp)
    for example in examples:  # adverbs are no cities
        gold = example.reference
        gold.spans["wrong"] = [Span(gold, len(gold) - 2, len(gold) - 1, label="CITY")]
    return [nlp.update(examples, drop=drop, sgd=optimizer, losses={}) for _ in range(steps)]


TEXTS = [*ODD_TEXTS, *(" ".join(clause) for clause in CLAUSES)]


def bits(doc: Doc) -> dict[str, float]:
    """What a language model says about each token."""
    found = surprisal_of(doc)
    return {} if found is None else {str(i): float(b) for i, b in enumerate(found.bits)}


def read(nlp: Language, texts: list[str] = TEXTS) -> list[Any]:
    """A pipeline's predictions for texts."""
    return [
        (
            [(ent.start, ent.end, ent.label_) for ent in doc.ents],
            [*(token.tag_ for token in doc), doc._.output],
            doc.cats or bits(doc),
        )
        for doc in nlp.pipe(texts)
    ]


def assert_same_answers(own: list[Any], expected: list[Any]) -> None:
    for (ents, tags, cats), (host_ents, host_tags, host_cats) in zip(own, expected, strict=True):
        assert (ents, tags) == (host_ents, host_tags)
        assert cats == pytest.approx(host_cats, abs=1e-3)


def trained_on_both(pipes: dict[str, dict[str, Any]]) -> tuple[Language, Language]:
    """A pipeline that was trained on the CPU, and one on the device."""
    host = make(pipes)
    device = on_device(host)
    with use_ops("numpy"):
        losses = train(host)
    for own, expected in zip(train(device), losses, strict=True):
        assert own == pytest.approx(expected, rel=1e-2)
    return host, device


@pytest.mark.parametrize("name", PIPELINES)
def test_trains_and_predicts(gpu: Ops, name: str) -> None:
    host, device = trained_on_both(PIPELINES[name])
    pipes: list[tuple[str, Any]] = device.components
    for _, pipe in pipes:
        for node, param in named(pipe.model):
            assert type(node.get_param(param)) is gpu.xp.ndarray, (node.name, param)
    with use_ops("numpy"):
        expected = read(host)
    assert_same_answers(read(device), expected)


@pytest.mark.parametrize("name", ["crf", "textcat ensemble", "listeners"])
def test_from_one_device_to_the_other(gpu: Ops, name: str, tmp_path: Path) -> None:
    """A pipeline that was trained on a GPU reads the same on a CPU, and back."""
    device = on_device(make(PIPELINES[name]))
    train(device)
    device.to_disk(tmp_path)
    own = read(device)
    with use_ops("numpy"):
        assert_same_answers(read(spacy.load(tmp_path)), own)
    assert_same_answers(read(spacy.load(tmp_path)), own)


@pytest.mark.parametrize("factory", ["seqrnn_ner", "textcat"])
def test_long_documents(gpu: Ops, factory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In windows, in training and prediction."""
    limits = windows.Limits(chunk=12, window=2, context=1)
    monkeypatch.setattr(windows, "PREDICTION", limits)
    monkeypatch.setattr(windows, "TRAINING", limits)
    model = small_ner() if factory == "seqrnn_ner" else small_textcat(True)
    host, device = trained_on_both({factory: {"model": model}})
    text = " ".join(" ".join(clause) for clause in CLAUSES * 3)
    with use_ops("numpy"):
        expected = read(host, [text] * 2)
    assert_same_answers(read(device, [text] * 2), expected)


def test_new_labels(gpu: Ops) -> None:
    """Output layers grow on the device."""
    pipes = {"seqrnn_ner": {"model": small_ner()}, "textcat_multilabel": {"model": POOLED}}
    device = on_device(make(pipes))
    for pipe in pipes:
        get_pipe(device, pipe).add_label("NEW")
    losses = train(device, drop=0.3)
    assert all(np.isfinite(loss) for of_step in losses for loss in of_step.values())
    assert "NEW" in device(ODD_TEXTS[-1]).cats


def test_rehearsal_and_calibration(gpu: Ops) -> None:
    device = on_device(make({"seqrnn_ner": {"model": small_ner(), "spans_key": "scored"}}))
    train(device, steps=20, learn_rate=0.02)
    device.rehearse(gold_examples(device), sgd=device.resume_training())
    temperature = get_pipe(device, "seqrnn_ner").calibrate(device, gold_examples(device))
    assert temperature > 0
    assert device("Otto left New Lund .").spans["scored"].attrs["scores"] is not None


EXPLAINED: dict[str, tuple[dict[str, Any], Callable[..., Any]]] = {
    "entities": ({"seqrnn_ner": {"model": small_ner()}}, explain_ner),
    "categories": ({"textcat_multilabel": {"model": ENSEMBLE}}, explain_textcat),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_explanations(gpu: Ops, name: str) -> None:
    pipes, explain = EXPLAINED[name]
    host, device = trained_on_both(pipes)
    with use_ops("numpy"):
        expected = str(explain(host, "Otto left New Lund ."))
    own = str(explain(device, "Otto left New Lund ."))
    assert NUMBER.split(own) == NUMBER.split(expected)
    close([float(n) for n in NUMBER.findall(own)], [float(n) for n in NUMBER.findall(expected)])


CURVES: dict[str, Callable[..., Any]] = {
    "gates": lambda nlp: gates_of_text(nlp, TEXTS[-1]),
    "gradients": lambda nlp: gradients_of_text(nlp, TEXTS[-1]),
    "cells": lambda nlp: gradients_of_cells(list(CELLS), length=9, width=4),
    "forget bias": lambda nlp: compare_forget_bias(length=9, width=4),
    "residual": lambda nlp: compare_residual((2,), length=9, width=4),
    "clipping": lambda nlp: compare_clipping(length=9, width=4),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves(gpu: Ops, name: str) -> None:
    """The inputs of the recurrence."""
    host = make({"seqrnn_ner": {"model": small_ner()}})
    own = str(CURVES[name](on_device(host)))
    with use_ops("numpy"):
        expected = str(CURVES[name](host))
    numbers = [[float(n) for n in NUMBER.findall(text)] for text in (own, expected)]
    close(*numbers, tolerance=1e-3)
