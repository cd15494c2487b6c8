"""A language model that listens to a `tok2vec`, which other components can listen to as well."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.util import load_model_from_config, registry
from thinc.api import Adam, fix_random_seed

from spacy_seqrnn import beam_search, compare_continuations, explain_lm
from spacy_seqrnn.lm.surprisal import surprisal_of

from ..gradients import check_gradient
from ..pipes import get_pipe
from ..small import small_tok2vec
from .models import TEXTS, examples, small_lm

LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
SEPARATE: dict[str, Any] = {"bidirectional": True, "separate_directions": True, "depth": 2}
ENCODERS: list[dict[str, Any]] = [{"bidirectional": False}, {"bidirectional": True}, SEPARATE]


def shared_lm(steps: int = 5, **encoder: Any) -> Language:
    """A language model that listens."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": small_tok2vec(**{"dropout": 0.0, **encoder})})
    model = {**small_lm(), "tok2vec": LISTENER}
    nlp.add_pipe("seqrnn_lm", config={"model": model, "min_count": 1})
    nlp.initialize(lambda: examples(nlp))
    optimizer = Adam(0.01)
    for _ in range(steps):
        nlp.update(examples(nlp), sgd=optimizer)
    return nlp


def own_lm(shared: Language) -> Language:
    """The same language model with the encoder as its own."""
    nlp = load_model_from_config(shared.config)
    nlp.from_bytes(shared.to_bytes())
    nlp.replace_listeners("tok2vec", "seqrnn_lm", ["model.tok2vec"])
    nlp.remove_pipe("tok2vec")
    return nlp


def gradients_of(nlp: Language) -> float:
    """Compute the gradients of all components. Returns the loss of the language model."""
    batch, losses = examples(nlp), dict[str, float]()
    for _, pipe in nlp.pipeline:
        component: Any = pipe
        component.update(batch, losses=losses)
    return losses["seqrnn_lm"]


def bits(nlp: Language, text: str) -> Any:
    found = surprisal_of(nlp(text))
    assert found is not None
    return found.bits


@pytest.mark.parametrize("encoder", ENCODERS)
def test_it_learns_like_one_with_its_own_encoder(encoder: dict[str, Any]) -> None:
    shared = shared_lm(steps=0, **encoder)
    own = own_lm(shared)
    optimizers = {id(nlp): Adam(0.01) for nlp in (shared, own)}
    for _ in range(30):
        losses = [gradients_of(nlp) for nlp in (shared, own)]
        assert losses[0] == pytest.approx(losses[1], rel=0.02)
        for nlp in (shared, own):
            for name in nlp.pipe_names:
                get_pipe(nlp, name).finish_update(optimizers[id(nlp)])
    assert shared.evaluate(examples(shared))["lm_perplexity"] < 8
    for text in TEXTS:
        np.testing.assert_allclose(bits(shared, text), bits(own, text), atol=0.2)


def test_a_surprisal_depends_on_nothing_behind_it() -> None:
    """As the second half of each shared vector has read that."""
    nlp = shared_lm(**SEPARATE)
    whole = bits(nlp, "The cat said no to the dog")
    np.testing.assert_allclose(bits(nlp, "The cat said")[:3], whole[:3], atol=1e-5)


