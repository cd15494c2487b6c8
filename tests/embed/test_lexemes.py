"""The table of lexeme vectors must change nothing but speed."""

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.ml.models.tok2vec import CharacterEmbed, MultiHashEmbed
from spacy.ml.staticvectors import StaticVectors
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc
from spacy.vectors import Vectors
from spacy.vocab import Vocab
from thinc.api import (
    SGD,
    Adam,
    Model,
    Optimizer,
    RAdam,
    chain,
    expand_window,
    fix_random_seed,
    with_array,
)

from spacy_seqrnn.architectures.embeds import CharCNNEmbed, CharRNNEmbed, LexemeEmbed
from spacy_seqrnn.embed.lexeme_table import LexemeTable
from spacy_seqrnn.types import FloatsXd

from ..pipes import add_pipe, get_pipe

TEXTS = ["I don't know what the dog said .", "", "the dog", "Dogs say: \n what?", "dog " * 20]


def make_vocab(seed: int = 0, width: int = 3, attr: str = "ORTH") -> Vocab:
    vocab = spacy.blank("en").vocab
    words = ["dog", "the", "know", "dogs"]
    data = np.random.default_rng(seed).normal(size=(len(words), width)).astype("f")
    vocab.vectors = Vectors(strings=vocab.strings, data=data, keys=words, attr=attr)
    return vocab


def make_docs(vocab: Vocab, texts: list[str] = TEXTS) -> list[Doc]:
    tokenizer = spacy.blank("en", vocab=vocab).tokenizer
    return [tokenizer(text) for text in texts]


def hash_embed(**options: Any) -> Model[Any, Any]:
    defaults = {"width": 8, "attrs": ["NORM", "SHAPE"], "rows": [50, 20]}
    return MultiHashEmbed(**{**defaults, "include_static_vectors": False, **options})


def make(
    layers: dict[str, Any] | None = None, vocab: Vocab | None = None, **options: Any
) -> Model[Any, Any]:
    fix_random_seed(0)
    layers = {"words": hash_embed(), "chars": CharCNNEmbed(width=5)} if layers is None else layers
    model = LexemeEmbed(layers=layers, **options)
    return model.initialize(X=make_docs(vocab or make_vocab()))


def flat(model: Model[Any, Any], docs: list[Doc]) -> np.ndarray:
    return np.concatenate(model.predict(docs))


def uncached(model: Model[Any, Any], docs: list[Doc]) -> np.ndarray:
    """The result without a table: each layer on every token of every text."""
    parts = []
    for layer in model.layers:
        Y = layer.predict(docs)
        parts.append(np.concatenate(Y) if isinstance(Y, list) else Y.dataXd)
    return np.concatenate(parts, axis=1)


def table_of(model: Model[Any, Any]) -> LexemeTable:
    made: LexemeTable = next(node.attrs["table"] for node in model.walk() if "table" in node.attrs)
    return made


def check(model: Model[Any, Any], docs: list[Doc]) -> None:
    """Twice: the first call fills the table that the second one reads."""
    for _ in range(2):
        np.testing.assert_allclose(flat(model, docs), uncached(model, docs), atol=1e-5)


def change(param: FloatsXd) -> np.ndarray:
    """Gradients that change a parameter enough to notice."""
    moved: np.ndarray = np.ones_like(param) * 10.0
    return moved


LAYERS: dict[str, Callable[[], Model[Any, Any]]] = {
    "MultiHashEmbed": lambda: hash_embed(
        attrs=["NORM", "PREFIX", "SUFFIX", "SHAPE"], rows=[50] * 4
    ),
    "MultiHashEmbed with vectors": lambda: hash_embed(include_static_vectors=True),
    "CharacterEmbed": lambda: CharacterEmbed(8, 50, 4, 6, include_static_vectors=False),
    "StaticVectors": lambda: StaticVectors(4),
    "CharCNNEmbed": lambda: CharCNNEmbed(width=4),
    "CharRNNEmbed": lambda: CharRNNEmbed(width=4),
}


@pytest.mark.parametrize("name", LAYERS)
def test_equals_the_layer_on_every_token(name: str) -> None:
    vocab = make_vocab()
    model = make({"a": LAYERS[name]()}, vocab)
    check(model, make_docs(vocab))


def test_several_layers_are_concatenated() -> None:
    vocab = make_vocab()
    model = make({str(i): layer() for i, layer in enumerate(LAYERS.values())}, vocab)
    docs = make_docs(vocab)
    check(model, docs)
    assert model.get_dim("nO") == flat(model, docs).shape[1]


