"""Recognise the word vectors that a model was trained with, and detect others.

A component that is sourced from another pipeline, or that gets documents of another vocab, would
read the wrong vectors, and its encoder would get meaningless token vectors.
"""

import warnings
from collections.abc import Iterable
from functools import partial
from typing import Any, TypeAlias
from weakref import ref

import numpy as np
import srsly
from spacy.attrs import NAMES
from spacy.strings import get_string_id
from spacy.tokens import Doc
from spacy.vectors import Mode, Vectors
from thinc.api import Model, to_numpy

from ..batch.docs import DocBatch
from ..config_errors import ConfigError

# Odd multipliers that combine a vector's digits into one number
COLUMNS = np.random.RandomState(1).randint(1, 2**62, 1024).astype("uint64") * 2 + 1
ROWS_AT_ONCE = 4096  # as many as fit into a core's cache
MOST_SEEN = 8

Digest: TypeAlias = dict[str, Any]
DIGEST = {"name": str, "rows": int, "width": int, "attr": str, "checksum": str}


class SeenVectors:
    """The digests of the vector arrays that a model has met. They are never saved.

    An array that is changed in place keeps its digest here.
    """

    def __init__(self) -> None:
        self._met: list[tuple[ref[Any], Digest]] = []
        self._told: set[tuple[str, ...]] = set()

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return SeenVectors, ()

    def find(self, array: Any) -> Digest | None:
        """The digest of an array; None if it is new."""
        return next((digest for seen, digest in self._met if seen() is array), None)

    def add(self, array: Any, digest: Digest) -> None:
        """Remember an array as long as it lives."""
        alive = [(seen, of) for seen, of in self._met if seen() is not None]
        self._met = [*alive[-MOST_SEEN + 1 :], (ref(array), digest)]

    def is_news(self, known: Digest, found: Digest) -> bool:
        """Whether the difference between two digests has not been reported yet."""
        pair = (known["checksum"], known["attr"], found["checksum"], found["attr"])
        is_news = pair not in self._told
        self._told.add(pair)
        return is_news


def vectors_attrs() -> dict[str, Any]:
    """The attributes of a layer that remembers the vectors it was trained with."""
    return {"known_vectors": None, "seen_vectors": SeenVectors()}


def static_vectors_attrs(layers: Iterable[Model[Any, Any]]) -> dict[str, Any]:
    """The same for a layer that contains one of spaCy's vector layers; otherwise none."""
    return vectors_attrs() if _read_static(layers) else {}


def _read_static(layers: Iterable[Model[Any, Any]]) -> bool:
    """Whether one of spaCy's layers reads vectors and no layer around it remembers them yet."""
    return any(
        layer.name == "static_vectors"
        or ("known_vectors" not in layer.attrs and _read_static(layer.layers))
        for layer in layers
    )


def know_vectors(model: Model[Any, Any], docs: list[Doc] | None) -> None:
    """Remember the vectors that a model is going to be trained with, if it reads any.

    docs: the sample that it is initialised with.

    Raises ConfigError if the vocab has none.
    """
    if not docs or "known_vectors" not in model.attrs:
        return
    vectors = docs[0].vocab.vectors
    if not vectors.shape[1]:
        raise ConfigError(
            "include_static_vectors",
            True,
            "`include_static_vectors = true`, but the pipeline has no word vectors: set `vectors` "
            "in [initialize], or `--paths.vectors`, to a pipeline or folder that has some, or set "
            "it to false.",
        )
    model.attrs["known_vectors"] = None
    if isinstance(vectors, Vectors):
        model.attrs["known_vectors"] = _digest_once(model, DocBatch(docs), vectors)


def _digest_once(model: Model[Any, Any], batch: DocBatch, vectors: Vectors) -> Digest:
    """The digest of the documents' vectors, computed once per array."""
    seen: SeenVectors = model.attrs["seen_vectors"]
    found = seen.find(vectors.data)
    if found is None:
        found = batch.once(("digest of vectors", id(vectors)), partial(digest, vectors))
        seen.add(vectors.data, found)
    return found


