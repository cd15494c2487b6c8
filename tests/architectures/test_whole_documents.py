"""Long documents get the token vectors of a short one's layers: embeddings see whole documents."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pytest
import spacy
from spacy.attrs import DEP, ENT_TYPE, HEAD, SENT_START
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import Model, chain, fix_random_seed

from spacy_seqrnn.architectures.encoders import RNNEncoder
from spacy_seqrnn.architectures.ensembles import NEREnsemble
from spacy_seqrnn.architectures.ner import NER
from spacy_seqrnn.architectures.textcat import TextCat
from spacy_seqrnn.batch import windows
from spacy_seqrnn.batch.beside import split_features
from spacy_seqrnn.batch.composition import split_encoders
from spacy_seqrnn.batch.packed import Packed, join, unpack
from spacy_seqrnn.crf.chain import SCORES, LinearChain
from spacy_seqrnn.types import Floats1d, Floats2d

LIMITS = windows.Limits(chunk=30, window=10, context=3)
WORDS = ["Oslo", "sleeps", "in", "New", "York", ".", "Bob", "sings"]
WIDTH = 6
VECTORS = {word: np.full(5, i, dtype="float32") for i, word in enumerate(WORDS)}

if not Doc.has_extension("of_tokens"):
    Doc.set_extension("of_tokens", default=None)


def read_anything(
    model: Model[Any, Any], docs: list[Doc], is_train: bool
) -> tuple[list[np.ndarray], Callable[..., Any]]:
    """A layer that reads attributes of a document other than its words."""

    def features(doc: Doc) -> np.ndarray:
        attrs = doc.to_array([DEP, HEAD, SENT_START, ENT_TYPE]).astype("uint64") % 97
        in_group = np.zeros(len(doc))
        for span in doc.spans.get("group", []):
            in_group[span.start : span.end] = 1
        category = np.full(len(doc), doc.cats.get("A", 0.0))
        own = [doc.user_data["of_tokens"], doc._.of_tokens, doc.tensor[:, 0], in_group, category]
        return np.column_stack([*own, *attrs.T]).astype("float32")

    return [features(doc) for doc in docs], lambda dYs: []


def anything() -> Model[Any, Any]:
    return Model("anything", read_anything, dims={"nO": 9})


def arch(name: str, **options: Any) -> Model[Any, Any]:
    made: Model[Any, Any] = registry.get("architectures", name)(**options)
    return made


def layer(name: str, **options: Any) -> Model[Any, Any]:
    made: Model[Any, Any] = registry.get("layers", name)(**options)
    return made


def hash_embed(name: str, **options: Any) -> Model[Any, Any]:
    attrs = ["NORM", "SHAPE", "TAG", "DEP", "MORPH", "SENT_START"]
    return arch(name, width=WIDTH, attrs=attrs, rows=[50] * len(attrs), **options)


BuildLayer: TypeAlias = Callable[[str], Model[Any, Any]]

CHARS = {"width": WIDTH, "rows": 50, "nM": 2, "nC": 3}
# All registered functions that read documents, by name
EMBEDDINGS: dict[str, BuildLayer] = {
    "spacy.MultiHashEmbed.v1": lambda name: hash_embed(name, include_static_vectors=True),
    "spacy.MultiHashEmbed.v2": lambda name: hash_embed(name, include_static_vectors=True),
    "spacy.CharacterEmbed.v1": lambda name: arch(name, **CHARS, include_static_vectors=True),
    "spacy.CharacterEmbed.v2": lambda name: arch(name, **CHARS, include_static_vectors=True),
    "spacy.StaticVectors.v1": lambda name: chain(layer(name, nO=WIDTH), _ragged2list()),
    "spacy.StaticVectors.v2": lambda name: chain(layer(name, nO=WIDTH), _ragged2list()),
    "spacy.CharEmbed.v1": lambda name: layer(name, nM=2, nC=3),
    "spacy.FeatureExtractor.v1": lambda name: chain(
        layer(name, columns=["DEP", "TAG"]), _to_floats()
    ),
    "spacy-seqrnn.CharCNNEmbed.v1": lambda name: arch(name, width=WIDTH),
    "spacy-seqrnn.CharRNNEmbed.v1": lambda name: arch(name, width=WIDTH),
    "spacy-seqrnn.WordEmbed.v1": lambda name: arch(name, width=WIDTH),
    "spacy-seqrnn.LexemeEmbed.v1": lambda name: arch(
        name,
        layers={"chars": arch("spacy-seqrnn.CharCNNEmbed.v1", width=WIDTH)},
        include_static_vectors=True,
    ),
}
HASH_CNN = {
    **{"width": WIDTH, "depth": 1, "embed_size": 50, "window_size": 1, "maxout_pieces": 2},
    **{"subword_features": True, "pretrained_vectors": True},
}
TOK2VECS: dict[str, BuildLayer] = {
    "spacy.HashEmbedCNN.v1": lambda name: arch(name, **HASH_CNN),
    "spacy.HashEmbedCNN.v2": lambda name: arch(name, **HASH_CNN),
    "spacy-seqrnn.HashEmbedRNN.v1": lambda name: arch(name, width=WIDTH, embed_size=50),
    "spacy-seqrnn.FeatureTok2Vec.v1": lambda name: arch(
        name,
        embed=arch("spacy-seqrnn.CharCNNEmbed.v1", width=WIDTH),
        encode=arch("spacy-seqrnn.RNNEncoder.v1", width=WIDTH),
        features=arch("spacy-seqrnn.WordEmbed.v1", width=WIDTH),
    ),
}
CNN = {"width": WIDTH, "window_size": 1, "depth": 2}
ENCODERS: dict[str, BuildLayer] = {
    "spacy.MaxoutWindowEncoder.v1": lambda name: arch(name, **CNN, maxout_pieces=2),
    "spacy.MaxoutWindowEncoder.v2": lambda name: arch(name, **CNN, maxout_pieces=2),
    "spacy.MishWindowEncoder.v1": lambda name: arch(name, **CNN),
    "spacy.MishWindowEncoder.v2": lambda name: arch(name, **CNN),
    "spacy.TorchBiLSTMEncoder.v1": lambda name: arch(name, width=WIDTH, depth=1, dropout=0.0),
    "spacy-seqrnn.RNNEncoder.v1": lambda name: arch(name, width=WIDTH),
}
# These combine the functions above, read another component's output, or return no token vectors.
OTHERS = (
    *("Tok2Vec.", "Listener.", "TextCat", "Tagger.", "TransitionBasedParser.", "EntityLinker."),
    *("SpanCategorizer.", "SpanFinder.", "PretrainCharacters.", "PretrainVectors.", "NER."),
    *(
        "NEREnsemble.",
        "LanguageModel.",
        "Seq2Seq.",
        "Seq2SeqEnsemble.",
        "LMEmbed.",
        "PretrainLM.",
        "NgramScores.",
        "EmptyKB",
        "PrecomputableAffine.",
        "TransitionModel.",
        "extract_ngrams.",
    ),
    *("extract_spans.", "LinearLogistic.", "mean_max_reducer."),
)


def _ragged2list() -> Model[Any, Any]:
    return layer("ragged2list.v1")


def _to_floats() -> Model[Any, Any]:
    def forward(
        model: Model[Any, Any], keys: list[np.ndarray], is_train: bool
    ) -> tuple[list[np.ndarray], Callable[..., Any]]:
        return [(key % 97).astype("float32") for key in keys], lambda dYs: []

    return Model("to_floats", forward)


def make_doc(vocab: Vocab, n_tokens: int) -> Doc:
    """A document in which every attribute differs from token to token."""
    number = np.arange(n_tokens)
    doc = Doc(
        vocab,
        words=[WORDS[i % 8] for i in range(n_tokens)],
        tags=[f"T{i % 5}" for i in range(n_tokens)],
        deps=[f"D{i % 7}" for i in range(n_tokens)],
        heads=[max(0, i - i % 3) for i in range(n_tokens)],
        morphs=[f"A={i % 4}" for i in range(n_tokens)],
        ents=[("O", "B-X")[i % 6 == 0] for i in range(n_tokens)],
    )
    doc.tensor = (number % 11).astype("float32")[:, None]
    doc.user_data["of_tokens"] = number % 13
    doc._.of_tokens = number % 17
    doc.spans["group"] = [doc[i : i + 1] for i in range(0, n_tokens, 5)]
    doc.cats["A"] = 0.5
    return doc


def make_vocab() -> Vocab:
    vocab = spacy.blank("en").vocab
    vocab.reset_vectors(width=5)
    vectors: dict[str, Floats1d] = VECTORS
    for word, vector in vectors.items():
        vocab.set_vector(word, vector)
    return vocab


def tok2vec_of(name: str) -> Model[Any, Any]:
    if name in TOK2VECS:
        return TOK2VECS[name](name)
    legacy = name in ENCODERS and name.startswith("spacy.") and name.endswith(".v1")
    build = registry.get("architectures", "spacy.Tok2Vec.v1" if legacy else "spacy.Tok2Vec.v2")
    made: Model[Any, Any]
    if name in ENCODERS:
        made = build(
            embed=hash_embed("spacy.MultiHashEmbed.v2", include_static_vectors=False),
            encode=ENCODERS[name](name),
        )
        return made
    embed = anything() if name == "anything" else EMBEDDINGS[name](name)
    made = build(embed=embed, encode=RNNEncoder(width=WIDTH))
    return made


def test_every_registered_layer_is_here() -> None:
    known = {**EMBEDDINGS, **TOK2VECS, **ENCODERS}
    registry.get("architectures", "spacy.Tok2Vec.v2")  # spaCy registers it on the first look-up
    registries: list[Any] = [registry.architectures, registry.layers]
    names = {name for each in registries for name in each.get_all()}
    names = {name.replace("spacy-legacy.", "spacy.") for name in names}
    names = {name for name in names if name.startswith(("spacy.", "spacy-seqrnn."))}
    assert {name for name in names - set(known) if not any(o in name for o in OTHERS)} == set()
    assert set(known) <= names


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "PREDICTION", LIMITS)
    monkeypatch.setattr(windows, "TRAINING", LIMITS)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("name", [*EMBEDDINGS, *TOK2VECS, *ENCODERS, "anything"])
@pytest.mark.parametrize("is_train", [False, True])
def test_vectors_of_a_long_document_are_those_of_a_short_one(
    name: str, is_train: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix_random_seed(0)
    vocab = make_vocab()
    short, long = make_doc(vocab, 12), make_doc(vocab, 95)
    model = NER(tok2vec=tok2vec_of(name), nO=5)
    model.initialize(X=[short])
    embed, encoders = split_encoders(split_features(model.get_ref("tok2vec"))[0])
    if not encoders:  # documents are read as a whole
        expected = model.get_ref("output_layer").predict(embed.predict([long])[0])
        *_, (chunk, chain_, _) = model.attrs["in_chunks"](model, [short, long], is_train)
        assert chunk.docs.tolist() == [1]
        emissions = chain_.emissions[chain_.packing.from_packed]
        np.testing.assert_allclose(emissions, expected, atol=1e-5)
        return
    read = record(encoders[0].layers[0], monkeypatch)
    if is_train:
        for _, chain_, backprop in model.attrs["in_chunks"](model, [short, long], True):
            backprop(zeros(chain_))
        parts = windows.training_chunks([model.get_ref("tok2vec")], [short, long])
    else:
        model.predict([short, long])
        parts = windows.prediction_chunks([12, 95], cut=True)
    assert windows.are_cut(parts, 2)
    whole = np.concatenate(embed.predict([short, long]))
    assert len(read) == len(parts)
    for X, chunk in zip(read, parts, strict=True):
        np.testing.assert_allclose(X, whole[chunk.rows], atol=1e-6)
    if name not in TOK2VECS:
        np.testing.assert_allclose(whole[:11], whole[12:23], atol=1e-6)


def zeros(chain_: LinearChain) -> LinearChain:
    return replace(chain_, **{name: np.zeros_like(getattr(chain_, name)) for name in SCORES})


def record(recurrent: Model[Any, Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The vectors of the tokens that a recurrent layer reads in each call."""
    read = []
    run = recurrent._func

    def recorded(
        model: Model[Any, Any], X: Packed, is_train: bool
    ) -> tuple[Packed, Callable[..., Any]]:
        read.append(join(model.ops, unpack(model.ops, X)))
        made: tuple[Packed, Callable[..., Any]] = run(model, X, is_train)
        return made

    monkeypatch.setattr(recurrent, "_func", recorded)
    return read