@pytest.mark.parametrize("name", LAYERS)
def test_training_equals_the_layer_on_every_token(name: str) -> None:
    """Output and gradients of all parameters."""
    vocab = make_vocab()
    model = make({"a": LAYERS[name]()}, vocab)
    alone = LAYERS[name]().initialize(X=make_docs(vocab))
    alone.from_bytes(model.layers[0].to_bytes())
    docs = make_docs(vocab)
    Ys, backprop = model.begin_update(docs)
    expected, backprop_alone = alone.begin_update(docs)
    random = np.random.default_rng(0)
    dYs = [random.normal(size=Y.shape).astype("f") for Y in Ys]
    if isinstance(expected, list):
        np.testing.assert_allclose(np.concatenate(Ys), np.concatenate(expected), atol=1e-5)
        backprop_alone([dY.copy() for dY in dYs])
    else:
        np.testing.assert_allclose(np.concatenate(Ys), expected.dataXd, atol=1e-5)
        backprop_alone(type(expected)(np.concatenate(dYs), expected.lengths))
    assert backprop(dYs) == []
    compared = 0
    for own, other in zip(model.layers[0].walk(), alone.walk(), strict=True):
        for param in own.param_names:
            # spaCy's CharacterEmbed keeps only one of equal characters at a position.
            if own.has_grad(param) and own.name != "charembed":
                found: FloatsXd = own.get_grad(param)
                wanted: FloatsXd = other.get_grad(param)
                np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
                compared += 1
    assert compared


@pytest.mark.parametrize("attr", ["ORTH", "LOWER"])
def test_static_vectors_are_the_vocabs(attr: str) -> None:
    vocab = make_vocab(attr=attr)
    model = make({}, vocab, include_static_vectors=True)
    doc = Doc(vocab, words=["Dog", "dog", "cat"])
    upper, lower, unknown = model.predict([doc])[0]
    np.testing.assert_array_equal(lower, vocab.vectors["dog"])
    assert not unknown.any()
    np.testing.assert_array_equal(upper, lower if attr == "LOWER" else unknown)


def test_attribute_of_the_vectors_survives_saving() -> None:
    """spaCy saves a vectors table without the attribute that it is looked up by."""
    vocab = make_vocab(attr="LOWER")
    model = make({}, vocab, include_static_vectors=True)
    saved = spacy.blank("en").vocab.from_bytes(vocab.to_bytes())
    other = LexemeEmbed(layers={}, include_static_vectors=True).from_bytes(model.to_bytes())
    docs = [Doc(v, words=["Dog", "THE", "x"]) for v in (saved, vocab)]
    np.testing.assert_array_equal(other.predict(docs[:1])[0], model.predict(docs[1:])[0])


def test_floret_vectors() -> None:
    vocab = Vocab()
    data = np.random.default_rng(0).normal(size=(20, 3)).astype("f")
    options = {"mode": "floret", "minn": 2, "maxn": 3, "hash_count": 2, "hash_seed": 1}
    vocab.vectors = Vectors(strings=vocab.strings, data=data, **options)
    doc = Doc(vocab, words=["dog", "unheard-of", "dog"])
    model = LexemeEmbed(layers={}, include_static_vectors=True).initialize(X=[doc])
    expected = np.stack([vocab.vectors[token.orth] for token in doc])
    np.testing.assert_allclose(model.predict([doc])[0], expected, atol=1e-6)


def test_tokens_may_have_norms_of_their_own() -> None:
    """The tokenizer gives the n't of "don't" another norm than its lexeme has."""
    vocab = make_vocab()
    model = make({"a": hash_embed(attrs=["NORM"], rows=[5000])}, vocab)
    plain, special = Doc(vocab, words=["dog", "wo"]), Doc(vocab, words=["dog", "wo"])
    special[1].norm_ = "will"
    assert not np.allclose(model.predict([plain])[0][1], model.predict([special])[0][1])
    check(model, [plain, special])


# What may change while a table is filled


def filled(
    vocab: Vocab | None = None, **options: Any
) -> tuple[Model[Any, Any], list[Doc], np.ndarray]:
    vocab = vocab or make_vocab()
    model = make(vocab=vocab, **options)
    docs = make_docs(vocab)
    before = flat(model, docs)
    assert len(table_of(model)) > 5
    return model, docs, before


def update(model: Model[Any, Any], docs: list[Doc], optimizer: Optimizer) -> None:
    Ys, backprop = model.begin_update(docs)
    backprop([np.ones_like(Y) for Y in Ys])
    model.finish_update(optimizer)


@pytest.mark.parametrize("optimizer", [Adam(0.1), RAdam(0.1), SGD(0.1)])
def test_update(optimizer: Optimizer) -> None:
    model, docs, before = filled()
    update(model, docs, optimizer)
    assert not np.allclose(flat(model, docs), before)
    check(model, docs)


