"""The word vectors that a model was trained with, known again when it meets others.

A component that is sourced from another pipeline, or given documents of another vocab, would read
whatever vectors those have, and give token vectors that mean nothing to its encoder.
"""

import warnings
from typing import Any
from weakref import ref

import numpy as np
from spacy.attrs import NAMES
from spacy.tokens import Doc
from spacy.vectors import Mode, Vectors
from spacy.vocab import Vocab
from thinc.api import Model, to_numpy

from .doc_batch import find_once

# Odd multipliers that make one number of a vector's digits
COLUMNS = np.random.RandomState(1).randint(1, 2**62, 1024).astype("uint64") * 2 + 1
ROWS_AT_ONCE = 4096  # which fit into a core's cache
MOST_SEEN = 8


class SeenVectors:
    """The arrays of vectors that a model has been found to fit, or warned of. It is never saved."""

    def __init__(self) -> None:
        self._arrays: list[ref] = []

    def __reduce__(self) -> tuple[type, tuple]:
        return SeenVectors, ()

    def __contains__(self, array: Any) -> bool:
        return any(seen() is array for seen in self._arrays)

    def add(self, array: Any) -> None:
        """Remember an array as long as it lives."""
        alive = [seen for seen in self._arrays if seen() is not None]
        self._arrays = [*alive[-MOST_SEEN + 1 :], ref(array)]


def vectors_attrs() -> dict[str, Any]:
    """The attributes of a layer that knows the vectors it was trained with."""
    return {"known_vectors": None, "seen_vectors": SeenVectors()}


def know_vectors(model: Model, vocab: Vocab) -> None:
    """Let a model know the vectors that it is going to be trained with."""
    model.attrs["known_vectors"] = digest(vocab.vectors)
    model.attrs["seen_vectors"] = SeenVectors()
    model.attrs["seen_vectors"].add(vocab.vectors.data)


def check_vectors(model: Model, docs: list[Doc]) -> None:
    """See whether the documents' vocab has the vectors that a model was trained with.

    Warns of others, once. Raises ValueError if there are none or they have another width.
    """
    vectors, known = docs[0].vocab.vectors, model.attrs["known_vectors"]
    if known is None or vectors.data in model.attrs["seen_vectors"]:
        return
    if not vectors.shape[1]:
        raise ValueError(
            f"The documents' vocab has no word vectors, but the model was trained with "
            f"{describe(known)}: make the documents with the pipeline, e.g. "
            "`DocBin.get_docs(nlp.vocab)`, or give it these vectors."
        )
    found = find_once(docs, ("digest of vectors", id(vectors)), lambda: digest(vectors))
    if found["width"] != known["width"]:
        raise ValueError(
            f"The model was trained with {describe(known)} and cannot read {describe(found)}: give "
            "the pipeline the vectors that the component was trained with."
        )
    if found["checksum"] != known["checksum"]:
        warnings.warn(
            f"The model was trained with {describe(known)}, but reads {describe(found)}, in which "
            "words mean something else to it: give the pipeline the vectors that the component was "
            "trained with, or train it again.",
            stacklevel=2,
        )
    model.attrs["seen_vectors"].add(vectors.data)


def describe(digest: dict[str, Any]) -> str:
    """Words for a digest."""
    name = f" '{digest['name']}'" if digest["name"] else ""
    size = f"{digest['rows']} x {digest['width']}, by {digest['attr']}"
    return f"the word vectors{name} ({size}, checksum {digest['checksum'][:8]})"


def digest(vectors: Vectors) -> dict[str, Any]:
    """What tells vectors from others: name, size, attribute, and a checksum of their meaning.

    That is which vector a key has. The order of the rows and rows that no key has do not count.
    """
    data = np.ascontiguousarray(to_numpy(vectors.data), dtype="<f4")
    rows = _row_hashes(data.reshape(vectors.shape))
    if vectors.mode == Mode.default:
        keys = np.fromiter(vectors.key2row.keys(), "uint64", len(vectors.key2row))
        of_keys = rows[np.fromiter(vectors.key2row.values(), "int64", len(keys))]
    else:  # floret: words are hashed to rows, so that their numbers are the keys
        keys, of_keys = np.arange(len(rows), dtype="uint64"), rows
    total = int(_mixed(_mixed(keys) ^ of_keys).sum(dtype="uint64"))
    return {
        "name": vectors.name or "",
        "rows": int(vectors.shape[0]),
        "width": int(vectors.shape[1]),
        "attr": NAMES[vectors.attr],
        "checksum": f"{total:016x}",
    }


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
    return values ^ (values >> np.uint64(31))
