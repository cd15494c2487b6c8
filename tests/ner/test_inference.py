"""Entities and their probabilities, from the scores of a model."""

from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_seqrnn.crf.chain import SCORES, LinearChain, PooledChain
from spacy_seqrnn.crf.decoding import viterbi
from spacy_seqrnn.crf.expectations import marginals
from spacy_seqrnn.ner.biluo import Entities, entities_of_tags, tag_names

from ..pipes import get_pipe
from ..small import small_ner
from .pipelines import TRAIN, make_examples, make_nlp, train, trained


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A trained pipeline that tests only read."""
    return trained(spans_key="scores")


@pytest.fixture(scope="module")
def ensemble() -> Language:
    members = {"a": small_ner(), "b": small_ner()}
    model = {"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": members}
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": model, "spans_key": "scores"})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    train(nlp, examples, steps=20)
    return nlp


def make_docs(nlp: Language) -> list[Doc]:
    return [Doc(nlp.vocab, words=text.split()) for text, _ in TRAIN]


def equal(one: LinearChain, other: LinearChain) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in SCORES)


@pytest.mark.parametrize("kind", ["nlp", "ensemble"])
def test_what_is_predicted_is_what_the_three_give(
    kind: str, request: pytest.FixtureRequest
) -> None:
    nlp = request.getfixturevalue(kind)
    recogniser, docs = get_pipe(nlp, "seqrnn_ner"), make_docs(nlp)
    chain = recogniser.chains(docs)
    found = recogniser.entities(chain)
    scores = recogniser.scores(chain, found)
    assert scores.dtype == np.float32
    names = [recogniser.labels[number] for number in found.labels]
    ends = found.starts + found.lengths
    rows = zip(found.docs, found.starts, ends, names, scores, strict=True)
    expected = [
        (i, span.start, span.end, span.label_, score)
        for i, doc in enumerate(nlp.pipe(make_docs(nlp)))
        for span, score in zip(doc.ents, doc.spans["scores"].attrs["scores"], strict=True)
    ]
    assert list(rows) == expected
    assert len(expected) > 3


def test_the_chain_is_what_the_model_gives_where_nothing_is_ruled_out(nlp: Language) -> None:
    recogniser, docs = get_pipe(nlp, "seqrnn_ner"), make_docs(nlp)
    assert equal(recogniser.chains(docs), recogniser.model.predict(docs))


def test_the_chain_of_an_ensemble_is_the_mean(ensemble: Language) -> None:
    recogniser, docs = get_pipe(ensemble, "seqrnn_ner"), make_docs(ensemble)
    scored = recogniser.model.predict(docs)
    assert isinstance(scored, PooledChain)
    chain = recogniser.chains(docs)
    assert isinstance(chain, LinearChain)
    assert equal(chain, scored.mean)


@pytest.mark.parametrize("kind", ["nlp", "ensemble"])
def test_what_is_ruled_out_has_no_probability(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A label that was never trained, and everything but what an earlier component has set."""
    nlp = request.getfixturevalue(kind)
    recogniser = nlp.get_pipe("seqrnn_ner")
    monkeypatch.setitem(recogniser.cfg, "unseen_labels", ["LOC"])
    doc = Doc(nlp.vocab, words=["Bob", "saw", "Oslo"])
    doc.set_ents([Span(doc, 1, 2, "PER")], default="missing")
    tags = marginals(recogniser.chains([doc]))
    names = tag_names(recogniser.labels)
    possible = [[names[tag] for tag in np.flatnonzero(row)] for row in tags]
    assert possible[1] == ["U-PER"]
    # An entity that begins before it or ends after it would have to include it.
    assert possible[0] == possible[2] == ["O", "U-PER"]


def test_constraints_are_those_of_the_chain(nlp: Language) -> None:
    recogniser: Any = nlp.get_pipe("seqrnn_ner")
    doc = Doc(nlp.vocab, words=["In", "New", "York"], sent_starts=[True, False, True])
    free = recogniser.model.predict([doc])
    assert equal(recogniser.constrain(free, [doc]), recogniser.chains([doc]))
    assert not equal(free, recogniser.chains([doc]))


