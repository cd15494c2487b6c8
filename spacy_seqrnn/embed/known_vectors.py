"""The word vectors that a model was trained with, known again when it meets others.

A component that is sourced from another pipeline, or given documents of another vocab, would read
whatever vectors those have, and give token vectors that mean nothing to its encoder.
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

# Odd multipliers that make one number of a vector's digits
COLUMNS = np.random.RandomState(1).randint(1, 2**62, 1024).astype("uint64") * 2 + 1
ROWS_AT_ONCE = 4096  # which fit into a core's cache
MOST_SEEN = 8

Digest: TypeAlias = dict[str, Any]
DIGEST = {"name": str, "rows": int, "width": int, "attr": str, "checksum": str}


class SeenVectors:
    """The digests of arrays of vectors that a model has met. They are never saved.

    An array that is changed in place keeps its digest here.
    """

    def __init__(self) -> None:
        self._met: list[tuple[ref[Any], Digest]] = []
        self._told: set[tuple[str, ...]] = set()

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return SeenVectors, ()

    def find(self, array: Any) -> Digest | None:
        """The digest of an array; None for one that is new."""
        return next((digest for seen, digest in self._met if seen() is array), None)

    def add(self, array: Any, digest: Digest) -> None:
        """Remember an array as long as it lives."""
        alive = [(seen, of) for seen, of in self._met if seen() is not None]
        self._met = [*alive[-MOST_SEEN + 1 :], (ref(array), digest)]

    def is_news(self, known: Digest, found: Digest) -> bool:
        """Whether it was not yet told that a model reads these for those that it knows."""
        pair = (known["checksum"], known["attr"], found["checksum"], found["attr"])
        is_news = pair not in self._told
        self._told.add(pair)
        return is_news


def vectors_attrs() -> dict[str, Any]:
    """The attributes of a layer that knows the vectors it was trained with."""
    return {"known_vectors": None, "seen_vectors": SeenVectors()}


def static_vectors_attrs(layers: Iterable[Model[Any, Any]]) -> dict[str, Any]:
    """The same for a layer within which one of spaCy's reads vectors; otherwise none."""
    return vectors_attrs() if _read_static(layers) else {}


def _read_static(layers: Iterable[Model[Any, Any]]) -> bool:
    """Whether one of spaCy's layers reads vectors and is in none that knows them already."""
    return any(
        layer.name == "static_vectors"
        or ("known_vectors" not in layer.attrs and _read_static(layer.layers))
        for layer in layers
    )


def know_vectors(model: Model[Any, Any], docs: list[Doc] | None) -> None:
    """Let a model know the vectors that it is going to be trained with, if it reads any.

    docs: of the sample that it is initialised with.

    Raises ConfigError if there are none.
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
    """The digest of the vectors of documents, which is made once for each array of them."""
    seen: SeenVectors = model.attrs["seen_vectors"]
    found = seen.find(vectors.data)
    if found is None:
        found = batch.once(("digest of vectors", id(vectors)), partial(digest, vectors))
        seen.add(vectors.data, found)
    return found


def check_vectors(model: Model[Any, Any], batch: DocBatch, *, is_train: bool) -> None:
    """See whether the vocab of documents has the vectors that a model was trained with.

    Models that read none, or do not know theirs, take any.

    is_train: whether the model is trained with these, so that it knows them from now on.

    Warns of others, once. Raises ValueError if there are none or they have another width.
    """
    known, seen = (model.attrs.get(name) for name in ("known_vectors", "seen_vectors"))
    if seen is None or (known is None and not is_train) or not any(batch.lengths):
        return
    vectors = batch.docs[0].vocab.vectors
    if not isinstance(vectors, Vectors):  # a user's own may have no table that could be compared
        return
    if not vectors.shape[1] and known is not None:
        raise ValueError(
            f"The documents' vocab has no word vectors, but the model was trained with "
            f"{describe(known)}: make the documents with the pipeline, e.g. "
            "`DocBin.get_docs(nlp.vocab)`, or give it these vectors."
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
    # A layer of ours remembers the attribute, which spaCy forgets on saving.
    decisive = ("checksum",) if "vectors_attr" in model.attrs else ("checksum", "attr")
    differs = any(known[key] != found[key] for key in decisive)
    if differs and model.attrs["seen_vectors"].is_news(known, found):
        warnings.warn(
            f"The model was trained with {describe(known)}, but reads {describe(found)}, in which "
            "words mean something else to it: give the pipeline the vectors that the component was "
            "trained with, or train it on with these.",
            stacklevel=2,
        )


def check_known(model: Model[Any, Any]) -> None:
    """Raise ValueError if what a model has saved of its vectors is no digest."""
    digest = model.attrs.get("known_vectors")
    if digest is None:
        return
    kinds = {name: type(value) for name, value in digest.items()} if type(digest) is dict else {}
    if kinds != DIGEST:
        raise ValueError(f"`known_vectors = {str(digest)[:50]}`, which is no digest of vectors")


def describe(digest: Digest) -> str:
    """Words for a digest."""
    name = f" '{digest['name']}'" if digest["name"] else ""
    size = f"{digest['rows']} x {digest['width']}, by {digest['attr']}"
    return f"the word vectors{name} ({size}, checksum {digest['checksum'][:8]})"


def digest(vectors: Vectors) -> Digest:
    """What tells vectors from others: name, size, attribute, and a checksum of their meaning.

    That is which vector a key has. The order of the rows and rows that no key has do not count.
    """
    data = np.ascontiguousarray(to_numpy(vectors.data), dtype="<f4")
    rows = _row_hashes(data.reshape(vectors.shape))
    if vectors.mode == Mode.default:
        keys = np.fromiter(vectors.key2row.keys(), "uint64", len(vectors.key2row))
        of_keys = rows[np.fromiter(vectors.key2row.values(), "int64", len(keys))]
    else:  # words are hashed to rows, in a way that is part of what they mean
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
    """One number for the way in which floret vectors find the rows of a word."""
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
    """Numbers in which each bit depends on all of another's (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    values = values ^ (values >> np.uint64(31))
    return values
