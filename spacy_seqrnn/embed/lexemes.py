"""Embed every distinct word once: vectors that depend on the word alone need no work per token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
from spacy.attrs import NORM, ORTH, intify_attr
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model, Ops
from thinc.types import Ragged

from ..batch.composition import FORWARD_WITHIN, run, run_on_docs
from ..batch.distinct import DistinctRows
from ..batch.docs import DocBatch, check_docs
from ..batch.no_backprop import no_backprop
from ..batch.packed import Packed
from ..batch.packing import Packing, make_packing
from ..config_errors import ConfigError
from ..saved.layers import describe_layer, side_by_side
from ..saved.shapes import Layer
from ..types import Backprop, Floats2d, Ints1d
from .known_vectors import check_known, check_vectors, know_vectors, static_vectors_attrs
from .lexeme_table import LexemeTable

Embedder: TypeAlias = Model[list[Doc], list[Floats2d]]

# Attributes of a token that depend only on its text and norm, not on its context.
WORD_ATTRS = [
    *("ORTH", "NORM", "LOWER", "SHAPE", "PREFIX", "SUFFIX", "LENGTH", "CLUSTER", "LANG"),
    *("IS_ALPHA", "IS_ASCII", "IS_DIGIT", "IS_LOWER", "IS_UPPER", "IS_TITLE", "IS_PUNCT"),
    *("IS_SPACE", "IS_STOP", "IS_BRACKET", "IS_QUOTE", "IS_LEFT_PUNCT", "IS_RIGHT_PUNCT"),
    *("IS_CURRENCY", "LIKE_URL", "LIKE_NUM", "LIKE_EMAIL"),
]
CONTEXT_FREE = frozenset(intify_attr(name) for name in WORD_ATTRS)
# Words per call in prediction. More words need more memory, for their characters, without speed-up.
WORDS_AT_ONCE = 8192
# Odd multipliers, one per attribute, that combine several hashes into one 64-bit key.
KEY_MULTIPLIERS = np.random.RandomState(0).randint(1, 2**62, 64).astype("uint64") * 2 + 1
VOCAB_MULTIPLIER = KEY_MULTIPLIERS[-1]


def with_lexemes(layers: list[Embedder], *, table_size: int) -> Embedder:
    """Run context-free embedding layers once per distinct word and concatenate their vectors.

    layers: models that map documents to lists of (n_tokens, width) arrays or `Ragged`.
    table_size: distinct words whose vectors are kept between batches in prediction. They are
        dropped as soon as parameters or vocab change. The output of layers that read the vocab's
        word vectors is not kept, as those can be changed in place unnoticed; such layers come last
        in the result.

    Returns a model that maps documents to one (n_tokens, nO) array each.
    Raises ValueError for layers that depend on anything but the word.
    """
    layers = sorted(layers, key=_reads_vectors)
    return Layer(
        "with_lexemes",
        forward,
        init=init,
        layers=layers,
        dims={"nO": None},
        attrs={
            **static_vectors_attrs(layers),
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
            raise ConfigError(
                "layers",
                None,
                "LexemeEmbed cannot embed the output of a listener, because that depends on the "
                "sentence: use the listener as `tok2vec`, without LexemeEmbed around it.",
            )
        for name in node.attrs.get("columns") or []:
            if intify_attr(name) not in CONTEXT_FREE:
                raise ConfigError(
                    "layers",
                    None,
                    f"LexemeEmbed cannot embed the attribute {name!r}, because it depends on the "
                    "context and not on the word alone: remove it from `attrs`, or use the embed "
                    "layer without LexemeEmbed around it.",
                )
            columns.add(intify_attr(name))
    return sorted(columns, key=int)


@dataclass
class PendingGradients:
    """Whether gradients are waiting for an update of the parameters.

    Between backprop and `finish_update` the table must not be used: the update may change the
    parameters in place, and nothing tells the layer when. Copies start with nothing pending.
    """

    pending: bool = False

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return PendingGradients, ()


@dataclass(frozen=True)
class DistinctWords:
    """The distinct words of a batch, grouped by vocab.

    vocabs: of its documents. Each has the strings of its own words.
    columns: the attributes that distinguish words.
    values: these attributes of each word. Shape (n_words, n_columns).
    keys: one number for each word's attributes. Shape (n_words,).
    vocab_of: the index of each word's vocab, ascending. Shape (n_words,).
    index: the index of each token's word. Shape (n_tokens,).
    packing: the layout of the batch.
    """

    vocabs: list[Vocab]
    columns: list[int | str]
    values: np.ndarray
    keys: Ints1d
    vocab_of: np.ndarray
    index: Ints1d
    packing: Packing

    @cached_property
    def batch(self) -> DocBatch:
        """One document per vocab, with each of its words once."""
        return self.batch_of(np.arange(len(self.keys)))

    def batch_of(self, words: np.ndarray) -> DocBatch:
        """One document per vocab, with some of the words. words: ascending."""
        bounds = np.searchsorted(self.vocab_of[words], np.arange(len(self.vocabs) + 1))
        parts = zip(self.vocabs, bounds, bounds[1:], strict=False)
        return DocBatch([self._doc(vocab, words[start:end]) for vocab, start, end in parts])

    def _doc(self, vocab: Vocab, words: np.ndarray) -> Doc:
        """A document with the given words. A token's norm may differ from its lexeme's."""
        values = self.values[words]
        doc = Doc(vocab, words=values[:, self.columns.index(ORTH)].tolist())
        if NORM in self.columns and len(doc):
            doc.from_array([NORM], values[:, [self.columns.index(NORM)]])
        return doc


def forward(model: Embedder, docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Backprop]:
    return run_on_docs(forward_packed, model, docs, is_train)


def forward_packed(
    model: Embedder, batch: DocBatch, is_train: bool
) -> tuple[Packed, Callable[[Packed], list[Doc]]]:
    """The word vectors of all tokens, as copies of those of the distinct words."""
    if not any(batch.lengths):
        empty = model.ops.alloc2f(0, model.get_dim("nO"))
        return Packed(empty, make_packing(batch.lengths)), lambda dY: []
    words = distinct_words(batch, model.attrs["columns"])
    index = words.index[words.packing.to_packed]
    if not is_train:
        return Packed(DistinctRows(_predict(model, words), index), words.packing), no_backprop
    model.attrs["table"].clear()
    _check_vectors(model, words, is_train=True)
    Y, backprop_layers = _embed(model.ops, model.layers, words.batch, is_train=True)

    def backprop(dY: Packed) -> list[Doc]:
        model.attrs["gradients"].pending = True
        summed = model.ops.alloc2f(*Y.shape)
        model.ops.scatter_add(summed, model.ops.asarray1i(words.index), dY.doc_major())
        backprop_layers(summed)
        return []

    return Packed(DistinctRows(Y, index), words.packing), backprop


describe_layer(forward, width=side_by_side, fixed_attrs=["columns", "n_kept"], check=check_known)
FORWARD_WITHIN[forward] = forward_packed


def _predict(model: Embedder, words: DistinctWords) -> Floats2d:
    """Vectors of all words, from the table where possible. Shape (n_words, nO)."""
    n_kept = model.attrs["n_kept"]
    _check_vectors(model, words, is_train=False)
    if _awaits_update(model) or not n_kept:
        return _predict_layers(model.ops, model.layers, words, np.arange(len(words.keys)))

    def compute(missing: np.ndarray) -> Floats2d:
        return _predict_layers(model.ops, model.layers[:n_kept], words, missing)

    rows = model.attrs["table"].rows(words.keys, _sources(model, words.vocabs), compute)
    if n_kept == len(model.layers):
        return rows
    others, _ = _embed(model.ops, model.layers[n_kept:], words.batch, is_train=False)
    return model.ops.xp.concatenate([rows, others], axis=1)


def _check_vectors(model: Embedder, words: DistinctWords, *, is_train: bool) -> None:
    """Check that spaCy's layers read the vectors that they were trained with, in each vocab."""
    for doc in words.batch.docs if "known_vectors" in model.attrs else ():
        check_vectors(model, DocBatch([doc]), is_train=is_train)


