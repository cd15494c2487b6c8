from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam, Model, fix_random_seed

from spacy_seqrnn.architectures.ensembles import NEREnsemble, TextCatEnsemble
from spacy_seqrnn.architectures.ngrams import NgramTextCat
from spacy_seqrnn.crf.chain import SCORES
from spacy_seqrnn.types import FloatsXd

from ..pipes import get_pipe
from ..small import small_ner, small_textcat

ENTITIES = [
    ("Anna Berg lives in Oslo .", [(0, 9, "PER"), (19, 23, "LOC")]),
    ("In New York City Bob sleeps", [(3, 16, "LOC"), (17, 20, "PER")]),
    ("nothing happens here", []),
    ("", []),
]
CATS = [
    ("very good stuff", {"GOOD": 1.0, "BAD": 0.0}),
    ("not good at all", {"GOOD": 0.0, "BAD": 1.0}),
    ("not bad at all", {"GOOD": 1.0, "BAD": 0.0}),
    ("very bad stuff", {"GOOD": 0.0, "BAD": 1.0}),
    ("", {"GOOD": 0.0, "BAD": 0.0}),
]
NGRAMS = {"@architectures": "spacy-seqrnn.NgramTextCat.v1", "rows": 64, "dropout": 0.0}


def ner_config(n: int = 2) -> dict[str, Any]:
    members = {f"member{i}": small_ner() for i in range(n)}
    return {"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": members}


def textcat_config(exclusive: bool = True) -> dict[str, Any]:
    ngrams = {**NGRAMS, "exclusive_classes": exclusive}
    members = {"recurrent": small_textcat(exclusive), "ngrams": ngrams}
    return {"@architectures": "spacy-seqrnn.TextCatEnsemble.v1", "members": members}


def make_nlp(factory: str, model: dict[str, Any]) -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, name="pipe", config={"model": model})
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def make_examples(nlp: Language) -> list[Example]:
    if nlp.get_pipe_meta("pipe").factory == "seqrnn_ner":
        return [Example.from_dict(nlp.make_doc(t), {"entities": ents}) for t, ents in ENTITIES]
    return [Example.from_dict(nlp.make_doc(text), {"cats": cats}) for text, cats in CATS]


def train(nlp: Language, steps: int = 60) -> dict[str, float]:
    optimizer = Adam(0.02)
    losses: dict[str, float] = {}
    for _ in range(steps):
        losses = nlp.update(make_examples(nlp), sgd=optimizer, losses={})
    return losses


KINDS = [
    ("seqrnn_ner", ner_config()),
    ("textcat", textcat_config()),
    ("textcat_multilabel", textcat_config(exclusive=False)),
]


def predictions(nlp: Language) -> list[Any]:
    return [
        ([(span.text, span.label_) for span in doc.ents], doc.cats)
        for doc in nlp.pipe([eg.text for eg in make_examples(nlp)])
    ]


@pytest.mark.parametrize(("factory", "model"), KINDS)
def test_learns_its_training_data_and_survives_saving(
    factory: str, model: dict[str, Any], tmp_path: Path
) -> None:
    nlp = make_nlp(factory, model)
    train(nlp)
    examples = make_examples(nlp)
    scores = nlp.evaluate(examples)
    assert scores["ents_f" if factory == "seqrnn_ner" else "cats_macro_f"] == 1.0
    nlp.to_disk(tmp_path)
    assert predictions(spacy.load(tmp_path)) == predictions(nlp)


def test_chain_is_the_mean_of_the_members() -> None:
    nlp = make_nlp("seqrnn_ner", ner_config(3))
    model = get_pipe(nlp, "pipe").model
    docs = [eg.predicted for eg in make_examples(nlp)]
    chain = model.predict(docs)
    assert len(chain.members) == 3
    for name in SCORES:
        own = [getattr(member.predict(docs), name) for member in model.layers]
        np.testing.assert_allclose(getattr(chain.mean, name), np.mean(own, axis=0), atol=1e-5)
    assert not np.allclose(*(m.predict(docs).emissions for m in model.layers[:2]))


def test_categories_are_the_mean_of_the_members() -> None:
    nlp = make_nlp("textcat", textcat_config())
    model = get_pipe(nlp, "pipe").model
    docs = [eg.predicted for eg in make_examples(nlp)]
    mean = np.mean([member.predict(docs) for member in model.layers], axis=0)
    np.testing.assert_allclose(model.predict(docs), mean, atol=1e-6)


