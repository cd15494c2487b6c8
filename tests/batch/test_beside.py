"""Features that go around an encoder."""

from typing import Any

import numpy as np
import pytest
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import Model, fix_random_seed

from spacy_seqrnn.batch import windows
from spacy_seqrnn.batch.beside import encoders_of, split_features
from spacy_seqrnn.batch.docs import DocBatch
from spacy_seqrnn.batch.packed import Packed, unpack
from spacy_seqrnn.batch.windows import Limits, encode_chunks, predict_chunks, training_chunks
from spacy_seqrnn.types import Floats2d

from ..gradients import check_model_gradients

NAME = "@architectures"
CHARS = {NAME: "spacy-seqrnn.CharCNNEmbed.v1", "width": 4, "char_width": 4, "rows": 20}
ENCODE = {NAME: "spacy-seqrnn.RNNEncoder.v1", "width": 6}
CNN = {NAME: "spacy.MaxoutWindowEncoder.v2", "width": 4, "window_size": 1}
CNN |= {"depth": 1, "maxout_pieces": 2}
WORDS = {NAME: "spacy-seqrnn.WordEmbed.v1", "width": 3, "dropout": 0.0}
LENGTHS = [5, 0, 1, 9]


def docs_of(lengths: list[int]) -> list[Doc]:
    vocab = Vocab()
    words = [f"w{number % 7}" for number in range(0, 3 * max(lengths), 3)]
    return [Doc(vocab, words=words[:length]) for length in lengths]


def made(docs: list[Doc], **blocks: dict[str, Any]) -> Model[Any, Any]:
    fix_random_seed(0)
    block = {"embed": CHARS, "encode": ENCODE, "features": WORDS, **blocks}
    architecture = {NAME: "spacy-seqrnn.FeatureTok2Vec.v1", **block}
    model: Model[Any, Any] = registry.resolve({"layer": architecture})["layer"]
    model.initialize(X=docs)
    model(docs, is_train=True)  # words get their vectors, of zeros
    for node in model.walk():
        for name in node.param_names if node.name == "word_embed" else ():
            vectors: Floats2d = node.get_param(name)
            vectors[:] = np.random.normal(size=vectors.shape)
    return model


@pytest.mark.parametrize("encode", [ENCODE, CNN])
def test_they_are_appended_to_the_encoded_vectors(encode: dict[str, Any]) -> None:
    docs = docs_of(LENGTHS)
    model = made(docs, encode=encode)
    tok2vec, features = model.layers
    assert model.get_dim("nO") == tok2vec.get_dim("nO") + 3
    expected = zip(tok2vec.predict(docs), features.predict(docs), strict=True)
    for found, parts in zip(model.predict(docs), expected, strict=True):
        np.testing.assert_allclose(found, np.hstack(parts), rtol=1e-6)


def test_its_gradients_are_right() -> None:
    docs = docs_of(LENGTHS)
    model = made(docs, embed=WORDS)  # without the kinks of pooled characters
    shapes = [(length, 9) for length in LENGTHS]
    random = np.random.default_rng(0)
    weights = [random.normal(size=shape).astype("float32") for shape in shapes]

    def loss() -> float:
        Ys, _ = model(docs, is_train=True)
        return float(sum((Y * weight).sum() for Y, weight in zip(Ys, weights, strict=True)))

    _, backprop = model(docs, is_train=True)
    backprop(weights)
    check_model_gradients(loss, model)


def test_an_encoder_is_found_with_features_beside_it() -> None:
    docs = docs_of(LENGTHS)
    assert len(encoders_of(made(docs))) == len(encoders_of(split_features(made(docs))[0])) == 1
    assert not encoders_of(made(docs, encode=CNN))


def kept_vectors(model: Model[Any, Any], docs: list[Doc]) -> Any:
    """The vectors of all tokens, read in windows."""
    parts = list(predict_chunks(model, DocBatch(docs)))
    assert len(parts) > 1
    return np.concatenate([np.concatenate(unpack(model.ops, X))[chunk.kept] for chunk, X in parts])


def test_long_documents_are_encoded_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "PREDICTION", Limits(chunk=60, window=20, context=15))
    docs = docs_of([100, 3, 40])
    model = made(docs)
    tok2vec, features = model.layers
    found = kept_vectors(model, docs)
    np.testing.assert_allclose(found[:, :6], kept_vectors(tok2vec, docs), rtol=1e-6)
    np.testing.assert_allclose(found[:, 6:], np.concatenate(features.predict(docs)), rtol=1e-6)


def gradients(model: Model[Any, Any]) -> dict[tuple[str, str], Any]:
    nodes = list(model.walk())
    return {(node.name, name): node.get_grad(name) for node in nodes for name in node.grad_names}


def gradients_in_windows(
    model: Model[Any, Any], docs: list[Doc], d_kept: Any
) -> dict[tuple[str, str], Any]:
    """The gradients of a model's parameters, given those of all tokens' vectors."""
    parts = training_chunks([model], docs)
    assert len(parts) > 1
    for chunk, X, backprop in encode_chunks(model, DocBatch(docs), parts, is_train=True):
        d_read = d_kept[chunk.rows] * chunk.kept[:, None]
        backprop(Packed(d_read[X.packing.to_packed], X.packing))
    return gradients(model)


def test_windows_pass_gradients_to_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "TRAINING", Limits(chunk=60, window=20, context=15))
    docs = docs_of([100, 3, 40])
    d_kept = np.random.default_rng(0).normal(size=(143, 9)).astype("float32")
    found = gradients_in_windows(made(docs), docs, d_kept)
    tok2vec, features = made(docs).layers
    expected = gradients_in_windows(tok2vec, docs, d_kept[:, :6])
    _, backprop = features(docs, is_train=True)
    backprop(np.split(d_kept[:, 6:], [100, 103]))
    expected |= gradients(features)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-4, atol=1e-4)


def test_only_embeddings_are_moved_against_the_model() -> None:
    docs = docs_of(LENGTHS)
    model = made(docs)
    parts = training_chunks([model], docs)
    read = []
    for _, X, backprop in encode_chunks(model, DocBatch(docs), parts, True, distance=0.1):
        read.append(X.data)
        backprop(X)
    first, second = read
    np.testing.assert_array_equal(first[:, 6:], second[:, 6:])
    assert not np.allclose(first[:, :6], second[:, :6], atol=1e-4)