def check_vectors(model: Model[Any, Any], batch: DocBatch, *, is_train: bool) -> None:
    """Check that the vocab of documents has the vectors that a model was trained with.

    A model that reads no vectors, or has not remembered its vectors, accepts any.

    is_train: whether the model is being trained with these vectors and should remember them.

    Warns once about other vectors. Raises ValueError if there are none or their width differs.
    """
    known, seen = (model.attrs.get(name) for name in ("known_vectors", "seen_vectors"))
    if seen is None or (known is None and not is_train) or not any(batch.lengths):
        return
    vectors = batch.docs[0].vocab.vectors
    if not isinstance(vectors, Vectors):  # custom vectors may have no table to compare
        return
    if not vectors.shape[1] and known is not None:
        raise ValueError(
            "The documents' vocab has no word vectors, but the model was trained with "
            f"{describe(known)}: create the documents with the pipeline, e.g. "
            "`DocBin.get_docs(nlp.vocab)`, or add these vectors to the vocab."
        )
    found = _digest_once(model, batch, vectors)
    if known is not None:
        _compare(model, known, found)
    if is_train and vectors.shape[1] and (known is None or known["checksum"] != found["checksum"]):
        model.attrs["known_vectors"] = found


def _compare(model: Model[Any, Any], known: Digest, found: Digest) -> None:
    if found["width"] != known["width"]:
        raise ValueError(
            f"The model was trained with {describe(known)} and cannot read {describe(found)}: give "
            "the pipeline the vectors that the component was trained with."
        )
    # A layer of this package remembers the attribute, which spaCy does not save.
    decisive = ("checksum",) if "vectors_attr" in model.attrs else ("checksum", "attr")
    differs = any(known[key] != found[key] for key in decisive)
    if differs and model.attrs["seen_vectors"].is_news(known, found):
        warnings.warn(
            f"The model was trained with {describe(known)}, but reads {describe(found)}, whose "
            "values mean something else: give the pipeline the vectors that the component was "
            "trained with, or continue training with these.",
            stacklevel=2,
        )


def check_known(model: Model[Any, Any]) -> None:
    """Raise ValueError if the saved record of a model's vectors is not a digest."""
    digest = model.attrs.get("known_vectors")
    if digest is None:
        return
    kinds = {name: type(value) for name, value in digest.items()} if type(digest) is dict else {}
    if kinds != DIGEST:
        raise ValueError(f"`known_vectors = {str(digest)[:50]}`, which is not a digest of vectors")


def describe(digest: Digest) -> str:
    """A digest in words."""
    name = f" '{digest['name']}'" if digest["name"] else ""
    size = f"{digest['rows']} x {digest['width']}, by {digest['attr']}"
    return f"the word vectors{name} ({size}, checksum {digest['checksum'][:8]})"


def digest(vectors: Vectors) -> Digest:
    """A fingerprint of vectors: name, size, attribute, and a checksum of which key has which
    vector.

    The order of the rows, and rows that no key has, do not matter.
    """
    data = np.ascontiguousarray(to_numpy(vectors.data), dtype="<f4")
    rows = _row_hashes(data.reshape(vectors.shape))
    if vectors.mode == Mode.default:
        keys = np.fromiter(vectors.key2row.keys(), "uint64", len(vectors.key2row))
        of_keys = rows[np.fromiter(vectors.key2row.values(), "int64", len(keys))]
    else:  # words are hashed to rows, so the hashing is part of the meaning
        keys, of_keys = np.arange(len(rows), dtype="uint64") ^ _floret_seed(vectors), rows
    total = int(_mixed(_mixed(keys) ^ of_keys).sum(dtype="uint64"))
    return {
        "name": vectors.name or "",
        "rows": int(vectors.shape[0]),
        "width": int(vectors.shape[1]),
        "attr": NAMES[vectors.attr],
        "checksum": f"{total:016x}",
    }


def _floret_seed(vectors: Vectors) -> np.uint64:
    """A number that identifies how floret vectors find the rows of a word."""
    sizes = [vectors.minn, vectors.maxn, vectors.hash_count, vectors.hash_seed]
    way = srsly.json_dumps([*sizes, vectors.bow, vectors.eow])
    return np.uint64(get_string_id(way))


def _row_hashes(data: np.ndarray) -> np.ndarray:
    """One number for each vector. Shape (n_rows,), uint64."""
    words = data.view("<u4")
    columns = np.resize(COLUMNS, data.shape[1]) + np.arange(data.shape[1], dtype="uint64") * 2
    hashes = np.zeros(len(data), dtype="uint64")
    for start in range(0, len(data), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        hashes[part] = (words[part].astype("uint64") * columns).sum(axis=1)
    return _mixed(hashes)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Numbers in which each bit depends on all input bits (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    values = values ^ (values >> np.uint64(31))
    return values