def test_documents_without_tokens(nlp: Language) -> None:
    recogniser: Any = nlp.get_pipe("seqrnn_ner")
    chain = recogniser.chains([nlp.make_doc(""), nlp.make_doc("")])
    found = recogniser.entities(chain)
    assert len(found.docs) == 0
    assert recogniser.scores(chain, found).shape == (0,)


def test_chains_before_initialization() -> None:
    with pytest.raises(KeyError, match="has not been allocated"):
        get_pipe(make_nlp(), "seqrnn_ner").chains([make_nlp().make_doc("Oslo")])


def test_scores_of_any_entity(nlp: Language) -> None:
    """Also of one that is not predicted: at the temperature, all of a token's tags sum to 1."""
    recogniser: Any = nlp.get_pipe("seqrnn_ner")
    chain = recogniser.chains([Doc(nlp.vocab, words=["Oslo"])])
    zeros = np.zeros(2, dtype=int)
    scores = recogniser.scores(chain, Entities(zeros, zeros, zeros + 1, np.asarray([0, 1])))
    tags = marginals(chain)[0]
    assert scores.tolist() == pytest.approx(tags[[4, 8]], abs=1e-6)
    assert tags[[0, 4, 8]].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_scores_are_at_the_fitted_temperature(
    nlp: Language, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    recogniser: Any = nlp.get_pipe("seqrnn_ner")
    chain = recogniser.chains(make_docs(nlp))
    found = recogniser.entities(chain)
    expected = recogniser.scores(chain.scale(1 / temperature), found)
    monkeypatch.setitem(recogniser.cfg, "temperature", temperature)
    np.testing.assert_allclose(recogniser.scores(chain, found), expected, rtol=1e-5)


def test_label_weights_count_at_a_temperature(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fitted one, if no other is given."""
    recogniser: Any = nlp.get_pipe("seqrnn_ner")
    chain = recogniser.chains([Doc(nlp.vocab, words=["Oslo"])])
    outside, location = (chain.emissions + chain.start + chain.end)[0, [0, 4]]
    # Less than the odds against the entity at a temperature of 1, and more at 0.1
    weight = float(np.exp(2 * (outside - location)))
    monkeypatch.setattr(recogniser, "label_weights", {"LOC": weight})

    def n_found(**options: Any) -> int:
        return len(recogniser.entities(chain, **options).docs)

    assert n_found(temperature=0.1) == 1
    assert n_found(temperature=1.0) == n_found() == 0
    monkeypatch.setitem(recogniser.cfg, "temperature", 0.1)
    assert n_found() == 1


def test_entities_without_label_weights_are_those_of_the_best_sequences(nlp: Language) -> None:
    recogniser, docs = get_pipe(nlp, "seqrnn_ner"), make_docs(nlp)
    chain = recogniser.chains(docs)
    tags = viterbi(chain)[chain.packing.from_packed]
    expected = entities_of_tags(tags, chain.packing.lengths)
    found = recogniser.entities(chain)
    for name in ("docs", "starts", "lengths", "labels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_scores_are_probabilities_of_the_entities(nlp: Language) -> None:
    doc = nlp(Doc(nlp.vocab, words=["Anna", "Berg", "lives", "in", "New", "York", "City"]))
    group = doc.spans["scores"]
    assert [(s.start, s.end, s.label_) for s in group] == [
        (s.start, s.end, s.label_) for s in doc.ents
    ]
    scores = group.attrs["scores"]
    assert scores.dtype == np.float32
    assert len(scores) == len(doc.ents) > 1
    assert ((scores > 0) & (scores <= 1)).all()
    # The posterior of an entity of one token is the marginal of its tag.
    doc = nlp(Doc(nlp.vocab, words=["Oslo"]))
    tags = marginals(get_pipe(nlp, "seqrnn_ner").model.predict([doc]))
    labels = get_pipe(nlp, "seqrnn_ner").labels
    expected = tags[0, 1 + 4 * labels.index("LOC") + 3]
    assert doc.spans["scores"].attrs["scores"][0] == pytest.approx(expected, abs=1e-6)
