"""Layers of this package pass packed arrays, and skip nothing between them."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.ml.models import MultiHashEmbed, build_Tok2Vec_model
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import (
    Model,
    NumpyOps,
    chain,
    concatenate,
    fix_random_seed,
    list2ragged,
    ragged2list,
    with_array,
)
from thinc.layers import Maxout

from spacy_seqrnn.architectures.embeds import LexemeEmbed
from spacy_seqrnn.architectures.encoders import RNNEncoder
from spacy_seqrnn.architectures.ensembles import NEREnsemble, TextCatEnsemble
from spacy_seqrnn.architectures.ner import NER
from spacy_seqrnn.architectures.textcat import TextCat
from spacy_seqrnn.batch.composition import run_packed, split_encoders
from spacy_seqrnn.batch.distinct import DistinctRows
from spacy_seqrnn.batch.docs import DocBatch
from spacy_seqrnn.batch.packed import Packed, pack, unpack
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.embed import lexemes
from spacy_seqrnn.embed.lexemes import DistinctWords
from spacy_seqrnn.rnn import stack
from spacy_seqrnn.types import Floats2d, FloatsXd

from ..conftest import LISTENER, gold_examples, tok2vec_config
from ..pipes import get_pipe
from ..small import small_ner

WIDTH = 8
LENGTHS = [[3, 0, 5], [2] * 40, [0, 0]]


def hashes() -> Model[Any, Any]:
    return MultiHashEmbed(width=WIDTH, attrs=["NORM"], rows=[50], include_static_vectors=False)


def words() -> Model[Any, Any]:
    return LexemeEmbed(layers={"words": hashes()}, include_static_vectors=False)


def encoder() -> Model[Any, Any]:
    return RNNEncoder(width=WIDTH, depth=2, residual=True, dropout=0.0)


def maxout() -> Model[Any, Any]:
    return with_array(Maxout(WIDTH, WIDTH))


def wrapped(layer: Model[Any, Any]) -> Model[Any, Any]:
    """The same layer with its forward function wrapped, as by Thinc's `with_nvtx_range`."""
    own = layer._func

    def forward(
        model: Model[Any, Any], X: list[Any], is_train: bool
    ) -> tuple[list[np.ndarray], Callable[..., Any]]:
        assert isinstance(X, list)
        made: tuple[list[np.ndarray], Callable[..., Any]] = own(model, X, is_train)
        return made

    layer.replace_callbacks(forward, init=layer.init)
    return layer


def as_list(
    model: Model[Any, Any], docs: list[Doc], is_train: bool
) -> tuple[list[np.ndarray], Callable[..., Any]]:
    return [np.ones((len(doc), WIDTH), dtype="float32") for doc in docs], lambda dYs: []


TOK2VECS = {
    "ours": lambda: build_Tok2Vec_model(words(), encoder()),
    "two encoders": lambda: chain(words(), encoder(), encoder()),
    "chains in chains": lambda: chain(chain(words(), encoder()), chain(encoder(), encoder())),
    "another embedding": lambda: build_Tok2Vec_model(hashes(), encoder()),
    "a list of one array for all words": lambda: chain(Model("ones", as_list), encoder()),
    "another layer between": lambda: chain(words(), maxout(), encoder()),
    "others that hand on Ragged": lambda: chain(
        words(), list2ragged(), maxout(), encoder(), maxout(), ragged2list(), encoder()
    ),
    "a wrapped layer between": lambda: chain(words(), wrapped(encoder()), encoder()),
    "a wrapped embedding": lambda: chain(wrapped(words()), encoder()),
    "another encoder": lambda: build_Tok2Vec_model(words(), maxout()),
    "side by side": lambda: concatenate(words(), chain(words(), encoder())),
    "an embedding alone": words,
    "an embedding of another kind alone": hashes,
}


