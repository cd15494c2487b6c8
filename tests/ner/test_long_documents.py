"""Training on batches and documents that are too long to be read at once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, fix_random_seed

from spacy_seqrnn.batch import windows
from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.windows import listens, random_windows, training_chunks
from spacy_seqrnn.ner.annotations import MISSING
from spacy_seqrnn.ner.labels import label_numbers
from spacy_seqrnn.ner.loss import read_gold

from ..pipes import get_pipe
from ..small import small_ner, small_textcat, small_tok2vec

WORDS = ["Oslo", "sleeps", "in", "New", "York", ".", "Bob", "sings"]
ENTITIES = {"Oslo": (1, "LOC"), "New": (2, "LOC"), "Bob": (1, "PER")}


def make_doc(vocab: Vocab, n_tokens: int) -> Doc:
    """A text that repeats WORDS, with its entities."""
    words = (WORDS * (n_tokens // len(WORDS) + 1))[:n_tokens]
    doc = Doc(vocab, words=words)
    found = [(i, *ENTITIES[word]) for i, word in enumerate(words) if word in ENTITIES]
    doc.set_ents([Span(doc, i, i + n, label) for i, n, label in found if i + n <= n_tokens])
    return doc


def make_examples(nlp: Language, lengths: list[int]) -> list[Example]:
    docs = [make_doc(nlp.vocab, length) for length in lengths]
    return [Example(Doc(nlp.vocab, words=[t.text for t in doc]), doc) for doc in docs]


def make_nlp(lengths: list[int], **config: Any) -> tuple[Language, Optimizer]:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": small_ner(), **config})
    return nlp, nlp.initialize(lambda: make_examples(nlp, lengths))


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = windows.Limits(chunk=30, window=10, context=3)
    monkeypatch.setattr(windows, "TRAINING", limits)
    monkeypatch.setattr(windows, "PREDICTION", limits)


def gradients(nlp: Language, examples: list[Example]) -> tuple[float, list[np.ndarray]]:
    """Loss and gradients of one batch."""
    component: Any = nlp.get_pipe("seqrnn_ner")
    losses = component.update(examples)
    found = [
        node.get_grad(name).copy() for node in component.model.walk() for name in node.grad_names
    ]
    return losses["seqrnn_ner"], found


def test_a_large_batch_is_trained_on_as_if_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = [5, 0, 12, 8, 8, 1]
    nlp, _ = make_nlp(lengths, label_weights=2.0)
    examples = make_examples(nlp, lengths)
    loss, expected = gradients(nlp, examples)
    nlp, _ = make_nlp(lengths, label_weights=2.0)
    monkeypatch.setattr(windows, "TRAINING", replace(windows.TRAINING, chunk=13))
    tok2vec = get_pipe(nlp, "seqrnn_ner").model.get_ref("tok2vec")
    assert len(training_chunks([tok2vec], [example.predicted for example in examples])) == 4
    loss_of_chunks, found = gradients(nlp, examples)
    assert loss_of_chunks == pytest.approx(loss, rel=1e-5)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.usefixtures("small_windows")
def test_every_tag_counts_in_one_window() -> None:
    nlp, _ = make_nlp([20])
    examples = make_examples(nlp, [45, 4, 17, 0])
    examples[0].reference.spans["wrong"] = [
        Span(examples[0].reference, 8, 12, "PER"),  # begins in one window and ends in the next
        Span(examples[0].reference, 9, 30, "PER"),  # in none as a whole
        Span(examples[0].reference, 44, 45, "PER"),
    ]
    component: Any = nlp.get_pipe("seqrnn_ner")
    gold = read_gold(examples, label_numbers(component.labels, nlp.vocab.strings), "wrong")
    assert len(gold.wrong.docs) == 3
    docs = [example.predicted for example in examples]
    kept, wrong = [], []
    for chunk in training_chunks([component.model.get_ref("tok2vec")], docs):
        assert len(chunk.rows) <= 30
        own = gold.of(chunk)
        kept += own.tags[chunk.kept].tolist()
        assert (own.tags[~chunk.kept] == MISSING).all()
        for window, start, length in zip(
            own.wrong.docs, own.wrong.starts, own.wrong.lengths, strict=True
        ):
            first = int(chunk.firsts[window] + start)
            wrong.append((first, first + int(length)))
    assert kept == gold.tags.tolist()
    assert wrong == [(8, 12), (44, 45)]


@pytest.mark.usefixtures("small_windows")
def test_learns_from_windows_of_a_long_document() -> None:
    nlp, optimizer = make_nlp([101])
    optimizer.learn_rate = 0.02
    for _ in range(40):
        losses = nlp.update(make_examples(nlp, [101]), sgd=optimizer)
    assert losses["seqrnn_ner"] < 1
    assert nlp.evaluate(make_examples(nlp, [101]))["ents_f"] == 1.0
    nlp.resume_training()
    assert nlp.rehearse(make_examples(nlp, [101]))["seqrnn_ner"] < 1


@pytest.mark.usefixtures("small_windows")
def test_gradients_of_windows_are_those_of_their_loss() -> None:
    """Along a random direction of all parameters, by finite differences."""
    nlp, _ = make_nlp([20])
    model = get_pipe(nlp, "seqrnn_ner").model
    examples = make_examples(nlp, [45, 4, 17])
    loss, _ = gradients(nlp, examples)
    params = [(node, name) for node in model.walk() for name in node.grad_names]
    random = np.random.default_rng(0)
    directions = [
        random.normal(size=node.get_param(name).shape).astype("f") for node, name in params
    ]
    slope = sum(
        float((node.get_grad(name) * d).sum())
        for (node, name), d in zip(params, directions, strict=True)
    )
    losses = []
    for step in (1e-3, -1e-3):
        for (node, name), d in zip(params, directions, strict=True):
            node.set_param(name, node.get_param(name) + step * d)
        losses.append(gradients(nlp, examples)[0])
        for (node, name), d in zip(params, directions, strict=True):
            node.set_param(name, node.get_param(name) - step * d)
    assert loss == pytest.approx(np.mean(losses), rel=1e-2)
    assert (losses[0] - losses[1]) / 2e-3 / 3 == pytest.approx(slope, rel=1e-2)


@pytest.mark.usefixtures("small_windows")
def test_listeners_get_the_batch_whole() -> None:
    """A shared tok2vec has read the whole batch, and cannot read a window."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": small_tok2vec()})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    ner: Any = nlp.add_pipe("seqrnn_ner", config={"model": {**small_ner(), "tok2vec": listener}})
    textcat: Any = nlp.add_pipe(
        "textcat",
        config={"model": {**small_textcat(True, bidirectional=True), "tok2vec": listener}},
    )
    examples = make_examples(nlp, [45, 30])
    for example, label in zip(examples, ("A", "B"), strict=True):
        example.reference.cats = {"A": label == "A", "B": label == "B"}
    optimizer = nlp.initialize(lambda: examples)
    assert listens(ner.model)
    assert listens(textcat.model)
    losses = nlp.update(examples, sgd=optimizer)
    assert losses["seqrnn_ner"] > 0
    assert losses["textcat"] > 0