def _predict_layers(
    ops: Ops, layers: list[Embedder], words: DistinctWords, wanted: np.ndarray
) -> Floats2d:
    """Newly computed vectors of some words. Shape (n_wanted, width)."""
    starts = range(0, max(len(wanted), 1), WORDS_AT_ONCE)
    parts = [words.batch_of(wanted[start : start + WORDS_AT_ONCE]) for start in starts]
    rows = [_embed(ops, layers, part, is_train=False)[0] for part in parts]
    return rows[0] if len(rows) == 1 else ops.xp.concatenate(rows)


def _sources(model: Embedder, vocabs: list[Vocab]) -> list[Any]:
    """The sources of kept rows. Optimizers and loading replace these objects."""
    params = [
        node.get_param(name)
        for layer in model.layers[: model.attrs["n_kept"]]
        for node in layer.walk()
        for name in node.param_names
        if node.has_param(name)
    ]
    return [*vocabs, *params]


def _awaits_update(model: Embedder) -> bool:
    """Whether gradients are waiting to be applied. Once they are gone, the table is cleared."""
    if not model.attrs["gradients"].pending:
        return False
    for node in model.walk():
        if any(node.get_grad(name).any() for name in node.grad_names):
            return True
    model.attrs["gradients"].pending = False
    model.attrs["table"].clear()
    return False


def distinct_words(batch: DocBatch, columns: list[int | str]) -> DistinctWords:
    """The distinct words of a batch, compared by the attributes `columns`."""
    key = ("distinct words", *columns)
    return batch.once(key, partial(_find_distinct, batch.docs, columns))