def make_docs(lengths: list[int]) -> list[Doc]:
    vocab = Vocab()
    return [Doc(vocab, words=[f"w{i * j % 7}" for j in range(n)]) for i, n in enumerate(lengths)]


def initialised(model: Model[Any, Any]) -> Model[Any, Any]:
    fix_random_seed(0)
    model.initialize(X=make_docs([2]))
    return model


def renamed(model: Model[Any, Any]) -> Model[Any, Any]:
    for number, node in enumerate(model.walk()):
        node.name = f"layer {number}"
    return model


@pytest.mark.parametrize("kind", TOK2VECS)
@pytest.mark.parametrize("lengths", LENGTHS)
def test_packed_vectors_are_those_of_the_list(kind: str, lengths: list[int]) -> None:
    docs = make_docs(lengths)
    model = initialised(TOK2VECS[kind]())
    found, _ = run_packed(model, DocBatch(docs), False)
    np.testing.assert_array_equal(found.packing.lengths, lengths)
    for Y, expected in zip(unpack(model.ops, found), model.predict(docs), strict=True):
        np.testing.assert_allclose(Y, expected, atol=1e-6)


@pytest.mark.parametrize("is_train", [False, True])
def test_no_documents(is_train: bool) -> None:
    Y, backprop = run_packed(initialised(TOK2VECS["ours"]()), DocBatch([]), is_train)
    assert Y.data.shape == (0, WIDTH)
    assert not is_train or backprop(Y) == []


def gradients(model: Model[Any, Any]) -> dict[tuple[int, str], FloatsXd]:
    return {
        (number, name): node.get_grad(name)
        for number, node in enumerate(model.walk())
        for name in node.grad_names
    }


