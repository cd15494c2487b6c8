"""Weights of `spacy pretrain` with a language model, and components that begin with them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.strings import get_string_id
from spacy.training import Example
from spacy.util import load_model_from_config
from thinc.api import Config

from ..ner.pipelines import make_examples
from ..pipes import get_pipe
from ..small import small_tok2vec
from .models import TEXTS
from .pretraining import config_of, pretrained

LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
WORDS = {"@architectures": "spacy-seqrnn.WordEmbed.v1", "width": 6}
RICH = small_tok2vec(cell="gru")
RICH["embed"]["layers"]["words"] = WORDS
RICH["embed"] |= {"include_static_vectors": True, "correction_rows": 50, "correction_scale": 0.5}
# The components above a `tok2vec`, by factory
MODELS: dict[str, dict[str, Any]] = {
    "seqrnn_ner": {"@architectures": "spacy-seqrnn.NER.v1"},
    "textcat": {"@architectures": "spacy-seqrnn.TextCat.v1", "exclusive_classes": True},
    "tagger": {"@architectures": "spacy.Tagger.v2"},
}


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    rows: Any = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    for word, row in zip(["cat", "dog", "Oslo", "lives"], rows, strict=True):
        nlp.vocab.set_vector(word, row)
    nlp.to_disk(tmp_path / "vectors")
    return tmp_path / "vectors"


def config_above(texts: Path, factory: str, vectors: Path | None, *, shared: bool) -> Config:
    """Of a component that has, or listens to, what is pretrained."""
    tok2vec = RICH if vectors else small_tok2vec()
    config = config_of(texts, tok2vec)
    model = {**MODELS[factory], "tok2vec": LISTENER if shared else tok2vec}
    component = {"factory": factory, "model": model}
    if shared:
        config["nlp"]["pipeline"] = ["tok2vec", factory]
        config["components"][factory] = component
    else:
        config["nlp"]["pipeline"] = [factory]
        config["components"] = {factory: component}
        config["pretraining"].update(component=factory, layer="tok2vec")
    config["initialize"] = {"vectors": vectors and str(vectors)}
    return config


def annotated(nlp: Language) -> list[Example]:
    examples = make_examples(nlp)
    for i, example in enumerate(examples):
        example.reference.cats = {"GOOD": float(i % 2), "BAD": float(1 - i % 2)}
        for token in example.reference:
            token.tag_ = "NAME" if token.is_title else "WORD"
    return examples


@pytest.mark.parametrize("with_vectors", [False, True])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("factory", MODELS)
def test_components_begin_with_what_was_pretrained(
    factory: str, shared: bool, with_vectors: bool, texts: Path, vectors: Path, tmp_path: Path
) -> None:
    config = config_above(texts, factory, vectors if with_vectors else None, shared=shared)
    tok2vec = pretrained(config)
    (tmp_path / "model.bin").write_bytes(tok2vec.to_bytes())
    config["initialize"]["init_tok2vec"] = str(tmp_path / "model.bin")
    nlp = load_model_from_config(config, auto_fill=True)
    optimizer = nlp.initialize(lambda: annotated(nlp))
    docs = [nlp.make_doc(text) for text in [*TEXTS, "Bob lives in Oslo with a dog"]]
    name, layer = ("tok2vec", "") if shared else (factory, "tok2vec")
    found = get_pipe(nlp, name).model
    found = found.get_ref(layer) if layer else found
    for one, other in zip(found.predict(docs), tok2vec.predict(docs), strict=True):
        np.testing.assert_array_equal(one, other)
    losses = [nlp.update(annotated(nlp), sgd=optimizer, losses={})[factory] for _ in range(8)]
    assert losses[-1] < losses[0]
    nlp.to_disk(tmp_path / "nlp")
    loaded = spacy.load(tmp_path / "nlp")
    found, expected = (each(docs[-1].text).to_json() for each in (loaded, nlp))
    assert found == expected


def test_words_of_pretraining_keep_their_vectors(texts: Path, vectors: Path) -> None:
    tok2vec = pretrained(config_above(texts, "tagger", vectors, shared=False))
    rows = [node.attrs["known_keys"] for node in tok2vec.walk() if "known_keys" in node.attrs]
    assert len(rows) == 2  # learned vectors, and corrections of static ones
    assert get_string_id("mat") in rows[0]
    assert get_string_id("cat") in rows[1]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "width": ({"width": 32}, "from 32 to 16"),
    "cell": (
        {"cell": "gru"},
        r"'weights' of the layer 'lstm' has the shape \(1664,\), but \(1248,\)",
    ),
    "depth": ({"depth": 2}, "mismatched structure"),
    "directions": (
        {"bidirectional": False},
        "loaded into: use the same block of the config",
    ),
}


@pytest.mark.parametrize("option", WRONG)
def test_weights_of_another_encoder_are_rejected(option: str, texts: Path, tmp_path: Path) -> None:
    options, message = WRONG[option]
    config = config_above(texts, "seqrnn_ner", None, shared=False)
    (tmp_path / "model.bin").write_bytes(pretrained(config, steps=1).to_bytes())
    config["initialize"]["init_tok2vec"] = str(tmp_path / "model.bin")
    config["components"]["seqrnn_ner"]["model"]["tok2vec"] = small_tok2vec(**options)
    nlp = load_model_from_config(config, auto_fill=True)
    with pytest.raises(ValueError, match=message):
        nlp.initialize(lambda: annotated(nlp))