def _find_distinct(docs: list[Doc], columns: list[int | str]) -> DistinctWords:
    token_keys, values = _token_keys(docs, columns)
    packing = make_packing([len(doc) for doc in docs])
    vocabs = list({id(doc.vocab): doc.vocab for doc in docs}.values())
    if len(vocabs) == 1:
        keys, first, index = np.unique(token_keys, return_index=True, return_inverse=True)
        vocab_of = np.zeros(len(keys), dtype="int64")
        return DistinctWords(vocabs, columns, values[first], keys, vocab_of, index, packing)
    # A word of two vocabs counts as two words: its vectors may differ.
    numbers = {id(vocab): number for number, vocab in enumerate(vocabs)}
    vocab_of_token = np.repeat([numbers[id(doc.vocab)] for doc in docs], packing.lengths)
    token_keys += vocab_of_token.astype("uint64") * VOCAB_MULTIPLIER
    keys, first, index = np.unique(token_keys, return_index=True, return_inverse=True)
    order = np.argsort(vocab_of_token[first], kind="stable")
    keys, first, index = keys[order], first[order], np.argsort(order)[index]
    vocab_of = vocab_of_token[first]
    return DistinctWords(vocabs, columns, values[first], keys, vocab_of, index, packing)


def _token_keys(docs: list[Doc], columns: list[int | str]) -> tuple[Ints1d, np.ndarray]:
    """One number per token for its attributes, and the attributes, shape (n_tokens, n_columns)."""
    # With one column, spaCy returns a flat array.
    values = np.concatenate([doc.to_array(columns).reshape(-1, len(columns)) for doc in docs])
    return values @ KEY_MULTIPLIERS[: len(columns)], values


def _embed(
    ops: Ops, layers: list[Embedder], batch: DocBatch, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    """Run layers over documents and concatenate. Shape (n_words, width)."""
    results = [_run_layer(ops, layer, batch, is_train) for layer in layers]
    ends = np.cumsum([Y.shape[1] for Y, _ in results]).tolist()

    def backprop(dY: Floats2d) -> None:
        for (_, backprop_layer), start, end in zip(results, [0, *ends], ends, strict=False):
            backprop_layer(ops.as_contig(dY[:, start:end]))

    return ops.xp.concatenate([Y for Y, _ in results], axis=1), backprop


def _run_layer(
    ops: Ops, layer: Embedder, batch: DocBatch, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    """Run a layer that returns a list or `Ragged`, as spaCy's embedding layers do, or a `Packed`.

    Each document has a vocab of its own, and layers only read the vocab of the first document, so
    each document gets its own call.
    """
    if len(batch.docs) > 1:
        return _run_each(ops, layer, batch, is_train)
    Y, backprop = run(layer, batch, is_train)
    if isinstance(Y, Ragged):
        return Y.dataXd, partial(_backprop_ragged, backprop, Y.lengths)
    if isinstance(Y, Packed):  # of one document, so the rows are in the order of the tokens
        return Y.data, partial(_backprop_packed, backprop, Y.packing)
    return Y[0], partial(_backprop_list, backprop)


def _run_each(
    ops: Ops, layer: Embedder, batch: DocBatch, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    results = [_run_layer(ops, layer, DocBatch([doc]), is_train) for doc in batch.docs if len(doc)]
    ends = np.cumsum([len(Y) for Y, _ in results]).tolist()

    def backprop(dY: Floats2d) -> None:
        for (_, backprop_doc), start, end in zip(results, [0, *ends], ends, strict=False):
            backprop_doc(dY[start:end])

    return ops.xp.concatenate([Y for Y, _ in results]), backprop


def _backprop_ragged(backprop: Backprop, lengths: Ints1d, dY: Floats2d) -> None:
    backprop(Ragged(dY, lengths))


def _backprop_packed(backprop: Backprop, packing: Packing, dY: Floats2d) -> None:
    backprop(Packed(dY, packing))


def _backprop_list(backprop: Backprop, dY: Floats2d) -> None:
    backprop([dY])


def init(model: Embedder, X: list[Doc] | None = None, Y: list[Floats2d] | None = None) -> None:
    check_docs(model.name, X)
    know_vectors(model, X)
    for layer in model.layers:
        layer.initialize(X=X)
    if not X:
        model.set_dim("nO", sum(layer.get_dim("nO") for layer in model.layers))
        return
    words = distinct_words(DocBatch(X), model.attrs["columns"]) if any(map(len, X)) else None
    sample = words.batch if words else DocBatch(X[:1])
    rows, _ = _embed(model.ops, model.layers, sample, is_train=False)
    model.set_dim("nO", rows.shape[1])
    if words:
        _check_context_free(model, X, words)


def _check_context_free(model: Embedder, docs: list[Doc], words: DistinctWords) -> None:
    """Raise ValueError if a layer's vector for a word depends on the context."""
    for layer in model.layers:
        by_word, _ = _run_layer(model.ops, layer, words.batch, is_train=False)
        in_text = layer.predict(docs)
        in_text = in_text.dataXd if isinstance(in_text, Ragged) else model.ops.flatten(in_text)
        if not model.ops.xp.allclose(by_word[words.index], in_text, atol=1e-4):
            raise ConfigError(
                "layers",
                None,
                f"LexemeEmbed cannot run the layer {layer.name!r}, because its vector for a word "
                "depends on the context: use it without LexemeEmbed around it.",
            )
