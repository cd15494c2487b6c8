"""Documents as bags of word n-grams, each with a learned score."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from spacy.attrs import LOWER, ORTH
from spacy.ml.extract_ngrams import extract_ngrams
from spacy.tokens import Doc
from thinc.api import Model, NumpyOps

from ..batch.composition import FORWARD_WITHIN
from ..batch.docs import DocBatch
from ..checks import MOST_ROWS, check_int, check_n_outputs, check_rate
from ..embed.lexemes import distinct_words
from ..rnn.dropout import dropout_mask
from ..saved.layers import describe_layer
from ..saved.shapes import Layer
from ..types import Floats1d, Floats2d, Ints1d

NgramModel: TypeAlias = Model[list[Doc], Floats2d]

# On a GPU, Thinc truncates hashes of n-grams to 32 bits, so these are always computed on the CPU.
HOST = NumpyOps()
SECOND_HASH = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio (Knuth 1973)
LONGEST_NGRAM = 100  # hashing all n-grams of a long text takes time for each size


def NgramScores(
    *, ngram_size: int = 2, rows: int = 32768, dropout: float = 0.5, nO: int | None = None
) -> NgramModel:
    """Add up the scores of all distinct n-grams of lower-case words in a document.

    A linear model, for the option `ngrams` of `spacy-seqrnn.TextCat.v1`. Registered as
    `spacy-seqrnn.NgramScores.v1`.

    ngram_size: words of the longest n-grams; all shorter ones count too.
    rows: rows of the table of scores. The score of an n-gram is the sum of two rows, chosen by its
        hash, so that few n-grams share both. In training, time and memory grow with the rows.
    dropout: rate at which n-grams are dropped in training.
    nO: number of labels; set by the component.

    Returns a model that gives scores of shape (n_docs, nO).
    Raises ValueError for an option out of its range.
    """
    check_int("ngram_size", ngram_size, 1, LONGEST_NGRAM)
    check_int("rows", rows, 1, MOST_ROWS)
    check_rate("dropout", dropout)
    check_n_outputs(nO)
    return Layer(
        "ngram_scores",
        forward,
        init=init,
        dims={"nO": nO},
        params={"W": None, "b": None},
        layers=[extract_ngrams(ngram_size, LOWER)],
        attrs={"rows": rows, "ngram_dropout": dropout},
    )


def forward(
    model: NgramModel, docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    return forward_batch(model, DocBatch(docs), is_train)


def forward_batch(
    model: NgramModel, batch: DocBatch, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    ops = model.ops
    size, attr = (model.layers[0].attrs[name] for name in ("ngram_size", "attr"))
    # Whether a document has an n-gram is more informative than how often (Pang et al. 2002).
    find = partial(_distinct_ngrams, batch, size, attr)
    keys, n_ngrams = batch.once(("distinct n-grams", size, attr), find)
    if not len(keys):
        return _without_ngrams(model, len(batch.docs))
    lengths = ops.asarray1i(n_ngrams)
    rows = [ops.asarray1i(of_hash) for of_hash in rows_of_keys(keys, model.attrs["rows"])]
    W: Floats2d = model.get_param("W")
    scores = W[rows[0]] + W[rows[1]]
    rate = model.attrs["ngram_dropout"]
    mask = dropout_mask(ops, (len(scores), 1), rate) if is_train and rate else None
    if mask is not None:
        scores *= mask

    def backprop(dY: Floats2d) -> list[Doc]:
        d_scores = ops.backprop_reduce_sum(dY, lengths)
        if mask is not None:
            d_scores *= mask
        dW = ops.alloc2f(*W.shape)
        for of_hash in rows:
            ops.scatter_add(dW, of_hash, d_scores)
        model.inc_grad("W", dW)
        model.inc_grad("b", dY.sum(axis=0))
        return []

    return ops.reduce_sum(scores, lengths) + model.get_param("b"), backprop


def param_shapes(model: Model[Any, Any], param: str) -> tuple[int, ...]:
    """The shape of the table of scores or of the bias."""
    nO = model.get_dim("nO")
    return {"W": (model.attrs["rows"], nO), "b": (nO,)}[param]


describe_layer(forward, param_shapes=param_shapes, fixed_attrs=["rows"])
FORWARD_WITHIN[forward] = forward_batch


def _without_ngrams(
    model: NgramModel, n_docs: int
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    def backprop(dY: Floats2d) -> list[Doc]:
        model.inc_grad("b", dY.sum(axis=0))
        return []

    b: Floats1d = model.get_param("b")
    return model.ops.xp.repeat(b[None], n_docs, axis=0), backprop


def _distinct_ngrams(batch: DocBatch, size: int, attr: int) -> tuple[np.ndarray, Ints1d]:
    """The hashes of the documents' distinct n-grams, on the host, and how many each document has.

    They are those of spaCy's layer, but found for all documents at once.
    """
    lengths = np.asarray(batch.lengths)
    words = _words(batch, attr)
    doc_of = np.repeat(np.arange(len(lengths)), lengths)  # (n_tokens,)
    left = lengths.cumsum()[doc_of] - np.arange(len(words))  # tokens to the end of the document
    keys, owners = [words], [doc_of]
    for n in range(2, min(size, lengths.max(initial=0)) + 1):
        ngrams = HOST.ngrams(n, words)  # (n_tokens - n + 1,)
        within = left[: len(ngrams)] >= n
        keys.append(ngrams[within])
        owners.append(doc_of[: len(ngrams)][within])
    key, owner = np.concatenate(keys), np.concatenate(owners)  # (n_ngrams,)
    order = np.argsort(_by_owner(key, owner, len(lengths)))
    key, owner = key[order], owner[order]
    first = np.ones(len(key), dtype=bool)
    first[1:] = (key[1:] != key[:-1]) | (owner[1:] != owner[:-1])
    n_ngrams: Ints1d = np.bincount(owner[first], minlength=len(lengths)).astype("int32")
    return key[first], n_ngrams


def _words(batch: DocBatch, attr: int) -> Ints1d:
    """An attribute of all tokens that depends on the word alone. Shape (n_tokens,), uint64."""
    if not any(batch.lengths):
        return np.zeros(0, dtype="uint64")
    # Reading attributes from one document of distinct words costs less than from all documents.
    words = distinct_words(batch, [ORTH])
    values = [doc.to_array([attr]) for doc in words.batch.docs]
    found: Ints1d = np.concatenate(values).astype("uint64")[words.index]
    return found


def _by_owner(key: np.ndarray, owner: np.ndarray, n_docs: int) -> np.ndarray:
    """Numbers that sort by document, and equal keys of a document together. Shape (n_ngrams,).

    They consist of the document's number and as many bits as there is room for of the key, whose
    bits are spread first, as some words have small numbers for keys. Sorting by one number is
    several times as fast as sorting by two.
    """
    bits = np.uint64(max(n_docs - 1, 1).bit_length())
    spread = key * np.uint64(SECOND_HASH)
    return (owner.astype("uint64") << (np.uint64(64) - bits)) | (spread >> bits)


def rows_of_keys(keys: np.ndarray, n_rows: int) -> list[Ints1d]:
    """Two rows for each key, as independent as possible."""
    uint64 = keys.dtype.type
    return [(keys % uint64(n_rows)), ((keys * uint64(SECOND_HASH)) >> uint64(32)) % uint64(n_rows)]


def token_scores(model: NgramModel, doc: Doc) -> Floats2d:
    """What each token contributes to the scores of a document, without the bias.

    The score of an n-gram is shared equally between the tokens of all its occurrences. The rows,
    shape (n_tokens, nO), add up to the scores of all n-grams.
    """
    extract, W = model.layers[0], model.ops.to_numpy(model.get_param("W"))
    words = doc.to_array([extract.attrs["attr"]])  # (n_tokens,)
    scores: Floats2d = np.zeros((len(doc), model.get_dim("nO")), dtype="float32")
    for size in range(1, min(extract.attrs["ngram_size"], len(doc)) + 1):
        keys = words if size == 1 else HOST.ngrams(size, words)  # (n_tokens - size + 1,)
        distinct, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
        of_ngrams = sum(W[rows] for rows in rows_of_keys(distinct, model.attrs["rows"]))
        shares = (of_ngrams / (size * counts)[:, None])[which]
        for place in range(size):
            scores[place : place + len(shares)] += shares
    return model.ops.asarray2f(scores)


def init(model: NgramModel, X: list[Doc] | None = None, Y: Floats2d | None = None) -> None:
    nO = model.get_dim("nO")
    model.set_param("W", model.ops.alloc2f(model.attrs["rows"], nO))
    model.set_param("b", model.ops.alloc1f(nO))


def resized_scores(model: NgramModel, nO: int, *, new_bias: float) -> NgramModel:
    """A copy for more labels. Learned scores are kept; new labels get scores of 0 and this bias.

    The copy is a new node, so that an optimizer does not apply moments of the old shape to it.
    """
    extract = model.layers[0]
    new = NgramScores(
        ngram_size=extract.attrs["ngram_size"],
        rows=model.attrs["rows"],
        dropout=model.attrs["ngram_dropout"],
        nO=nO,
    )
    if model.has_param("W"):
        new.initialize()
        n_old = model.get_dim("nO")
        W: Floats2d = new.get_param("W")
        b: Floats1d = new.get_param("b")
        W[:, :n_old], b[:n_old] = model.get_param("W"), model.get_param("b")
        b[n_old:] = new_bias
    return new


def rescale(model: NgramModel, scale: Floats1d) -> None:
    """Multiply each label's scores. scale: Shape (nO,)."""
    W: Floats2d = model.get_param("W")
    b: Floats1d = model.get_param("b")
    model.set_param("W", W * scale)
    model.set_param("b", b * scale)
