"""The states of a language model as features of other components."""

import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import Adam, Model, fix_random_seed

from spacy_seqrnn.lm import features as module
from spacy_seqrnn.lm.find import find_language_model
from spacy_seqrnn.lm.units import in_units

from ..gradients import check_model_gradients
from ..ner.pipelines import make_examples
from ..pipes import get_pipe
from .models import TEXTS, trained_lm

SEPARATE: dict[str, Any] = {"bidirectional": True, "separate_directions": True, "depth": 2}
UNITS = ["words", "characters"]


@pytest.fixture(params=UNITS)
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A language model in a folder."""
    trained_lm(request.param, steps=5, **SEPARATE).to_disk(tmp_path / "lm")
    return tmp_path / "lm"


def block(lm: Path, **options: Any) -> dict[str, Any]:
    """The config of features, with the encoder's block copied from the language model's config."""
    model = spacy.util.load_config(lm / "config.cfg")["components"]["seqrnn_lm"]["model"]
    return {
        "@architectures": "spacy-seqrnn.LMEmbed.v1",
        "tok2vec": model["tok2vec"],
        "source": str(lm),
        "unit": model["unit"],
        **options,
    }


def features(lm: Path, **options: Any) -> Any:
    layer = registry.resolve({"layer": block(lm, **options)})["layer"]
    layer.initialize(X=[spacy.blank("en").make_doc(TEXTS[0])])
    return layer


def member(source: Path, **options: Any) -> dict[str, Any]:
    """A model of entities with features beside an encoder."""
    chars = {"@architectures": "spacy-seqrnn.CharCNNEmbed.v1", "width": 8, "char_width": 8}
    encode = {"@architectures": "spacy-seqrnn.RNNEncoder.v1", "width": 8}
    tok2vec = {
        "@architectures": "spacy-seqrnn.FeatureTok2Vec.v1",
        **{"embed": chars, "encode": encode, "features": block(source, **options)},
    }
    return {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": tok2vec}


def ensemble(*members: dict[str, Any]) -> Language:
    fix_random_seed(0)
    named = {f"member {number}": each for number, each in enumerate(members)}
    model = {"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": named}
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": model})
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def recogniser(source: Path, **options: Any) -> Language:
    """Features beside an embedding, below an encoder."""
    fix_random_seed(0)
    chars = {"@architectures": "spacy-seqrnn.CharCNNEmbed.v1", "width": 8, "char_width": 8}
    embed = {"@layers": "concatenate.v1", "*": {"lm": block(source, **options), "chars": chars}}
    encode = {"@architectures": "spacy-seqrnn.RNNEncoder.v1", "width": 8}
    tok2vec = {"@architectures": "spacy.Tok2Vec.v2", "embed": embed, "encode": encode}
    model = {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": tok2vec}
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": model})
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def weights(nlp: Language) -> list[Any]:
    """Those of the language model within a recogniser."""
    (layer,) = [
        node for node in get_pipe(nlp, "seqrnn_ner").model.walk() if node.name == "lm_features"
    ]
    nodes = layer.layers[0].walk()
    return [node.get_param(name).copy() for node in nodes for name in node.param_names]


def test_they_are_the_states_of_the_language_model(saved: Path) -> None:
    nlp = spacy.load(saved)
    component = find_language_model(nlp)
    docs = [nlp.make_doc(text) for text in TEXTS]
    found = features(saved).predict(docs)
    states = component.model.get_ref("tok2vec").predict(in_units(docs, component.unit))
    for doc, own, all_states in zip(docs, found, states, strict=True):
        assert own.shape == (len(doc), 16)
        if component.unit == "words":
            np.testing.assert_allclose(own, all_states, atol=1e-6)
            continue
        for token, row in zip(doc, own, strict=True):
            last = all_states[token.idx + len(token) - 1, :8]
            first = all_states[token.idx, 8:]
            np.testing.assert_allclose(row, np.concatenate([last, first]), atol=1e-6)


@pytest.mark.parametrize("frozen", [True, False])
def test_weights_change_only_if_they_may(saved: Path, frozen: bool) -> None:
    nlp = recogniser(saved, frozen=frozen)
    before = weights(nlp)
    optimizer = Adam(0.01)
    for _ in range(3):
        nlp.update(make_examples(nlp), sgd=optimizer)
    after = weights(nlp)
    unchanged = [np.array_equal(one, new) for one, new in zip(before, after, strict=True)]
    assert all(unchanged) == frozen


def test_a_saved_pipeline_needs_no_language_model(saved: Path, tmp_path: Path) -> None:
    nlp = recogniser(saved)
    nlp.update(make_examples(nlp), sgd=Adam(0.01))
    text = "Anna Berg lives in Oslo ."
    model = get_pipe(nlp, "seqrnn_ner").model
    expected = model.predict([nlp.make_doc(text)]).emissions
    nlp.to_disk(tmp_path / "ner")
    shutil.rmtree(saved)
    loaded = spacy.load(tmp_path / "ner")
    model = get_pipe(loaded, "seqrnn_ner").model
    found = model.predict([loaded.make_doc(text)]).emissions
    np.testing.assert_allclose(found, expected, atol=1e-6)


def language_models(nlp: Language) -> list[Model[Any, Any]]:
    model = get_pipe(nlp, "seqrnn_ner").model
    return [node for node in model.walk() if node.name == "lm_features"]


@pytest.mark.parametrize("adversarial", [0.0, 0.1])
def test_an_ensemble_runs_a_frozen_language_model_once(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adversarial: float
) -> None:
    members = [{**member(saved), "adversarial": adversarial} for _ in range(3)]
    nlp = ensemble(*members)
    assert len(language_models(nlp)) == 1
    states = mock.Mock(side_effect=module._states)
    monkeypatch.setattr(module, "_states", states)
    nlp.update(make_examples(nlp), sgd=Adam(0.01))
    assert states.call_count == 1
    doc = nlp("Anna Berg lives in Oslo.")
    assert states.call_count == 2
    nlp.to_disk(tmp_path / "ner")
    loaded = spacy.load(tmp_path / "ner")
    assert len(language_models(loaded)) == 1
    assert loaded(doc.text).to_json() == doc.to_json()


def test_an_ensemble_has_the_scores_of_its_members(saved: Path) -> None:
    nlp = ensemble(member(saved), member(saved))
    docs = [nlp.make_doc(text) for text in TEXTS]
    model = get_pipe(nlp, "seqrnn_ner").model
    for chain, each in zip(model.predict(docs).members, model.layers, strict=True):
        np.testing.assert_allclose(chain.emissions, each.predict(docs).emissions, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "n_shared"),
    [({}, 2), ({"dropout": 0.5}, 2), ({"frozen": False}, 1), ({"source": None}, 1)],
)
def test_what_differs_is_not_shared(saved: Path, options: dict[str, Any], n_shared: int) -> None:
    """Nor are weights that are trained, or that did not come from the same language model."""
    shared, other = member(saved), member(saved)
    other["tok2vec"]["features"] |= options
    nlp = ensemble(shared, other, other)
    assert len(language_models(nlp)) == (1 if not options else 4 - n_shared)


def test_gradients(saved: Path) -> None:
    layer = features(saved, frozen=False)
    docs = [Doc(spacy.blank("en").vocab, words=text.split()) for text in ("The cat sat", "", "No")]
    random = np.random.default_rng(0)
    factors = [random.normal(size=(len(doc), 16)).astype("float32") for doc in docs]

    def loss() -> float:
        pairs = zip(layer.predict(docs), factors, strict=True)
        return float(sum((Y * factor).sum() for Y, factor in pairs))

    _, backprop = layer(docs, is_train=True)
    backprop(factors)
    check_model_gradients(loss, layer, most=8)


def test_dropout_is_on_in_training_alone(saved: Path) -> None:
    layer = features(saved, dropout=0.5)
    docs = [spacy.blank("en").make_doc(TEXTS[0])]
    expected = layer.predict(docs)[0]
    (found,), _ = layer(docs, is_train=True)
    dropped = (found == 0).all(axis=0)  # of all tokens of the document
    assert 0 < dropped.sum() < 16
    np.testing.assert_allclose(found[:, ~dropped], 2 * expected[:, ~dropped], rtol=1e-5)


def test_another_language_model_is_named(saved: Path, tmp_path: Path) -> None:
    other = "characters" if block(saved)["unit"] == "words" else "words"
    with pytest.raises(ValueError, match=f"`unit = '{other}'`, but the language model of"):
        features(saved, unit=other)
    wider = block(saved)
    wider["tok2vec"]["encode"]["width"] = 32
    with pytest.raises(ValueError, match="`tok2vec` differs from that of the language model"):
        registry.resolve({"layer": wider})["layer"].initialize(X=[Doc(Vocab(), words=["a"])])
    with pytest.raises(ValueError, match="is not a pipeline: name the folder or package of one"):
        features(saved, source=str(tmp_path / "nowhere"))
    spacy.blank("en").to_disk(tmp_path / "empty")
    with pytest.raises(ValueError, match="The pipeline has no language model, only nothing"):
        features(saved, source=str(tmp_path / "empty"))


def test_characters_need_both_directions(tmp_path: Path) -> None:
    trained_lm("characters", steps=1).to_disk(tmp_path)
    with pytest.raises(ValueError, match="train the language model with `separate_dir"):
        features(tmp_path)