@pytest.mark.parametrize("optimizer", [Adam(0.1), SGD(0.1)])
def test_prediction_between_backprop_and_update(optimizer: Optimizer) -> None:
    """As an annotating component does; SGD changes the parameters in place."""
    model, docs, before = filled()
    Ys, backprop = model.begin_update(docs)
    np.testing.assert_allclose(flat(model, docs), before, atol=1e-6)
    backprop([np.ones_like(Y) for Y in Ys])
    np.testing.assert_allclose(flat(model, docs), before, atol=1e-6)
    model.finish_update(optimizer)
    assert not np.allclose(flat(model, docs), before)
    check(model, docs)
    assert len(table_of(model)) > 5  # in use again


def test_averages() -> None:
    model, docs, _ = filled()
    optimizer = Adam(0.1, use_averages=True)
    for _ in range(3):
        update(model, docs, optimizer)
        last = flat(model, docs)
        with model.use_params(optimizer.averages):
            check(model, docs)
            assert not np.allclose(flat(model, docs), last)
        np.testing.assert_allclose(flat(model, docs), last, atol=1e-6)


def other_parameters() -> Model[Any, Any]:
    other = make()
    update(other, make_docs(make_vocab()), SGD(0.5))
    return other


def test_from_bytes() -> None:
    model, docs, before = filled()
    model.from_bytes(other_parameters().to_bytes())
    assert not np.allclose(flat(model, docs), before)
    check(model, docs)


def test_from_disk(tmp_path: Path) -> None:
    model, docs, before = filled()
    other_parameters().to_disk(tmp_path / "model")
    model.from_disk(tmp_path / "model")
    assert not np.allclose(flat(model, docs), before)
    check(model, docs)


def test_copy() -> None:
    model, docs, before = filled()
    copied = model.copy()
    update(copied, docs, SGD(0.5))
    np.testing.assert_array_equal(flat(model, docs), before)
    check(copied, docs)
    assert table_of(copied) is not table_of(model)


def test_pickle_is_without_the_table() -> None:
    model, docs, before = filled()
    other = pickle.loads(pickle.dumps(model))
    assert len(table_of(other)) == 0
    np.testing.assert_array_equal(flat(other, docs), before)


def test_table_is_not_saved() -> None:
    model, *_ = filled()
    full = model.to_bytes()
    table_of(model).clear()
    assert model.to_bytes() == full


def test_swapped_vectors() -> None:
    vocab = make_vocab()
    model = make({"a": CharCNNEmbed(width=2)}, vocab, include_static_vectors=True)
    docs = make_docs(vocab)
    before = flat(model, docs)
    vocab.vectors = make_vocab(seed=1).vectors
    after = flat(model, docs)
    assert not np.allclose(after, before)
    vocab.vectors.data = vocab.vectors.data * 2
    np.testing.assert_allclose(flat(model, docs)[:, 2:], after[:, 2:] * 2, atol=1e-6)


def test_other_vocab() -> None:
    """A component that serves two pipelines meets two vocabs in turn."""
    vocab, other = make_vocab(), make_vocab(seed=1)
    model = make({"a": hash_embed(include_static_vectors=True)}, vocab)
    for _ in range(2):
        check(model, make_docs(vocab))
        check(model, make_docs(other))


def embed_pipeline() -> Language:
    nlp = spacy.blank("en", vocab=make_vocab())
    embed = {
        "@architectures": "spacy-seqrnn.LexemeEmbed.v1",
        "include_static_vectors": True,
        "layers": {"chars": {"@architectures": "spacy-seqrnn.CharCNNEmbed.v1", "width": 4}},
    }
    encode = {"@architectures": "spacy-seqrnn.RNNEncoder.v1", "width": 8}
    tok2vec = {"@architectures": "spacy.Tok2Vec.v2", "embed": embed, "encode": encode}
    nlp.add_pipe("tok2vec", config={"model": tok2vec})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 8}
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}
    add_pipe(nlp, "tagger", config={"model": tagger}).add_label("X")
    nlp.initialize()
    return nlp


def test_replaced_listeners() -> None:
    nlp = embed_pipeline()
    doc = nlp("the dog said")
    before = doc.tensor
    nlp.replace_listeners("tok2vec", "tagger", ["model.tok2vec"])
    copied = get_pipe(nlp, "tagger").model.get_ref("tok2vec")
    np.testing.assert_allclose(copied.predict([doc])[0], before, atol=1e-6)
    update(copied, [doc], SGD(1.0))
    changed = copied.predict([doc])[0]
    assert not np.allclose(changed, before)
    np.testing.assert_array_equal(nlp("the dog said").tensor, before)


