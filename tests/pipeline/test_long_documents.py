"""Training on batches and documents that are too long to be read at once."""

from dataclasses import replace

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed

from spacy_seqrnn.annotations import MISSING
from spacy_seqrnn.layers import pieces
from spacy_seqrnn.layers.pieces import listens, random_windows, training_pieces
from spacy_seqrnn.pipeline.ner_loss import read_gold

from ..small import small_ner, small_textcat, small_tok2vec

WORDS = ["Oslo", "sleeps", "in", "New", "York", ".", "Bob", "sings"]
ENTITIES = {"Oslo": (1, "LOC"), "New": (2, "LOC"), "Bob": (1, "PER")}


def make_doc(vocab, n_tokens):
    """A text that is about WORDS again and again, with its entities."""
    words = (WORDS * (n_tokens // len(WORDS) + 1))[:n_tokens]
    doc = Doc(vocab, words=words)
    found = [(i, *ENTITIES[word]) for i, word in enumerate(words) if word in ENTITIES]
    doc.set_ents([Span(doc, i, i + n, label) for i, n, label in found if i + n <= n_tokens])
    return doc


def make_examples(nlp, lengths):
    docs = [make_doc(nlp.vocab, length) for length in lengths]
    return [Example(Doc(nlp.vocab, words=[t.text for t in doc]), doc) for doc in docs]


def make_nlp(lengths, **config):
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": small_ner(), **config})
    return nlp, nlp.initialize(lambda: make_examples(nlp, lengths))


@pytest.fixture
def small_windows(monkeypatch):
    limits = pieces.Limits(piece=30, window=10, context=3)
    monkeypatch.setattr(pieces, "TRAINING", limits)
    monkeypatch.setattr(pieces, "PREDICTION", limits)


def gradients(nlp, examples):
    """Loss and gradients of one batch."""
    component = nlp.get_pipe("seqrnn_ner")
    losses = component.update(examples)
    found = [
        node.get_grad(name).copy() for node in component.model.walk() for name in node.grad_names
    ]
    return losses["seqrnn_ner"], found


def test_a_large_batch_is_trained_on_as_if_at_once(monkeypatch):
    lengths = [5, 0, 12, 8, 8, 1]
    nlp, _ = make_nlp(lengths, label_weights=2.0)
    examples = make_examples(nlp, lengths)
    loss, expected = gradients(nlp, examples)
    nlp, _ = make_nlp(lengths, label_weights=2.0)
    monkeypatch.setattr(pieces, "TRAINING", replace(pieces.TRAINING, piece=13))
    model = nlp.get_pipe("seqrnn_ner").model
    assert len(training_pieces(model, [example.predicted for example in examples])) == 4
    loss_of_pieces, found = gradients(nlp, examples)
    assert loss_of_pieces == pytest.approx(loss, rel=1e-5)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.usefixtures("small_windows")
def test_every_tag_counts_in_one_window():
    nlp, _ = make_nlp([20])
    examples = make_examples(nlp, [45, 4, 17, 0])
    examples[0].reference.spans["wrong"] = [
        Span(examples[0].reference, 8, 12, "PER"),  # begins in one window and ends in the next
        Span(examples[0].reference, 9, 30, "PER"),  # in none as a whole
        Span(examples[0].reference, 44, 45, "PER"),
    ]
    component = nlp.get_pipe("seqrnn_ner")
    gold = read_gold(examples, component._label_numbers, "wrong")
    assert len(gold.wrong.docs) == 3
    docs = [example.predicted for example in examples]
    kept, wrong = [], []
    for piece in training_pieces(component.model, docs):
        assert sum(map(len, piece.docs)) <= 30
        own = gold.of(piece)
        for number, (doc, tokens, first) in enumerate(piece.windows()):
            tags = own.tags[own.firsts[number] : own.firsts[number] + len(doc)]
            kept += tags[tokens].tolist()
            tags[tokens] = MISSING
            assert (tags == MISSING).all()
            spans = own.wrong.docs == number
            wrong += [
                (first + start, first + start + length)
                for start, length in zip(
                    own.wrong.starts[spans], own.wrong.lengths[spans], strict=True
                )
            ]
    assert kept == gold.tags.tolist()
    assert wrong == [(8, 12), (44, 45)]


@pytest.mark.usefixtures("small_windows")
def test_learns_from_windows_of_a_long_document():
    nlp, optimizer = make_nlp([101])
    optimizer.learn_rate = 0.02
    for _ in range(40):
        losses = nlp.update(make_examples(nlp, [101]), sgd=optimizer)
    assert losses["seqrnn_ner"] < 1
    assert nlp.evaluate(make_examples(nlp, [101]))["ents_f"] == 1.0
    nlp.resume_training()
    assert nlp.rehearse(make_examples(nlp, [101]))["seqrnn_ner"] < 1


@pytest.mark.usefixtures("small_windows")
def test_listeners_get_the_batch_whole():
    """A shared tok2vec has read it whole, and would not know a window."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": small_tok2vec()})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    ner = nlp.add_pipe("seqrnn_ner", config={"model": {**small_ner(), "tok2vec": listener}})
    textcat = nlp.add_pipe(
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
def test_text_categories_are_learnt_from_random_windows(monkeypatch):
    nlp = spacy.blank("en")
    docs = [make_doc(nlp.vocab, length) for length in (16, 17, 400, 0)]
    fix_random_seed(0)
    windows = [random_windows(docs)[2].text for _ in range(20)]
    assert len(set(windows)) > 1
    assert all(window in docs[2].text for window in windows)
    assert [len(doc) for doc in random_windows(docs)] == [16, 16, 16, 0]
    assert random_windows(docs[:1]) == docs[:1]

    sizes = []
    textcat = nlp.add_pipe("textcat", config={"model": small_textcat(True)})
    examples = make_examples(nlp, [400, 5])
    for example, label in zip(examples, ("A", "B"), strict=True):
        example.reference.cats = {"A": label == "A", "B": label == "B"}
    optimizer = nlp.initialize(lambda: examples)
    tok2vec = textcat.model.get_ref("tok2vec")
    run = tok2vec._func

    def counted(model, docs, is_train):
        sizes.append([len(doc) for doc in docs])
        return run(model, docs, is_train)

    monkeypatch.setattr(tok2vec, "_func", counted)
    nlp.update(examples, sgd=optimizer)
    assert sizes == [[16, 5]]