def test_the_gradient_reaches_the_shared_encoder() -> None:
    nlp = shared_lm(**SEPARATE)
    n_tokens = sum(len(example.predicted) for example in examples(nlp))
    shared = get_pipe(nlp, "tok2vec").model
    models = [shared, get_pipe(nlp, "seqrnn_lm").model]

    def loss() -> float:
        for node in (node for model in models for node in model.walk()):
            for name in node.grad_names:
                node.set_grad(name, 0 * node.get_grad(name))
        return gradients_of(nlp) / n_tokens

    loss()
    named = [(node, name) for node in shared.walk() for name in node.param_names]
    gradients = [node.get_grad(name).copy() for node, name in named]
    for (node, name), gradient in zip(named, gradients, strict=True):
        check_gradient(loss, node.get_param(name), gradient, most=4)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_saving_and_loading(tmp_path: Path, encoder: dict[str, Any]) -> None:
    nlp = shared_lm(**encoder)
    expected = bits(nlp, TEXTS[1])
    nlp.to_disk(tmp_path)
    np.testing.assert_array_equal(bits(spacy.load(tmp_path), TEXTS[1]), expected)
    own_lm(nlp).to_disk(tmp_path / "own")
    np.testing.assert_allclose(bits(spacy.load(tmp_path / "own"), TEXTS[1]), expected, atol=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_reads_texts_by_itself_reads_them_with_the_shared_encoder(
    encoder: dict[str, Any],
) -> None:
    shared = shared_lm(**encoder)
    own = own_lm(shared)
    pairs = [(nlp, compare_continuations(nlp, "The cat", ["sat", "no"])) for nlp in (shared, own)]
    found, expected = ([each.surprisal for each in pair[1].continuations] for pair in pairs)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    first, second = (beam_search(nlp, "The cat", words=4) for nlp in (shared, own))
    assert [each.text for each in first] == [each.text for each in second]
    perplexity, same = (explain_lm(nlp, "The cat sat.").perplexity for nlp in (shared, own))
    assert perplexity == pytest.approx(same, rel=1e-5)


def test_features_come_from_the_shared_encoder(tmp_path: Path) -> None:
    nlp = shared_lm(**SEPARATE)
    nlp.to_disk(tmp_path)
    block = nlp.config["components"]["tok2vec"]["model"]
    features = {"@architectures": "spacy-seqrnn.LMEmbed.v1", "source": str(tmp_path)}
    layer = registry.resolve({"layer": {**features, "tok2vec": block}})["layer"]
    docs = [nlp.make_doc(text) for text in TEXTS]
    layer.initialize(X=docs)
    expected = get_pipe(nlp, "tok2vec").model.predict(docs)
    for one, other in zip(layer.predict(docs), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    with pytest.raises(ValueError, match="LMEmbed needs the encoder itself, not a listener: copy"):
        registry.resolve({"layer": {**features, "tok2vec": LISTENER}})


# What cannot be shared


def test_an_encoder_that_has_read_the_unit_is_rejected() -> None:
    with pytest.raises(ValueError, match="set `separate_directions = true`"):
        shared_lm(bidirectional=True, depth=2)


def test_a_convolution_is_rejected() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")  # which is spaCy's
    model = {**small_lm(), "tok2vec": {**LISTENER, "width": 96}}
    nlp.add_pipe("seqrnn_lm", config={"model": model})
    with pytest.raises(ValueError, match="as in a convolution: let the `tok2vec` be an embedding"):
        nlp.initialize(lambda: examples(nlp))


def test_a_listener_needs_something_to_listen_to() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_lm", config={"model": {**small_lm(), "tok2vec": LISTENER}})
    with pytest.raises(ValueError, match="listens to no component: put a `tok2vec` before"):
        nlp.initialize(lambda: examples(nlp))


def test_a_listener_below_an_encoder_is_rejected() -> None:
    model = {**small_lm(), "tok2vec": {**small_tok2vec(bidirectional=False), "embed": LISTENER}}
    with pytest.raises(ValueError, match="cannot use a listener as a part of its `tok2vec`"):
        spacy.blank("en").add_pipe("seqrnn_lm", config={"model": model})


def test_characters_are_rejected() -> None:
    model = {**small_lm("characters"), "tok2vec": LISTENER}
    with pytest.raises(ValueError, match="`unit = 'characters'` does not go with a listener"):
        spacy.blank("en").add_pipe("seqrnn_lm", config={"model": model})


def test_a_saved_number_of_directions_is_checked() -> None:
    saved = shared_lm(bidirectional=True)
    nlp = load_model_from_config(saved.config)  # which does not tell the number
    model = get_pipe(saved, "seqrnn_lm").model
    model.attrs["n_directions"] = 4
    with pytest.raises(ValueError, match=r"'start' of the layer 'seqrnn_lm' has .* \(2, 8\)"):
        nlp.from_bytes(saved.to_bytes())
    model.attrs["n_directions"] = "2"
    with pytest.raises(ValueError, match="'start' of the layer 'seqrnn_lm'"):
        nlp.from_bytes(saved.to_bytes())
    empty: Any = registry.resolve({"model": {**small_lm(), "tok2vec": LISTENER}})["model"]
    empty.attrs["n_directions"] = 4
    with pytest.raises(ValueError, match="`n_directions = 4` of the layer 'seqrnn_lm', which its"):
        get_pipe(nlp, "seqrnn_lm").model.from_bytes(empty.to_bytes())
    own: Any = [registry.resolve({"model": small_lm(bidirectional=True)})["model"] for _ in "ab"]
    own[0].attrs["n_directions"] = 1
    with pytest.raises(ValueError, match="`n_directions = 1` of the layer 'seqrnn_lm', which its"):
        own[1].from_bytes(own[0].to_bytes())
