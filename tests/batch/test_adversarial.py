"""Embeddings that are moved against the model."""

from typing import Any

import numpy as np
import pytest
from thinc.api import NumpyOps

from spacy_seqrnn.batch.adversarial import against_the_model, move
from spacy_seqrnn.batch.packed import Packed, pack, unpack

OPS = NumpyOps()
LENGTHS = [3, 0, 7, 1]


def random_docs(seed: int) -> list[Any]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(n, 5)).astype("float32") for n in LENGTHS]


def moved(docs: list[Any], gradients: list[Any], distance: float) -> list[Any]:
    X = pack(OPS, docs)
    return unpack(OPS, Packed(move(OPS, X, pack(OPS, gradients), distance), X.packing))


def test_each_document_moves_by_its_share_along_its_gradient() -> None:
    docs, gradients = random_docs(0), random_docs(1)
    for doc, gradient, found in zip(docs, gradients, moved(docs, gradients, 0.1), strict=True):
        expected = doc
        if len(doc):
            size = 0.1 * np.linalg.norm(doc) / np.linalg.norm(gradient)
            expected = doc + size * gradient
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_size_of_the_gradient_does_not_matter(scale: float) -> None:
    docs, gradients = random_docs(0), random_docs(1)
    expected = moved(docs, gradients, 0.1)
    scaled = [np.float32(scale) * gradient for gradient in gradients]
    for one, other in zip(expected, moved(docs, scaled, 0.1), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_without_a_gradient_nothing_moves() -> None:
    docs = random_docs(0)
    for one, other in zip(docs, moved(docs, [0 * doc for doc in docs], 0.1), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("distance", [0.0, 0.2])
def test_the_second_pass_is_behind_the_first_gradient(distance: float) -> None:
    X, dX = (pack(OPS, random_docs(seed)) for seed in (0, 1))
    added: list[Packed] = []
    passes = []
    for embedded, backprop in against_the_model(OPS, X, added.append, distance):
        passes.append(embedded)
        backprop(dX)
    assert passes[0] is X
    assert len(passes) == len(added) == (2 if distance else 1)
    if distance:
        np.testing.assert_array_equal(passes[1].data, move(OPS, X, dX, distance))