@pytest.mark.usefixtures("_small")
def test_text_categories_read_windows_of_whole_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    docs = [make_doc(make_vocab(), n) for n in (5, 95)]
    model = TextCat(tok2vec=tok2vec_of("anything"), exclusive_classes=True, nO=2)
    model.initialize(X=docs)
    read = record(model.get_ref("tok2vec").layers[1].layers[0], monkeypatch)
    whole = np.concatenate(model.get_ref("tok2vec").layers[0].predict(docs))
    fix_random_seed(1)
    _, backprop = model(docs, True)
    fix_random_seed(1)
    np.testing.assert_array_equal(read[0], whole[windows.random_windows([5, 95]).rows])
    backprop(np.ones((2, 2), dtype="float32"))
    model.predict(docs)
    np.testing.assert_array_equal(np.concatenate(read[1:]), whole)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("members", [1, 2])
def test_entities_are_learned_from_what_only_the_whole_document_has(members: int) -> None:
    """Training and prediction on documents of several windows; no word tells what is an entity."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    models = {str(i): NER(tok2vec=user_data_tok2vec()) for i in range(members)}
    model = models["0"] if members == 1 else NEREnsemble(members=models)
    ner: Any = nlp.add_pipe("seqrnn_ner")
    ner.model = model
    examples = [make_example(nlp.vocab, n, seed) for seed, n in enumerate((95, 8, 60, 17))]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.02
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    for n in (9, 16, 17, 120):
        test = make_example(nlp.vocab, n, seed=n)
        found = ner(test.predicted)
        assert [(e.start, e.end) for e in found.ents] == [
            (e.start, e.end) for e in test.reference.ents
        ]


def user_data_tok2vec() -> Model[Any, Any]:
    def read(
        model: Model[Any, Any], docs: list[Doc], is_train: bool
    ) -> tuple[list[np.ndarray], Callable[..., Any]]:
        values = [doc.user_data["v"].astype("float32")[:, None] for doc in docs]
        return values, lambda dYs: []

    embed: Model[list[Doc], list[Floats2d]] = Model("user_data", read, dims={"nO": 1})
    made: Model[Any, Any] = registry.get("architectures", "spacy.Tok2Vec.v2")(
        embed=embed, encode=RNNEncoder(width=16, dropout=0.0)
    )
    return made


def make_example(vocab: Vocab, n_tokens: int, seed: int) -> Example:
    entities = np.random.default_rng(seed).random(n_tokens) < 0.3
    docs = [Doc(vocab, words=["word"] * n_tokens) for _ in range(2)]
    for doc in docs:
        doc.user_data["v"] = entities
    docs[1].set_ents([Span(docs[1], i, i + 1, "X") for i in np.flatnonzero(entities).tolist()])
    return Example(*docs)
