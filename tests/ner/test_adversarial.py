"""Adversarial training of the entity recogniser."""

from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from thinc.api import Adam, fix_random_seed

from spacy_seqrnn.batch import windows
from spacy_seqrnn.batch.adversarial import move
from spacy_seqrnn.batch.composition import run_in_turn, run_packed, split_encoders
from spacy_seqrnn.batch.docs import DocBatch
from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.ner import model as ner_model
from spacy_seqrnn.ner.labels import label_numbers
from spacy_seqrnn.ner.loss import ner_loss, read_gold

from ..pipes import get_pipe
from ..small import small_ner
from .pipelines import entities, make_examples, make_nlp, trained

DISTANCE = 0.1


def initialized(model_options: dict[str, Any]) -> tuple[Language, list[Any]]:
    nlp = make_nlp(model_options)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    component: Any = get_pipe(nlp, "seqrnn_ner")
    # Emissions that depend on the tokens: the gradient of the embedding must not be 0.
    output = component.model.get_ref("output_layer")
    random = np.random.default_rng(0)
    output.set_param("W", random.normal(size=output.get_param("W").shape).astype("float32"))
    return nlp, examples


def gradients_of(model: Any) -> dict[tuple[int, str], Any]:
    nodes = enumerate(model.walk())
    return {(i, name): node.get_grad(name).copy() for i, node in nodes for name in node.grad_names}


def two_passes(nlp: Language, examples: list[Any]) -> dict[tuple[int, str], Any]:
    """The gradients of both passes over whole documents, written out."""
    component: Any = get_pipe(nlp, "seqrnn_ner")
    model, docs = component.model, [example.predicted for example in examples]
    gold = read_gold(examples, label_numbers(component.labels, nlp.vocab.strings), None)
    embed, encoders = split_encoders(model.get_ref("tok2vec"))
    X, backprop_embed = run_packed(embed, DocBatch(docs), is_train=True)

    def gradient_at(embedded: Packed) -> Packed:
        Y, backprop_encoders = run_in_turn(encoders, embedded, is_train=True)
        chain, backprop_scores = ner_model._score(model, Y, is_train=True)
        d_chain: Any = ner_loss(chain, gold)[1]
        found: Packed = backprop_encoders(backprop_scores(d_chain.scale(1.0 / len(examples))))
        return found

    first = gradient_at(X)
    second = gradient_at(Packed(move(model.ops, X, first, DISTANCE), X.packing))
    backprop_embed(Packed(first.data + second.data, X.packing))
    return gradients_of(model)


@pytest.mark.parametrize("windowed", [False, True])
def test_gradients_are_those_of_both_passes(
    windowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if windowed:  # several chunks of whole documents
        monkeypatch.setattr(windows, "TRAINING", windows.Limits(chunk=8, window=50, context=3))
    nlp, examples = initialized({"adversarial": DISTANCE})
    component: Any = get_pipe(nlp, "seqrnn_ner")
    component.update(examples)
    found = gradients_of(component.model)
    nlp, examples = initialized({})
    expected = two_passes(nlp, examples)
    assert found.keys() == expected.keys()
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], atol=1e-5)


def test_the_moved_embeddings_change_what_is_learned() -> None:
    learned = []
    for options in ({}, {"adversarial": DISTANCE}):
        nlp, examples = initialized(options)
        component: Any = get_pipe(nlp, "seqrnn_ner")
        component.update(examples)
        learned.append(gradients_of(component.model))
    assert any(not np.allclose(2 * learned[0][key], learned[1][key]) for key in learned[0])


def test_it_learns_and_predicts_as_always() -> None:
    nlp = trained({"adversarial": 0.02})
    assert entities(nlp, "In New York City Bob sleeps") == [
        ("New York City", "LOC"),
        ("Bob", "PER"),
    ]


@pytest.mark.parametrize("long", [False, True])
def test_it_works_in_windows(long: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "TRAINING", windows.Limits(chunk=6, window=2, context=1))
    nlp, examples = initialized({"adversarial": DISTANCE})
    losses = nlp.update(examples if long else examples[3:4], sgd=Adam(0.01))
    assert 0 < losses["seqrnn_ner"] < np.inf


def test_rehearsal_is_not_adversarial() -> None:
    nlp = trained({"adversarial": DISTANCE}, steps=3)
    optimizer = nlp.resume_training()
    examples = make_examples(nlp)
    get_pipe(nlp, "seqrnn_ner").model.get_ref("output_layer").get_param("b")[:] += 1
    losses: dict[str, float] = {}
    nlp.rehearse(examples, sgd=optimizer, losses=losses)
    assert losses["seqrnn_ner"] > 0


def test_members_of_an_ensemble_move_each_for_itself() -> None:
    fix_random_seed(0)
    members = {name: small_ner(adversarial=DISTANCE) for name in ("one", "two")}
    model = {"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": members}
    nlp = Language()
    nlp.add_pipe("seqrnn_ner", config={"model": model})
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    component: Any = get_pipe(nlp, "seqrnn_ner")
    component.update(examples)
    both = [gradients_of(member) for member in component.model.layers]
    for member in component.model.layers:
        for node in member.walk():
            for name in node.grad_names:
                node.set_grad(name, 0 * node.get_grad(name))
    docs = [example.predicted for example in examples]
    gold = read_gold(examples, label_numbers(component.labels, nlp.vocab.strings), None)
    for member, expected in zip(component.model.layers, both, strict=True):
        chunks = member.attrs["in_chunks"](member, docs, True, adversarial=True)
        for chunk, chain, backprop in chunks:
            backprop(ner_loss(chain, gold.of(chunk))[1].scale(1.0 / len(examples)))
        found = gradients_of(member)
        for key in expected:
            np.testing.assert_allclose(found[key], expected[key], atol=1e-6)


def test_members_must_agree() -> None:
    members = {"one": small_ner(adversarial=DISTANCE), "two": small_ner()}
    model = {"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": members}
    with pytest.raises(ValueError, match="set it for all of them, or for none"):
        Language().add_pipe("seqrnn_ner", config={"model": model})


def test_a_listener_has_no_embedding_to_move() -> None:
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 8}
    with pytest.raises(ValueError, match=r"`adversarial = 0.1` needs an encoder of this package"):
        make_nlp({"tok2vec": listener, "adversarial": DISTANCE})
