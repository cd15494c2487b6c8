"""Every layer on a GPU: forward, backward, prediction and update equal those of the CPU."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import Model, NumpyOps, Ops, get_current_ops, use_ops
from thinc.backends.cupy_ops import CupyOps
from thinc.types import Ragged

from spacy_seqrnn.batch.packed import Packed
from spacy_seqrnn.batch.packing import make_packing
from spacy_seqrnn.crf.layer import CRF, TokenSoftmax
from spacy_seqrnn.embed.static_vectors import word_vectors
from spacy_seqrnn.heads.linear import Linear
from spacy_seqrnn.heads.ngrams import NgramScores
from spacy_seqrnn.heads.pooling import POOLINGS, pooling_layer
from spacy_seqrnn.ner.biluo import biluo_constraints
from spacy_seqrnn.rnn.cells import CELLS
from spacy_seqrnn.rnn.dropout import dropout_mask, locked_dropout, word_dropout
from spacy_seqrnn.types import Floats1d, FloatsXd

from .compare import assert_same, close, gradient_like, on_host

LENGTHS = [3, 0, 1, 5]
WIDTH = 6
TEXTS = ["Mira Holt visited Oslo .", "", "Oslo", "Otto left New Lund sadly , sadly"]


def normal(ops: Ops, *shape: int) -> FloatsXd:
    values: FloatsXd = np.random.default_rng(0).normal(size=shape).astype("f")
    return ops.asarray(values)


def ragged(ops: Ops) -> Ragged:
    return Ragged(normal(ops, sum(LENGTHS), WIDTH), ops.asarray1i(LENGTHS))


def packed(ops: Ops, width: int = WIDTH) -> Packed:
    return Packed(normal(ops, sum(LENGTHS), width), make_packing(LENGTHS))


def token_vectors(ops: Ops) -> list[Any]:
    rows = normal(ops, sum(LENGTHS), WIDTH)
    return [rows[:3], rows[:0], rows[3:4], rows[4:]]


def docs(ops: Ops) -> list[Doc]:
    vocab = Vocab()
    vocab.reset_vectors(width=WIDTH)
    for number, word in enumerate(("Oslo", "left", "New", "Lund")):
        vector: Floats1d = np.arange(WIDTH, dtype="f") + number
        vocab.set_vector(word, vector)
    vocab.vectors.to_ops(ops)
    return [Doc(vocab, words=text.split()) for text in TEXTS]


def architecture(name: str, **options: Any) -> Model[Any, Any]:
    made: Model[Any, Any] = registry.get("architectures", f"spacy-seqrnn.{name}.v1")(**options)
    return made


def test_linear(gpu: CupyOps) -> None:
    assert_same(gpu, lambda: Linear(nO=4, nI=WIDTH).initialize(), lambda ops: normal(ops, 7, WIDTH))


@pytest.mark.parametrize("names", [*([name] for name in POOLINGS), list(POOLINGS)])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_poolings(gpu: CupyOps, names: list[str], bidirectional: bool) -> None:
    def build() -> Model[Any, Any]:
        return pooling_layer(names, bidirectional=bidirectional).initialize(
            X=ragged(get_current_ops())
        )

    assert_same(gpu, build, ragged)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_ngrams(gpu: CupyOps, dropout: float) -> None:
    def build() -> Model[Any, Any]:
        return NgramScores(ngram_size=2, rows=50, dropout=dropout, nO=3).initialize()

    assert_same(gpu, build, docs)


@pytest.mark.parametrize("decoder", [CRF, TokenSoftmax])
def test_decoders(gpu: CupyOps, decoder: Callable[..., Any]) -> None:
    def build() -> Model[Any, Any]:
        made: Model[Any, Any] = decoder(biluo_constraints, nO=5).initialize()
        return made

    assert_same(gpu, build, lambda ops: packed(ops, 5))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bidirectional": False},
        {"depth": 2, "residual": True},
        {"depth": 2, "separate_directions": True},
    ],
)
def test_encoders(gpu: CupyOps, cell: str, options: dict[str, Any]) -> None:
    def build() -> Model[Any, Any]:
        encoder = architecture("RNNEncoder", cell=cell, width=WIDTH, dropout=0.0, **options)
        return encoder.initialize(X=token_vectors(get_current_ops()))

    assert_same(gpu, build, token_vectors)


def test_encoder_of_one_array(gpu: CupyOps) -> None:
    """Listeners and spaCy's layers also pass `Ragged`."""

    def build() -> Model[Any, Any]:
        encoder = architecture("RNNEncoder", width=WIDTH, dropout=0.0)
        return encoder.initialize(X=token_vectors(get_current_ops()))

    assert_same(gpu, build, ragged)


