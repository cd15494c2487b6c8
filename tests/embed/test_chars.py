from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from thinc.api import Model, NumpyOps, fix_random_seed

from spacy_seqrnn.architectures.embeds import CharCNNEmbed, CharRNNEmbed
from spacy_seqrnn.embed.chars import code_points
from spacy_seqrnn.types import Floats2d, Ints1d

from ..gradients import check_model_gradients

VOCAB = spacy.blank("en").vocab
WORDS = ["Tromsø", "a", "of", "東京都", "🎉", "\n\n", "Tromsø", "internationalisation"]


def make_docs() -> list[Doc]:
    return [Doc(VOCAB, words=WORDS[:3]), Doc(VOCAB), Doc(VOCAB, words=WORDS[3:])]


def node_of(model: Model[Any, Any], name: str) -> Model[Any, Any]:
    return next(node for node in model.walk() if node.name == name)


def make(build: Callable[..., Any], **options: Any) -> Model[Any, Any]:
    fix_random_seed(0)
    made: Model[Any, Any] = build(**options).initialize(X=make_docs())
    return made


def test_code_points() -> None:
    chars = code_points(NumpyOps(), ["aß", "", "🎉", "abcdefg"], max_chars=4)
    assert chars.lengths.tolist() == [2, 1, 1, 4]
    points: Ints1d = chars.dataXd
    assert [chr(point) for point in points] == ["a", "ß", "\0", "🎉", "a", "b", "f", "g"]


@pytest.mark.parametrize("max_chars", [1, 2, 3])
def test_long_words_keep_their_ends(max_chars: int) -> None:
    chars = code_points(NumpyOps(), ["abcdef"], max_chars=max_chars)
    points: Ints1d = chars.dataXd
    kept = "".join(chr(point) for point in points)
    assert kept == {1: "a", 2: "af", 3: "abf"}[max_chars]


def char_vectors(model: Model[Any, Any], word: str) -> np.ndarray:
    embed = node_of(model, "hashembed")
    made: np.ndarray = embed.predict(np.asarray([ord(char) for char in word], dtype="uint64"))
    return made


def test_cnn_equals_torch_convolution() -> None:
    """Ma and Hovy 2016: zero padding at the ends of the word, maximum over the positions."""
    model = make(CharCNNEmbed, width=7, char_width=5, window_size=2)
    linear = node_of(model, "linear")
    W: Floats2d = linear.get_param("W")
    kernel = torch.from_numpy(W.reshape(7, 5, 5)).permute(0, 2, 1)
    Y = np.concatenate(model.predict(make_docs()))
    for word, own in zip(WORDS, Y, strict=True):
        X = torch.from_numpy(char_vectors(model, word)).T[None]
        bias = torch.from_numpy(linear.get_param("b"))
        expected = torch.nn.functional.conv1d(X, kernel, bias, padding=2).amax(dim=2)
        np.testing.assert_allclose(own, expected[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_rnn_reads_words_from_both_ends(cell: str) -> None:
    """Lample et al. 2016: the last state to the right, the first state to the left."""
    model = make(CharRNNEmbed, width=6, char_width=4, cell=cell)
    with_packed = node_of(model, f"with_packed({cell})")
    Y = np.concatenate(model.predict(make_docs()))
    for word, own in zip(WORDS, Y, strict=True):
        states = with_packed.predict([char_vectors(model, word)])[0]
        np.testing.assert_allclose(own, [*states[-1, :3], *states[0, 3:]], atol=1e-6)


@pytest.mark.parametrize("build", [CharCNNEmbed, CharRNNEmbed])
def test_gradient(build: Callable[..., Any]) -> None:
    model = make(build, width=4, char_width=3)
    docs = make_docs()
    dYs = [np.random.default_rng(0).normal(size=Y.shape).astype("f") for Y in model.predict(docs)]

    def loss() -> float:
        return sum(float((Y * dY).sum()) for Y, dY in zip(model.predict(docs), dYs, strict=True))

    _, backprop = model.begin_update(docs)
    assert backprop(dYs) == []
    check_model_gradients(loss, model, step=1e-3, abs=2e-2, rel=5e-2)


@pytest.mark.parametrize("build", [CharCNNEmbed, CharRNNEmbed])
def test_documents_without_tokens(build: Callable[..., Any]) -> None:
    model = make(build, width=4)
    Ys, backprop = model.begin_update([Doc(VOCAB), Doc(VOCAB)])
    assert [Y.shape for Y in Ys] == [(0, 4), (0, 4)]
    assert backprop(Ys) == []
    assert model.predict([]) == []


@pytest.mark.parametrize("build", [CharCNNEmbed, CharRNNEmbed])
def test_round_trip(build: Callable[..., Any]) -> None:
    model = make(build, width=4)
    other = build(width=4).from_bytes(model.to_bytes())
    np.testing.assert_array_equal(
        np.concatenate(other.predict(make_docs())), np.concatenate(model.predict(make_docs()))
    )


@pytest.mark.parametrize("build", [CharCNNEmbed, CharRNNEmbed])
def test_max_chars_bounds_the_word(build: Callable[..., Any]) -> None:
    model = make(build, width=4, max_chars=4)
    docs = [Doc(VOCAB, words=["abXXXXyz", "abOyz", "ab", "yz", "abyz"])]
    long, middle, *_, short = model.predict(docs)[0]
    np.testing.assert_allclose(long, middle, atol=1e-6)
    np.testing.assert_allclose(long, short, atol=1e-6)
