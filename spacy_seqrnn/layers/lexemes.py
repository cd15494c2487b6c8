"""Embed every distinct word once: what depends on the word alone need not be computed per token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from spacy.attrs import NORM, ORTH, intify_attr
from spacy.tokens import Doc
from thinc.api import Model, Ops
from thinc.types import Ragged

from ..types import Floats2d, Ints1d
from .lexeme_table import LexemeTable
from .packed import split_docs

Embedder: TypeAlias = Model[list[Doc], list[Floats2d]]

# Attributes of a token that follow from its text and norm, whatever stands around it.
WORD_ATTRS = [
    *("ORTH", "NORM", "LOWER", "SHAPE", "PREFIX", "SUFFIX", "LENGTH", "CLUSTER", "LANG"),
    *("IS_ALPHA", "IS_ASCII", "IS_DIGIT", "IS_LOWER", "IS_UPPER", "IS_TITLE", "IS_PUNCT"),
    *("IS_SPACE", "IS_STOP", "IS_BRACKET", "IS_QUOTE", "IS_LEFT_PUNCT", "IS_RIGHT_PUNCT"),
    *("IS_CURRENCY", "LIKE_URL", "LIKE_NUM", "LIKE_EMAIL"),
]
CONTEXT_FREE = frozenset(intify_attr(name) for name in WORD_ATTRS)
# Odd multipliers, one per attribute, which make one 64-bit key of several hashes.
KEY_MULTIPLIERS = np.random.RandomState(0).randint(1, 2**62, 64).astype("uint64") * 2 + 1


def with_lexemes(layers: list[Embedder], *, table_size: int) -> Embedder:
    """Run context-free embedding layers once per distinct word and concatenate what they give.

    layers: models from documents to lists of (n_tokens, width) arrays or `Ragged`.
    table_size: distinct words whose vectors are kept between batches in prediction. They are
        forgotten as soon as parameters or vocab change. What layers make of the vocab's word
        vectors is not kept, as those can be changed in place without a trace; such layers come
        last in the result.

    Returns a model to one (n_tokens, nO) array per document.
    Raises ValueError for layers that look at anything but the word.
    """
    layers = sorted(layers, key=_reads_vectors)
    return Model(
        "with_lexemes",
        forward,
        init=init,
        layers=layers,
        dims={"nO": None},
        attrs={
            "columns": _columns(layers),
            "n_kept": len(layers) - sum(map(_reads_vectors, layers)),
            "table": LexemeTable(table_size),
            "gradients": PendingGradients(),
        },
    )


def _reads_vectors(layer: Embedder) -> bool:
    return any(node.name in ("static_vectors", "word_vectors") for node in layer.walk())


def _columns(layers: list[Embedder]) -> list[int | str]:
    """The attributes that the layers read, as spaCy's integer IDs."""
    columns: set[int | str] = {ORTH}
    for node in (node for layer in layers for node in layer.walk()):
        if "listener" in node.name:
            raise ValueError(
                "LexemeEmbed cannot embed what a listener hears, because that depends on the "
                "sentence: use the listener as `tok2vec`, without LexemeEmbed around it."
            )
        for name in node.attrs.get("columns") or []:
            if intify_attr(name) not in CONTEXT_FREE:
                raise ValueError(
                    f"LexemeEmbed cannot embed the attribute {name!r}, because it depends on the "
                    "context and not on the word alone: take it out of `attrs`, or use the embed "
                    "layer without LexemeEmbed around it."
                )
            columns.add(intify_attr(name))
    return sorted(columns, key=int)


@dataclass
class PendingGradients:
    """Whether gradients wait for an update of the parameters.

    Between backprop and `finish_update` the table must not be used: the update may change the
    parameters in place, and nothing tells the layer when. Copies start with nothing pending.
    """

    pending: bool = False

    def __reduce__(self) -> tuple[type, tuple]:
        return PendingGradients, ()


@dataclass(frozen=True)
class DistinctWords:
    """The distinct words of a batch.

    doc: a document that has each of them once.
    index: which of them each token of the batch is. Shape (n_tokens,).
    """

    doc: Doc
    index: Ints1d


def forward(model: Embedder, docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Callable]:
    lengths = [len(doc) for doc in docs]
    if not sum(lengths):
        empty = model.ops.alloc2f(0, model.get_dim("nO"))
        return split_docs(empty, lengths), lambda dYs: []
    if not is_train:
        return split_docs(_predict(model, docs), lengths), lambda dYs: []
    model.attrs["table"].clear()
    words = distinct_words(docs, model.attrs["columns"])
    Y, backprop_layers = _embed(model.ops, model.layers, words.doc, is_train=True)
    index = model.ops.xp.asarray(words.index)

    def backprop(dYs: list[Floats2d]) -> list[Doc]:
        model.attrs["gradients"].pending = True
        summed = model.ops.alloc2f(*Y.shape)
        model.ops.scatter_add(
            summed, model.ops.asarray1i(words.index), model.ops.xp.concatenate(dYs, axis=0)
        )
        backprop_layers(summed)
        return []

    return split_docs(Y[index], lengths), backprop