def test_sourced_into_another_pipeline() -> None:
    source = embed_pipeline()
    before = source("the dog said").tensor
    target = spacy.blank("en", vocab=make_vocab(seed=1))
    with pytest.warns(UserWarning, match="W113"):
        target.add_pipe("tok2vec", source=source)
    # Other vectors give other output; the first pipeline then works as before.
    for _ in range(2):
        assert not np.allclose(target("the dog said").tensor, before)
        np.testing.assert_array_equal(source("the dog said").tensor, before)


def test_threads_share_a_table() -> None:
    """Each thread gets the same result as alone, while others fill and overflow the table."""
    vocab = make_vocab()
    model = make(vocab=vocab, table_size=50)
    batches = [
        make_docs(vocab, [f"word{i} word{j} the dog" for j in range(i, i + 30)]) for i in range(16)
    ]
    expected = [uncached(model, docs) for docs in batches]
    barrier = Barrier(8)

    def work(offset: int) -> bool:
        barrier.wait()
        for i in range(32):
            k = (i + offset) % len(batches)
            np.testing.assert_allclose(flat(model, batches[k]), expected[k], atol=1e-5)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


@pytest.mark.parametrize("table_size", [0, 1, 3, 1000])
def test_table_is_bounded(table_size: int) -> None:
    vocab = make_vocab()
    model = make(vocab=vocab, table_size=table_size)
    for i in range(5):
        check(model, make_docs(vocab, [f"a{i} b{i}", "the dog", f"c{i}"]))
        assert len(table_of(model)) <= table_size


def test_table_computes_each_word_once() -> None:
    table = LexemeTable(100)
    asked = []

    def compute(missing: np.ndarray) -> np.ndarray:
        asked.append(missing.tolist())
        return np.asarray([[10.0 * keys[i]] for i in missing], dtype="f")

    for keys, expected in (([1, 2], [0, 1]), ([2, 3], [1]), ([3, 1], None)):
        rows = table.rows(np.asarray(keys, dtype="uint64"), ["source"], compute)
        assert rows.ravel().tolist() == [10.0 * key for key in keys]
        if expected is not None:
            assert asked[-1] == expected
    assert len(asked) == 2
    table.rows(np.asarray([1], dtype="uint64"), [object()], lambda missing: np.zeros((1, 1)))
    assert len(table) == 1  # another source: the table was emptied


# Layers that depend on more than the word


def contextual(name: str = "window") -> Model[Any, Any]:
    return chain(hash_embed(), with_array(expand_window(1)))


def test_layer_that_looks_at_neighbours_is_rejected() -> None:
    with pytest.raises(ValueError, match="vector for a word depends on the context"):
        make({"a": contextual()})


@pytest.mark.parametrize("attr", ["TAG", "POS", "LEMMA", "DEP", "ENT_TYPE", "MORPH", "SPACY"])
def test_attribute_of_the_context_is_rejected(attr: str) -> None:
    with pytest.raises(ValueError, match=f"cannot embed the attribute '?{attr}'?.*context"):
        LexemeEmbed(layers={"a": hash_embed(attrs=["NORM", attr], rows=[10, 10])})


def test_listener_is_rejected() -> None:
    with pytest.raises(ValueError, match="cannot embed the output of a listener"):
        LexemeEmbed(layers={"a": Tok2VecListener("*", 8)})


def test_nothing_to_embed_is_rejected() -> None:
    with pytest.raises(ValueError, match="nothing to embed: name at least one layer"):
        LexemeEmbed(layers={})


def test_block_without_architecture_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"`layers.a = {'width': 3}` is not an embedding layer"):
        LexemeEmbed(layers={"a": {"width": 3}})


def test_missing_vectors_are_named() -> None:
    docs = [Doc(Vocab(), words=["dog"])]
    with pytest.raises(ValueError, match="no word vectors"):
        LexemeEmbed(layers={}, include_static_vectors=True).initialize(X=docs)


@pytest.mark.parametrize("docs", [[], [0], [0, 0]])
def test_documents_without_tokens(docs: list[int]) -> None:
    vocab = make_vocab()
    model = make(vocab=vocab)
    Ys, backprop = model.begin_update([Doc(vocab) for _ in docs])
    assert [Y.shape for Y in Ys] == [(0, model.get_dim("nO")) for _ in docs]
    assert backprop(Ys) == []
    assert len(model.predict([Doc(vocab) for _ in docs])) == len(docs)


def test_initialised_with_empty_documents_only() -> None:
    vocab = make_vocab()
    model = LexemeEmbed(layers={"a": CharCNNEmbed(width=4)}, include_static_vectors=True)
    model.initialize(X=[Doc(vocab)])
    assert model.predict([Doc(vocab, words=["dog"])])[0].shape == (1, 7)


def test_model_type() -> None:
    assert isinstance(make(), Model)
