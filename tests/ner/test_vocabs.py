"""Documents of several vocabs in one batch, as separate converters and other programs make them."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import fix_random_seed

from spacy_seqrnn.architectures.embeds import CharCNNEmbed, LexemeEmbed, WordEmbed
from spacy_seqrnn.types import Floats1d

from ..conftest import gold_docs, tok2vec_config
from ..pipes import get_pipe

WORDS = ["Oslo", "oslo", "sleeps", "in", "New", "zyx", "ünter", "."]


def foreign(docs: list[Doc]) -> list[Doc]:
    """The same documents, each with a vocab of its own."""
    copies = [DocBin(docs=[doc], store_user_data=True) for doc in docs]
    return [next(iter(copy.get_docs(spacy.blank("en").vocab))) for copy in copies]


def with_vectors(vocab: Vocab, seed: int) -> Vocab:
    vocab.reset_vectors(width=4)
    random = np.random.default_rng(seed)
    for word in WORDS[:5]:
        vector: Floats1d = random.normal(size=4).astype("float32")
        vocab.set_vector(word, vector)
    return vocab


@given(
    texts=st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.sampled_from(WORDS), max_size=5)),
        min_size=1,
        max_size=6,
    ),
    table_size=st.sampled_from([0, 4, 100]),
)
@settings(max_examples=20)
def test_each_document_is_embedded_as_if_alone(
    texts: list[tuple[int, list[str]]], table_size: int
) -> None:
    """Also where the vocabs' vectors differ, and whether or not words are in the table."""
    vocabs = [with_vectors(spacy.blank("en").vocab, seed) for seed in range(3)]
    fix_random_seed(0)
    model = LexemeEmbed(
        layers={"chars": CharCNNEmbed(width=4), "words": WordEmbed(width=4)},
        include_static_vectors=True,
        table_size=table_size,
    )
    model.initialize(X=[Doc(vocabs[0], words=WORDS)])
    docs = [Doc(vocabs[number], words=words) for number, words in texts]
    alone = [model.predict([doc])[0] for doc in docs]
    for _ in range(2):
        for expected, found in zip(alone, model.predict(docs), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)
    Ys, backprop = model(docs, True)
    for expected, found in zip(alone, Ys, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    backprop([np.ones_like(Y) for Y in Ys])


def make_nlp(factory: str) -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    model: dict[str, Any] = {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": tok2vec_config()}
    if factory == "textcat":
        model.update({"@architectures": "spacy-seqrnn.TextCat.v1", "exclusive_classes": True})
    nlp.add_pipe(factory, config={"model": model})
    return nlp


def outcome(doc: Doc) -> tuple[Any, ...]:
    return [(e.start, e.end, e.label_) for e in doc.ents], {
        k: round(v, 4) for k, v in doc.cats.items()
    }


@pytest.mark.parametrize("factory", ["seqrnn_ner", "textcat"])
def test_trains_and_predicts_as_with_one_vocab(factory: str) -> None:
    results = []
    for several in (False, True):
        nlp = make_nlp(factory)
        references = gold_docs(nlp.vocab)
        references = foreign(references) if several else references
        examples = [Example(Doc(doc.vocab, words=[t.text for t in doc]), doc) for doc in references]
        optimizer = nlp.initialize(partial(list, examples))
        optimizer.learn_rate = 0.02
        for _ in range(25):
            nlp.update(examples, sgd=optimizer)
        docs = [Doc(nlp.vocab, words=[t.text for t in doc]) for doc in references]
        docs = foreign(docs) if several else docs
        found = [outcome(doc) for doc in nlp.pipe(docs)]
        results.append(found)
        assert found == [outcome(doc) for doc in nlp.pipe(docs, batch_size=2)]
        if factory == "seqrnn_ner":
            get_pipe(nlp, factory).calibrate(nlp, examples)
            scores = nlp.evaluate(examples)
            assert scores["ents_f"] == 1.0
    assert results[0] == results[1]


def test_labels_are_known_to_every_vocab() -> None:
    """A document's vocab may not have the recogniser's labels."""
    nlp = make_nlp("seqrnn_ner")
    component: Any = nlp.get_pipe("seqrnn_ner")
    examples = [
        Example(Doc(doc.vocab, words=[t.text for t in doc]), doc) for doc in gold_docs(nlp.vocab)
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(25):
        nlp.update(examples, sgd=optimizer)
    component.spans_key = "scores"
    own = Doc(spacy.blank("en").vocab, words=["Otto", "left", "New", "Lund", "sadly", "."])
    doc = component(own)
    assert {entity.label_ for entity in doc.ents} == {"PERSON", "CITY"}
    assert [span.label_ for span in doc.spans["scores"]] == [e.label_ for e in doc.ents]
