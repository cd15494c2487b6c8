"""A language model as the objective of `spacy pretrain`: loss, words, encoders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.tokens import Doc
from spacy.training.pretrain import make_update, pretrain
from spacy.util import load_model_from_config, registry
from thinc.api import Adam, Model, set_dropout_rate

from spacy_seqrnn import PretrainLM
from spacy_seqrnn.batch import windows
from spacy_seqrnn.lm.model import in_chunks

from ..gradients import check_gradient
from ..small import small_tok2vec
from .models import TEXTS
from .pretraining import config_of, objective
from .test_directions import CONTEXTUAL

SEPARATE: dict[str, Any] = {"bidirectional": True, "separate_directions": True, "depth": 2}
ENCODERS: list[dict[str, Any]] = [{"bidirectional": False}, {"bidirectional": True}, SEPARATE]
MIXED: list[dict[str, Any]] = [{"depth": 2}, {"residual": True}]


@pytest.fixture(scope="module")
def docs() -> list[Doc]:
    nlp = spacy.blank("en")
    return [nlp.make_doc(text) for text in TEXTS]


def nats(model: Any, docs: list[Doc]) -> float:
    """The loss as spaCy asks for it, with gradients as if none were there before."""
    for node in model.walk():
        for name in node.grad_names:
            node.set_grad(name, 0 * node.get_grad(name))
    prediction, backprop = model.begin_update(docs)
    loss, gradient = model.attrs["loss"](model.ops, docs, prediction)
    backprop(gradient)
    return float(loss)


# What it learns


def log_softmax(scores: Any) -> Any:
    return scores - np.log(np.exp(scores).sum())


def log_probability(softmax: Model[Any, Any], state: Any, unit: int) -> float:
    """By the formula, for the cutoffs 5 and 9."""
    head = log_softmax(softmax.get_param("head_W") @ state + softmax.get_param("head_b"))
    if unit < 5:
        return float(head[unit])
    cluster, first = (0, 5) if unit < 9 else (1, 9)
    P, W, b = (softmax.get_param(f"cluster_{cluster}_{name}") for name in "PWb")
    return float(head[5 + cluster] + log_softmax(W @ (P @ state) + b)[unit - first])


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_loss_is_that_of_the_next_and_the_previous_words(
    texts: Path, docs: list[Doc], encoder: dict[str, Any]
) -> None:
    model = objective(texts, small_tok2vec(dropout=0.0, **encoder))
    random = np.random.default_rng(0)
    lm, vocabulary = model.layers[0], model.attrs["vocabulary"]
    lm.set_param("start", random.normal(size=lm.get_param("start").shape).astype("float32"))
    n = 1 + encoder["bidirectional"]
    assert lm.get_param("start").shape == (n, 16 // n)
    numbers = {word: i + 2 for i, word in enumerate(vocabulary.units)}
    expected = 0.0
    for doc, states in zip(docs, model.get_ref("tok2vec").predict(docs), strict=True):
        words = [numbers[token.text] for token in doc]
        for direction in range(n if words else 0):
            order = [*range(len(words))][:: 1 - 2 * direction]
            read = [states[i, direction * 16 // n :][: 16 // n] for i in order]
            predictors = [lm.get_param("start")[direction], *read]
            wanted = [*(words[i] for i in order), 1]  # the end
            for state, unit in zip(predictors, wanted, strict=True):
                expected -= log_probability(lm.get_ref("softmax"), state, unit)
    assert nats(model, docs) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_gradients(texts: Path, docs: list[Doc], encoder: dict[str, Any]) -> None:
    model = objective(texts, small_tok2vec(dropout=0.0, **encoder))
    nats(model, docs)
    named = [(node, name) for node in model.walk() for name in node.param_names]
    gradients = [node.get_grad(name).copy() for node, name in named]
    n_tokens = sum(map(len, docs))
    for (node, name), gradient in zip(named, gradients, strict=True):
        values = node.get_param(name)
        check_gradient(lambda: nats(model, docs) / n_tokens, values, gradient, most=3)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_no_prediction_sees_its_word(texts: Path, encoder: dict[str, Any]) -> None:
    model = objective(texts, small_tok2vec(dropout=0.0, **encoder))
    before = predictors(model, ["The", "cat", "sat", "on", "it"])
    after = predictors(model, ["The", "cat", "slept", "on", "it"])
    for ahead, states, others in zip([True, False], before, after, strict=False):
        end = [] if ahead else [0]  # which comes first for the direction that reads backwards
        same = [np.array_equal(*pair) for pair in zip(states, others, strict=True)]
        up_to_it = same[:3] if ahead else same[len(end) + 2 :]
        assert all(up_to_it)
        assert sum(same) == len(up_to_it)


def predictors(model: Any, words: list[str]) -> list[Any]:
    """The states that predict the words of a document, in order, of each direction."""
    doc = Doc(spacy.blank("en").vocab, words=words)
    ((_, found, _),) = in_chunks(model.layers[0], [doc], is_train=False)
    states: list[Any] = found.states
    return states


def test_long_documents_are_read_in_windows(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = objective(texts)
    doc = spacy.blank("en").make_doc(" ".join(TEXTS * 10))
    expected = nats(model, [doc])
    monkeypatch.setattr(windows, "TRAINING", windows.Limits(chunk=100, window=20, context=40))
    sizes: list[int] = []

    def encode(*args: Any) -> Any:
        for chunk, Y, backprop in windows.encode_chunks(*args):
            sizes.append(Y.packing.n_tokens)
            yield chunk, Y, backprop

    monkeypatch.setattr("spacy_seqrnn.lm.model.encode_chunks", encode)
    assert nats(model, [doc]) == pytest.approx(expected, rel=1e-3)
    assert max(sizes) <= 100 < len(doc) < sum(sizes)


def test_the_dropout_of_the_config_applies(texts: Path, docs: list[Doc]) -> None:
    model = objective(texts, small_tok2vec())
    assert nats(model, docs) == nats(model, docs)
    set_dropout_rate(model, 0.5)
    assert nats(model, docs) != nats(model, docs)


def test_documents_without_words(texts: Path) -> None:
    model = objective(texts)
    empty = Doc(spacy.blank("en").vocab)
    assert nats(model, [empty]) == nats(model, []) == 0.0
    assert make_update(model, [empty], Adam(0.01), model.attrs["loss"]) == 0.0


def test_it_learns(texts: Path, tmp_path: Path) -> None:
    config = config_of(texts, small_tok2vec(), corpus="${corpora.pretrain}")
    config["pretraining"] |= {"max_epochs": 20, "n_save_epoch": 10}
    config["pretraining"]["optimizer"]["learn_rate"] = 0.01
    nlp = load_model_from_config(config, auto_fill=True)
    (tmp_path / "out").mkdir()
    pretrain(nlp.config.interpolate(), tmp_path / "out")
    losses = [line["epoch_loss"] for line in srsly.read_jsonl(tmp_path / "out/log.jsonl")]
    assert losses[-1] < 0.6 * losses[0]


# Which words


def test_words_are_counted_in_the_corpus(texts: Path) -> None:
    model = objective(texts)
    units = model.attrs["vocabulary"].units
    assert units[0] == "."  # the most frequent
    assert set(units) > {"cat", "mat", "A", "No"}
    assert objective(texts, max_units=3).attrs["vocabulary"].units == units[:3]
    twice = objective(texts, min_count=2).attrs["vocabulary"].units
    assert "mat" in twice
    assert "A" not in twice
    assert model.layers[0].get_ref("softmax").get_dim("nO") == len(units) + 2


def test_words_of_another_reader_are_counted(texts: Path) -> None:
    (texts.parent / "more.txt").write_text("One more text\n")
    reader = {"@readers": "spacy.PlainTextCorpus.v1", "path": str(texts.parent / "more.txt")}
    units = objective(texts, corpus=reader).attrs["vocabulary"].units
    assert sorted(units) == ["One", "more", "text"]


def test_a_corpus_without_such_words_is_named(texts: Path) -> None:
    with pytest.raises(ValueError, match="No word of `corpus` occurs 100 times: name the raw text"):
        objective(texts, min_count=100)


def test_it_needs_the_pipeline(texts: Path) -> None:
    function: Any = PretrainLM(corpus=lambda nlp: [])
    model = function(spacy.blank("en").vocab, registry.resolve({"t": small_tok2vec()})["t"])
    with pytest.raises(ValueError, match="name it as `objective` in \\[pretraining\\]"):
        model.initialize()


# Which encoders


@pytest.mark.parametrize("encoder", MIXED)
def test_states_that_have_read_the_word_are_rejected(texts: Path, encoder: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="set `separate_directions = true`, or `bidirectional = f"):
        objective(texts, small_tok2vec(**encoder))


@pytest.mark.parametrize("name", CONTEXTUAL)
def test_what_has_read_both_sides_is_rejected(texts: Path, name: str) -> None:
    with pytest.raises(ValueError, match="depends on the words around it, as in a convolution"):
        objective(texts, CONTEXTUAL[name])