def with_spacy_config() -> dict[str, Any]:
    """A recurrent member combined with spaCy's own bag of words and convolutional network."""
    bow: dict[str, Any] = {"@architectures": "spacy.TextCatBOW.v3", "length": 64, "ngram_size": 1}
    bow |= {"exclusive_classes": True, "no_output_layer": False}
    cnn: dict[str, Any] = {"@architectures": "spacy.TextCatReduce.v1", "exclusive_classes": True}
    cnn |= {"use_reduce_first": False, "use_reduce_last": False}
    cnn |= {"use_reduce_max": False, "use_reduce_mean": True}
    cnn["tok2vec"] = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 8, "depth": 1}
    cnn["tok2vec"] |= {"embed_size": 50, "window_size": 1, "maxout_pieces": 2}
    cnn["tok2vec"] |= {"subword_features": True, "pretrained_vectors": None}
    members = {"recurrent": small_textcat(True), "bow": bow, "cnn": cnn}
    return {"@architectures": "spacy-seqrnn.TextCatEnsemble.v1", "members": members}


def test_spacys_models_can_be_members(tmp_path: Path) -> None:
    nlp = make_nlp("textcat", with_spacy_config())
    train(nlp, 100)
    examples = make_examples(nlp)[:-1]  # spaCy's predict something for the empty text
    assert nlp.evaluate(examples)["cats_macro_f"] == 1.0
    nlp.to_disk(tmp_path)
    assert predictions(spacy.load(tmp_path)) == predictions(nlp)


def gradients(model: Model[Any, Any]) -> list[FloatsXd]:
    return [node.get_grad(name) for node in model.walk() for name in node.grad_names]


@pytest.mark.parametrize(("factory", "model"), KINDS)
def test_each_member_learns_as_if_alone(factory: str, model: dict[str, Any]) -> None:
    nlp = make_nlp(factory, model)
    together, member = get_pipe(nlp, "pipe"), get_pipe(nlp, "pipe").model.layers[0]
    together.update(make_examples(nlp))  # without an optimizer: gradients stay
    found = [gradient.copy() for gradient in gradients(member)]
    for node in together.model.walk():
        for name in node.grad_names:
            node.set_grad(name, node.get_grad(name) * 0)
    together.model = member
    together.update(make_examples(nlp))
    for gradient, alone in zip(found, gradients(member), strict=True):
        np.testing.assert_allclose(gradient, alone, atol=1e-6)
    assert any(gradient.any() for gradient in found)


def test_categories_without_annotation_teach_nothing() -> None:
    nlp = make_nlp("textcat", textcat_config())
    model = get_pipe(nlp, "pipe").model
    docs = [eg.predicted for eg in make_examples(nlp)]
    Y, backprop = model.begin_update(docs)
    backprop(np.zeros_like(Y))
    assert not any(gradient.any() for gradient in gradients(model))


@pytest.mark.parametrize(("factory", "model"), KINDS)
def test_new_label_on_a_trained_model(factory: str, model: dict[str, Any]) -> None:
    nlp = make_nlp(factory, model)
    train(nlp)
    before = predictions(nlp)
    get_pipe(nlp, "pipe").add_label("NEW")
    for (ents, cats), (old_ents, old_cats) in zip(predictions(nlp), before, strict=True):
        assert ents == old_ents
        assert {k: v for k, v in cats.items() if k != "NEW"} == pytest.approx(old_cats, abs=0.02)
    train(nlp, 2)
    ensemble = get_pipe(nlp, "pipe").model
    walked = list(ensemble.walk())
    assert all(ensemble.get_ref(name) in walked for name in ensemble.ref_names)


def test_rehearsal_keeps_the_members_scores() -> None:
    nlp = make_nlp("seqrnn_ner", ner_config())
    train(nlp)
    optimizer = nlp.resume_training()
    losses = nlp.rehearse(make_examples(nlp), sgd=optimizer, losses={})
    assert losses["pipe"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("ensemble", "members", "message"),
    [
        (NEREnsemble, {}, "NEREnsemble has no members"),
        (TextCatEnsemble, {}, "TextCatEnsemble has no members"),
        (NEREnsemble, {"a": 3}, "`members.a = 3` cannot be a member of NEREnsemble"),
        (
            NEREnsemble,
            {"a": NgramTextCat(exclusive_classes=True)},
            r"cannot be a member of NEREnsemble: .* \"spacy-seqrnn.NER.v1\"",
        ),
        (
            TextCatEnsemble,
            {
                "a": NgramTextCat(exclusive_classes=True),
                "b": NgramTextCat(exclusive_classes=False),
            },
            "do not agree on `exclusive_classes`: a has true, b has false",
        ),
    ],
)
def test_wrong_members_are_named(
    ensemble: Callable[..., Any], members: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ensemble(members=members)