@pytest.mark.parametrize("kind", TOK2VECS)
@pytest.mark.parametrize("lengths", LENGTHS[:2])  # Thinc's backward needs tokens
def test_packed_gradients_are_those_of_the_list(kind: str, lengths: list[int]) -> None:
    docs = make_docs(lengths)
    over_lists, packed = (initialised(TOK2VECS[kind]()) for _ in range(2))
    Ys, backprop_list = over_lists(docs, True)
    Y, backprop = run_packed(packed, DocBatch(docs), True)
    np.testing.assert_allclose(Y.data, pack(packed.ops, Ys).data, atol=1e-6)
    dY = np.random.default_rng(0).normal(size=Y.data.shape).astype("float32")
    backprop_list(unpack(packed.ops, Packed(dY, Y.packing)))
    backprop(Packed(dY, Y.packing))
    expected, found = gradients(over_lists), gradients(packed)
    assert list(found) == list(expected)
    for key, gradient in expected.items():
        np.testing.assert_allclose(found[key], gradient, atol=1e-5)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The inputs of recurrent layers, for all models."""
    read = []
    own = stack.forward

    def recorded(
        model: Model[Any, Any], X: Packed, is_train: bool
    ) -> tuple[Packed, Callable[..., Any]]:
        read.append(X)
        return own(model, X, is_train)

    def record(model: Model[Any, Any]) -> list[Any]:
        for node in model.walk():
            if node._func is own:
                monkeypatch.setattr(node, "_func", recorded)
        return read

    return record


CHANGES = {"as it is": lambda model: model, "copied": Model.copy, "renamed": renamed}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["ours", "two encoders", "chains in chains"])
def test_models_of_our_layers_never_leave_the_packed_layout(
    kind: str, change: str, read: Callable[..., Any]
) -> None:
    """Nor do copies, which lose their class, and models whose layers have other names.

    With so few documents, repeated words are not looked for: if the recurrence knows of them, the
    embedding has passed them on.
    """
    docs = make_docs([3, 0, 5])
    model = initialised(TOK2VECS[kind]())
    expected = model.predict(docs)
    changed = CHANGES[change](model)
    X_of_layers = read(changed)
    found, _ = run_packed(changed, DocBatch(docs), False)
    assert X_of_layers[0].distinct is not None
    np.testing.assert_allclose(found.doc_major(), np.concatenate(expected), atol=1e-6)


def test_a_wrapped_forward_function_runs_over_lists() -> None:
    """`wrapped` itself reads it."""
    model = initialised(chain(wrapped(words()), wrapped(encoder())))
    assert split_encoders(model)[1] == []
    run_packed(model, DocBatch(make_docs([2, 3])), False)


def test_encoders_are_found_by_what_they_run() -> None:
    for change in CHANGES.values():
        for kind, n_encoders in {"ours": 1, "two encoders": 2, "another encoder": 0}.items():
            model = change(TOK2VECS[kind]())
            embed, encoders = split_encoders(model)
            assert [embed, *encoders] == (model.layers if n_encoders else [model])
            assert len(encoders) == n_encoders
    assert split_encoders(TOK2VECS["another layer between"]())[1] == []
    assert split_encoders(TOK2VECS["chains in chains"]())[1] == []
    assert split_encoders(concatenate(words(), encoder()))[1] == []


def test_replaced_listeners_are_packed_and_say_the_same(read: Callable[..., Any]) -> None:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": tok2vec_config()})
    nlp.add_pipe("seqrnn_ner", config={"model": {**small_ner(), "tok2vec": LISTENER}})
    examples = gold_examples(nlp)
    nlp.initialize(lambda: examples)
    docs = [example.predicted.copy() for example in examples]
    for doc, tensor in zip(docs, get_pipe(nlp, "tok2vec").predict(docs), strict=True):
        doc.tensor = tensor
    ner: Any = nlp.get_pipe("seqrnn_ner")
    expected = ner.model.predict(docs)
    nlp.replace_listeners("tok2vec", "seqrnn_ner", ["model.tok2vec"])
    X_of_layers = read(ner.model)
    found = ner.model.predict(docs)
    assert X_of_layers[0].distinct is not None
    np.testing.assert_allclose(found.emissions, expected.emissions, atol=1e-5)


EDITS: dict[str, Callable[[list[Any]], Any]] = {
    "zeroed": lambda Xs: [X.fill(0) for X in Xs],
    "one token": lambda Xs: Xs[1].fill(3.0),
    "replaced": lambda Xs: Xs.__setitem__(1, Xs[1] * 2),
    "shorter": lambda Xs: Xs.__setitem__(0, Xs[0][:1]),
    "reversed": lambda Xs: Xs.reverse(),
    "more": lambda Xs: Xs.append(Xs[0]),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("n_docs", [3, 40])
def test_an_encoder_reads_what_has_been_done_to_a_list(
    edit: str, is_train: bool, n_docs: int
) -> None:
    """To the embedding's, and to another encoder's."""
    embed, encode = initialised(TOK2VECS["ours"]()).layers
    Xs, _ = embed(make_docs([3, 2, 4] + [5] * (n_docs - 3)), is_train)
    for _ in range(2):
        EDITS[edit](Xs)
        alone = [encode([X.copy()], is_train)[0][0] for X in Xs]
        Xs, _ = encode(Xs, is_train)
        assert len(Xs) == len(alone)
        for X, expected in zip(Xs, alone, strict=True):
            np.testing.assert_allclose(X, expected, atol=1e-5)


def test_an_embedding_learns_from_what_has_been_done_to_a_gradient() -> None:
    model = initialised(TOK2VECS["ours"]())
    embed, encode = model.layers
    Xs, backprop_embed = embed(make_docs([3, 2]), True)
    Ys, backprop = encode(Xs, True)
    dYs = backprop(Ys)
    EDITS["zeroed"](dYs)
    backprop_embed(dYs)
    assert all(not node.get_grad(name).any() for node in embed.walk() for name in node.grad_names)
    EDITS["zeroed"](Ys)
    assert not np.concatenate(backprop(Ys)).any()


@pytest.mark.parametrize("is_train", [False, True])
def test_a_layer_between_may_change_arrays_in_place(is_train: bool) -> None:
    def zero_in_place(
        model: Model[Any, Any], Xs: list[np.ndarray], is_train: bool
    ) -> tuple[list[np.ndarray], Callable[..., Any]]:
        EDITS["zeroed"](Xs)
        return Xs, lambda dYs: dYs

    fix_random_seed(0)
    plain = initialised(chain(words(), encoder()))
    model = initialised(chain(words(), Model("zero", zero_in_place), encoder()))
    docs = make_docs([3, 2])
    Y, _ = run_packed(model, DocBatch(docs), is_train)
    np.testing.assert_array_equal(Y.doc_major(), np.concatenate(model(docs, is_train)[0]))
    zeros = [np.zeros((len(doc), WIDTH), dtype="float32") for doc in docs]
    np.testing.assert_allclose(Y.doc_major(), np.concatenate(model.layers[2].predict(zeros)))
    assert not np.allclose(Y.doc_major(), np.concatenate(plain.predict(docs)))


def test_features_stand_in_one_place() -> None:
    rows = np.arange(6, dtype="float32").reshape(3, 2)
    X = Packed(DistinctRows(rows, np.asarray([2, 0, 2, 1])), make_packing([1, 3]))
    X.data.fill(0)
    np.testing.assert_array_equal(X.data, rows[[2, 0, 2, 1]])
    rows[2] = 7
    assert X.data[0].tolist() == X.data[2].tolist() == [7.0, 7.0]
    np.testing.assert_array_equal(np.concatenate(unpack(NumpyOps(), X)), X.doc_major())
    with pytest.raises(FrozenInstanceError):
        X.features = rows  # type: ignore[misc]  # which is what is tested


def members(**options: Any) -> dict[str, Model[Any, Any]]:
    return {"a": NER(**options, tok2vec=ours(), nO=5), "b": NER(**options, tok2vec=ours(), nO=5)}


def ours() -> Model[Any, Any]:
    return TOK2VECS["ours"]()


ENSEMBLES: dict[str, Callable[[], Model[Any, Any]]] = {
    "ner": lambda: NEREnsemble(members=members(), nO=5),
    "textcat": lambda: TextCatEnsemble(
        members={name: TextCat(tok2vec=ours(), exclusive_classes=True, nO=2) for name in "ab"}, nO=2
    ),
}


@pytest.mark.parametrize("kind", ENSEMBLES)
@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("change", [deepcopy, renamed])  # `Model.copy` forgets references
def test_members_of_an_ensemble_find_words_once(
    kind: str, is_train: bool, change: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = change(initialised(ENSEMBLES[kind]()))
    found = []
    find = lexemes._find_distinct

    def counted(docs: list[Doc], columns: list[int | str]) -> DistinctWords:
        found.append(docs)
        return find(docs, columns)

    monkeypatch.setattr(lexemes, "_find_distinct", counted)
    docs = make_docs([3, 2])
    ensemble(docs, is_train)
    ensemble(docs, is_train)
    assert len(found) == 2  # and again in each call


def test_members_of_another_kind_get_a_list_of_documents() -> None:
    def forward(
        model: Model[Any, Any], docs: list[Doc], is_train: bool
    ) -> tuple[np.ndarray, Callable[..., Any]]:
        assert type(docs) is list
        assert all(type(doc) is Doc for doc in docs)
        return np.full((len(docs), 2), 0.5, dtype="float32"), lambda dY: []

    other: Model[list[Doc], Floats2d] = Model(
        "other", forward, dims={"nO": 2}, attrs={"multi_label": False}
    )
    own = TextCat(tok2vec=ours(), exclusive_classes=True, nO=2)
    ensemble = initialised(TextCatEnsemble(members={"own": own, "other": other}, nO=2))
    docs = make_docs([3, 2])
    expected = (own.predict(docs) + 0.5) / 2
    np.testing.assert_allclose(ensemble.predict(docs), expected, atol=1e-6)