@pytest.mark.usefixtures("small_windows")
def test_text_categories_are_learned_from_random_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder reads a window, and the gradient of its words reaches their embedding."""
    lengths = [16, 17, 400, 0]
    fix_random_seed(0)
    windows = [random_windows(lengths) for _ in range(20)]
    assert len({int(chunk.firsts[2]) for chunk in windows}) > 1
    for chunk in windows:
        assert chunk.lengths.tolist() == [16, 16, 16, 0]
        assert 33 <= chunk.firsts[2] <= 433 - 16

    sizes = []
    nlp = spacy.blank("en")
    textcat: Any = nlp.add_pipe("textcat", config={"model": small_textcat(True)})
    examples = make_examples(nlp, [400, 5])
    for example, label in zip(examples, ("A", "B"), strict=True):
        example.reference.cats = {"A": label == "A", "B": label == "B"}
    nlp.initialize(lambda: examples)
    embed, encoder = textcat.model.get_ref("tok2vec").layers
    recurrent = encoder.layers[0]
    run = recurrent._func

    def counted(
        model: Model[Any, Any], X: Packed, is_train: bool
    ) -> tuple[Packed, Callable[..., Any]]:
        sizes.append(X.packing.lengths.tolist())
        made: tuple[Packed, Callable[..., Any]] = run(model, X, is_train)
        return made

    monkeypatch.setattr(recurrent, "_func", counted)
    textcat.update(examples)
    assert sizes == [[16, 5]]
    assert all(node.get_grad(name).any() for node in embed.walk() for name in node.param_names)