def _predict(model: Embedder, docs: list[Doc]) -> Floats2d:
    """Vectors of all tokens, from the table where they stand there. Shape (n_tokens, nO)."""
    keys, columns = _token_keys(docs, model.attrs["columns"])
    distinct, first, index = np.unique(keys, return_index=True, return_inverse=True)
    vocab = docs[0].vocab
    n_kept = model.attrs["n_kept"]

    def run(layers: list[Embedder], words: np.ndarray) -> Floats2d:
        doc = _doc_of_words(vocab, columns[first[words]], model.attrs["columns"])
        return _embed(model.ops, layers, doc, is_train=False)[0]

    everything = np.arange(len(distinct))
    if _awaits_update(model) or not n_kept:
        rows = run(model.layers, everything)
    else:
        compute = partial(run, model.layers[:n_kept])
        rows = model.attrs["table"].rows(distinct, _sources(model, vocab), compute)
        if n_kept < len(model.layers):
            others = run(model.layers[n_kept:], everything)
            rows = model.ops.xp.concatenate([rows, others], axis=1)
    return rows[model.ops.xp.asarray(index)]


def _sources(model: Embedder, vocab: Any) -> list[Any]:
    """What kept rows are computed from. Optimizers and loading put new objects in its place."""
    params = [
        node.get_param(name)
        for layer in model.layers[: model.attrs["n_kept"]]
        for node in layer.walk()
        for name in node.param_names
        if node.has_param(name)
    ]
    return [vocab, *params]


def _awaits_update(model: Embedder) -> bool:
    """Whether gradients wait to be applied. If they are gone, so is what the table holds."""
    if not model.attrs["gradients"].pending:
        return False
    for node in model.walk():
        if any(node.get_grad(name).any() for name in node.grad_names):
            return True
    model.attrs["gradients"].pending = False
    model.attrs["table"].clear()
    return False


def distinct_words(docs: list[Doc], columns: list[int | str]) -> DistinctWords:
    """The distinct words of a batch, as far as the attributes `columns` tell them apart."""
    token_keys, values = _token_keys(docs, columns)
    _, first, index = np.unique(token_keys, return_index=True, return_inverse=True)
    return DistinctWords(_doc_of_words(docs[0].vocab, values[first], columns), index)


def _token_keys(docs: list[Doc], columns: list[int | str]) -> tuple[Ints1d, np.ndarray]:
    """One number per token for its attributes, and the attributes, shape (n_tokens, n_columns)."""
    # With one column spaCy gives a flat array.
    values = np.concatenate([doc.to_array(columns).reshape(-1, len(columns)) for doc in docs])
    return (values * KEY_MULTIPLIERS[: len(columns)]).sum(axis=1, dtype="uint64"), values


def _doc_of_words(vocab: Any, values: np.ndarray, columns: list[int | str]) -> Doc:
    """A document of the given words. A token's norm may differ from its lexeme's, so it is set."""
    doc = Doc(vocab, words=values[:, columns.index(ORTH)].tolist())
    if NORM in columns and len(doc):
        doc.from_array([NORM], values[:, [columns.index(NORM)]])
    return doc


def _embed(ops: Ops, layers: list[Embedder], doc: Doc, is_train: bool) -> tuple[Floats2d, Callable]:
    """Run layers over one document and concatenate. Shape (n_words, width)."""
    results = [_run_layer(layer, doc, is_train) for layer in layers]
    ends = np.cumsum([Y.shape[1] for Y, _ in results]).tolist()

    def backprop(dY: Floats2d) -> None:
        for (_, backprop_layer), start, end in zip(results, [0, *ends], ends, strict=False):
            backprop_layer(ops.as_contig(dY[:, start:end]))

    return ops.xp.concatenate([Y for Y, _ in results], axis=1), backprop


def _run_layer(layer: Embedder, doc: Doc, is_train: bool) -> tuple[Floats2d, Callable]:
    """Run a layer that gives a list or `Ragged`, as spaCy's embedding layers do."""
    Y, backprop = layer([doc], is_train)
    if isinstance(Y, Ragged):
        return Y.dataXd, partial(_backprop_ragged, backprop, Y.lengths)
    return Y[0], partial(_backprop_list, backprop)


def _backprop_ragged(backprop: Callable, lengths: Ints1d, dY: Floats2d) -> None:
    backprop(Ragged(dY, lengths))


def _backprop_list(backprop: Callable, dY: Floats2d) -> None:
    backprop([dY])


def init(model: Embedder, X: list[Doc] | None = None, Y: list[Floats2d] | None = None) -> None:
    for layer in model.layers:
        layer.initialize(X=X)
    if not X:
        model.set_dim("nO", sum(layer.get_dim("nO") for layer in model.layers))
        return
    words = distinct_words(X, model.attrs["columns"]) if any(map(len, X)) else None
    rows, _ = _embed(model.ops, model.layers, words.doc if words else X[0], is_train=False)
    model.set_dim("nO", rows.shape[1])
    if words:
        _check_context_free(model, X, words)


def _check_context_free(model: Embedder, docs: list[Doc], words: DistinctWords) -> None:
    """Raise ValueError if a layer gives a word another vector in its text than by itself."""
    for layer in model.layers:
        by_word, _ = _run_layer(layer, words.doc, is_train=False)
        in_text = layer.predict(docs)
        in_text = in_text.dataXd if isinstance(in_text, Ragged) else model.ops.flatten(in_text)
        if not model.ops.xp.allclose(by_word[words.index], in_text, atol=1e-4):
            raise ValueError(
                f"LexemeEmbed cannot run the layer {layer.name!r}, because it gives a word another "
                "vector in another context: use it without LexemeEmbed around it."
            )