def test_dropout(gpu: CupyOps) -> None:
    """Zeros and scaled values, the same for all tokens of a document where dropout is locked."""
    mask = gpu.to_numpy(dropout_mask(gpu, (50, 20), 0.25))
    assert mask.dtype == "float32"
    close(np.unique(mask), [0.0, 1 / 0.75])
    assert (mask == 0).mean() == pytest.approx(0.25, abs=0.1)
    X = packed(gpu)
    for dropout in (locked_dropout, word_dropout):
        Y, backprop = dropout(gpu, X, 0.5)
        kept = gpu.to_numpy(Y.data / X.data)
        dX = backprop(gradient_like(gpu, X))
        close(gpu.to_numpy(dX.data / gradient_like(gpu, X).data), kept)
        same = kept[X.packing.rank_of_row == 0] if dropout is locked_dropout else kept.T
        assert (same == same[0]).all()


EMBEDDINGS = {
    "CharCNNEmbed": {"width": 8, "char_width": 4},
    "CharRNNEmbed": {"width": 8, "char_width": 4},
    "WordEmbed": {"width": 8},
}


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embeddings(gpu: CupyOps, name: str) -> None:
    def build() -> Model[Any, Any]:
        return architecture(name, **EMBEDDINGS[name]).initialize(X=docs(get_current_ops()))

    assert_same(gpu, build, docs)


@pytest.mark.parametrize("static", [False, True])
def test_lexemes(gpu: CupyOps, static: bool) -> None:
    def build() -> Model[Any, Any]:
        layers = {
            "chars": architecture("CharCNNEmbed", width=8, char_width=4),
            "hashed": registry.get("architectures", "spacy.MultiHashEmbed.v2")(
                width=8, attrs=["NORM", "SHAPE"], rows=[50, 50], include_static_vectors=False
            ),
        }
        embed = architecture("LexemeEmbed", layers=layers, include_static_vectors=static)
        return embed.initialize(X=docs(get_current_ops()))

    assert_same(gpu, build, docs)


@pytest.mark.parametrize("rows", [0, 3])
def test_word_vectors(gpu: CupyOps, rows: int) -> None:
    def build() -> Model[Any, Any]:
        return word_vectors(correction_rows=rows).initialize(X=docs(get_current_ops()))

    assert_same(gpu, build, docs)


def test_vectors_left_on_the_host(gpu: CupyOps) -> None:
    """Documents of a vocab that was not moved to the device."""

    def build() -> Model[Any, Any]:
        return word_vectors(correction_rows=0).initialize(X=docs(get_current_ops()))

    with use_ops("numpy"):
        host_docs = docs(NumpyOps())
        expected = build().predict(host_docs)
    close(on_host(build().predict(host_docs)), expected)


def test_words_of_two_vocabs(gpu: CupyOps) -> None:
    def build() -> Model[Any, Any]:
        layers = {"words": architecture("WordEmbed", width=8, dropout=0.0)}
        embed = architecture("LexemeEmbed", layers=layers, include_static_vectors=True)
        return embed.initialize(X=docs(get_current_ops()))

    assert_same(gpu, build, lambda ops: [*docs(ops), *docs(ops)])


def no_docs(ops: Ops) -> list[Doc]:
    return [Doc(doc.vocab) for doc in docs(ops)]


WITHOUT_TOKENS = {
    "poolings": (
        lambda: pooling_layer(list(POOLINGS), bidirectional=True).initialize(
            X=ragged(get_current_ops())
        ),
        lambda ops: Ragged(ops.alloc2f(0, WIDTH), ops.asarray1i([0, 0])),
    ),
    "n-grams": (lambda: NgramScores(ngram_size=2, rows=9, dropout=0.0, nO=3).initialize(), no_docs),
    "encoder": (
        lambda: architecture("RNNEncoder", width=WIDTH).initialize(
            X=token_vectors(get_current_ops())
        ),
        lambda ops: [ops.alloc2f(0, WIDTH)] * 2,
    ),
    "characters": (
        lambda: architecture("CharCNNEmbed", width=8, char_width=4).initialize(
            X=docs(get_current_ops())
        ),
        no_docs,
    ),
    "chain": (
        lambda: CRF(biluo_constraints, nO=5).initialize(),
        lambda ops: Packed(ops.alloc2f(0, 5), make_packing([0, 0])),
    ),
}


@pytest.mark.parametrize("name", WITHOUT_TOKENS)
def test_without_tokens(gpu: CupyOps, name: str) -> None:
    assert_same(gpu, *WITHOUT_TOKENS[name])
