"""The model of text classification: token vectors, pooling, output layer."""

import math
from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Ragged

from ..batch.composition import FORWARD_WITHIN, run, run_packed
from ..batch.docs import DocBatch
from ..batch.no_backprop import no_backprop
from ..batch.packed import pack, unpack_ragged
from ..batch.windows import encode_random_windows, prediction_chunks
from ..checks import check_at_least, check_choice, check_n_outputs
from ..config_errors import ConfigError
from ..embed.known_vectors import check_known, check_vectors, know_vectors, static_vectors_attrs
from ..heads import ngrams as ngram_scores
from ..heads.common import (
    check_truth,
    check_width,
    clip_gradients,
    dropout_forward,
    init_tok2vec,
    new_label_bias,
    probabilities,
    resized_linear,
)
from ..heads.linear import Linear
from ..heads.ngrams import resized_scores
from ..heads.pooling import POOLINGS, pooling_layer
from ..saved.layers import Width, check_same, describe_layer, in_turn
from ..saved.shapes import Layer
from ..types import Floats1d, Floats2d


def TextCat(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    ngrams: Model[list[Doc], Floats2d] | None = None,
    pooling: str | list[str] = "max",
    exclusive_classes: bool,
    bidirectional: bool | None = None,
    max_grad_norm: float = 0.0,
    nO: int | None = None,
) -> Model[list[Doc], Floats2d]:
    """Classify texts by pooled token vectors, for spaCy's `textcat` and `textcat_multilabel`.

    Registered as `spacy-seqrnn.TextCat.v1`.

    tok2vec: any embedding, encoder or listener.
    ngrams: a `spacy-seqrnn.NgramScores.v1`, whose scores are added to those of the pooled vectors
        (a wide and a deep part, trained together; Cheng et al. 2016). It learns what a word or a
        short phrase says on its own, from the first steps on; None for none.
    pooling: "last", "mean", "max", "attention", "narrow_attention", "first_last", or a list of
        them, whose results are concatenated.
    exclusive_classes: True for `textcat` (softmax), False for `textcat_multilabel` (logistic).
    bidirectional: whether the right half of the token vectors reads from right to left, for "last".
        None: as in the `RNNEncoder` in `tok2vec`; for a listener, set it.
    max_grad_norm: clip the gradients of this component's model to this joint norm; 0 disables
        clipping. A shared `tok2vec` belongs to another component and is not included.
    nO: number of labels; set by the component.

    Returns a model that maps documents to probabilities, shape (n_docs, nO). A document without
    tokens has 0 for every label, as spaCy's `textcat` does for a batch without any tokens.
    Raises ValueError for an option out of its range.
    """
    poolings = [pooling] if isinstance(pooling, str) else list(pooling)
    if not poolings:
        raise ConfigError(
            "pooling", pooling, f"`pooling` is empty: name at least one of {', '.join(POOLINGS)}."
        )
    for name in poolings:
        check_choice("pooling", name, list(POOLINGS))
    check_at_least("max_grad_norm", max_grad_norm, 0)
    check_n_outputs(nO)
    _check_ngrams(ngrams)
    if bidirectional is None:
        bidirectional = _reads_both_ways(tok2vec, poolings)
    pool = pooling_layer(poolings, bidirectional=bidirectional)
    output_layer = Linear(nO=nO)
    return Layer(
        "seqrnn_textcat",
        forward,
        init=init,
        dims={"nO": nO},
        layers=[tok2vec, pool, output_layer, *([ngrams] if ngrams else [])],
        refs={
            "tok2vec": tok2vec,
            "pooling": pool,
            "output_layer": output_layer,
            **({"ngrams": ngrams} if ngrams else {}),
        },
        attrs={
            "dropout_rate": 0.0,
            "max_grad_norm": max_grad_norm,
            "multi_label": not exclusive_classes,
            "resize_output": resize_output,
            **static_vectors_attrs([tok2vec]),
        },
    )


def _check_ngrams(ngrams: Any) -> None:
    if ngrams is not None and getattr(ngrams, "_func", None) is not ngram_scores.forward:
        shown = ngrams.name if isinstance(ngrams, Model) else ngrams
        raise ConfigError(
            "ngrams",
            shown,
            f"`ngrams = {shown!r}` does not give scores of n-grams: give the block the line "
            '`@architectures = "spacy-seqrnn.NgramScores.v1"`.',
        )


def _reads_both_ways(tok2vec: Model[Any, Any], poolings: list[str]) -> bool:
    """Ask the encoder whether "last" has to read both ends of a text."""
    known = _directions(tok2vec)
    if known is not None:
        return known
    if "last" in poolings:
        raise ConfigError(
            "bidirectional",
            None,
            '`pooling = "last"` cannot tell whether this `tok2vec` reads in both directions: set '
            "`bidirectional` to true or false beside it.",
        )
    return False


def _directions(tok2vec: Model[Any, Any]) -> bool | None:
    """Whether the encoder reads in both directions; None if it does not say."""
    encoders = [node for node in tok2vec.walk() if "bidirectional" in node.attrs]
    return encoders[-1].attrs["bidirectional"] if encoders else None


def _check_directions(tok2vec: Model[Any, Any], pool: Model[Any, Any], width: int) -> None:
    """Raise ValueError if "last" would read states that the encoder does not have."""
    told = [node.attrs["bidirectional"] for node in pool.walk() if "bidirectional" in node.attrs]
    known = _directions(tok2vec)
    if told and known not in (None, told[0]):
        raise ConfigError(
            "bidirectional",
            told[0],
            f"`bidirectional = {told[0]}` is wrong: the `RNNEncoder` in `tok2vec` has {known}. "
            "Omit it to follow the encoder.",
        )
    if any(told) and width % 2:
        raise ConfigError(
            "bidirectional",
            True,
            f"`bidirectional = True` cannot work, because the token vectors are {width} wide, "
            "which two "
            "directions cannot share equally: set it to false.",
        )


def forward(
    model: Model[list[Doc], Floats2d], docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    return forward_batch(model, DocBatch(docs), is_train)


def forward_batch(
    model: Model[list[Doc], Floats2d], batch: DocBatch, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    ops = model.ops
    tok2vec = model.get_ref("tok2vec")
    check_vectors(model, batch, is_train=is_train)
    if is_train:
        tokvecs, backprop_tokvecs = encode_random_windows(tok2vec, batch)
    elif len(parts := prediction_chunks(batch.lengths, cut=False)) > 1:
        chunks = [model.predict(chunk.docs_of(batch.docs)) for chunk in parts]
        return ops.xp.concatenate(chunks), no_backprop
    else:
        tokvecs, backprop_tokvecs = run_packed(tok2vec, batch, is_train=False)
    X = unpack_ragged(ops, tokvecs)
    check_width(tok2vec, X.dataXd)
    pooled, backprop_pooling = model.get_ref("pooling")(X, is_train)
    dropped, backprop_dropout = dropout_forward(model, pooled, is_train)
    logits, backprop_logits = model.get_ref("output_layer")(dropped, is_train)
    ngrams = model.maybe_get_ref("ngrams")
    if ngrams is not None:
        scores, backprop_ngrams = run(ngrams, batch, is_train)
        logits += scores
    Y, backprop_probabilities = probabilities(model, logits, X.lengths)

    def backprop(dY: Floats2d) -> list[Doc]:
        d_logits = backprop_probabilities(dY)
        if ngrams is not None:
            backprop_ngrams(d_logits)
        d_pooled = backprop_dropout(backprop_logits(d_logits))
        d_docs = backprop_tokvecs(pack(ops, backprop_pooling(d_pooled)))
        clip_gradients(model, model.attrs["max_grad_norm"])
        return d_docs

    return Y, backprop


def width(model: Model[Any, Any], width: Width) -> Width:
    """The number of labels, which the n-grams score too."""
    if model.has_ref("ngrams"):
        check_same(model.get_ref("ngrams"), "nO", model.get_ref("output_layer").maybe_get_dim("nO"))
    return in_turn(model, width)


describe_layer(forward, width=width, check=check_known)
FORWARD_WITHIN[forward] = forward_batch


def init(
    model: Model[list[Doc], Floats2d], X: list[Doc] | None = None, Y: Floats2d | None = None
) -> None:
    check_truth(model, Y)
    if Y is not None:
        model.set_dim("nO", Y.shape[1])
    tok2vec, pool = model.get_ref("tok2vec"), model.get_ref("pooling")
    know_vectors(model, X)
    width = init_tok2vec(tok2vec, X)
    _check_directions(tok2vec, pool, width)
    # Two rows: with a single row, a pooling that mixes up its axes could go unnoticed.
    sample = Ragged(model.ops.alloc2f(2, width), model.ops.asarray1i([2]))
    pool.initialize(X=sample)
    output_layer = model.get_ref("output_layer")
    output_layer.set_dim("nI", pool.predict(sample).shape[1])
    output_layer.set_dim("nO", model.get_dim("nO"))
    output_layer.initialize()
    if model.attrs["multi_label"] and Y is not None:
        bias: Floats1d = output_layer.get_param("b")
        bias[:] = _logit_of_share(Y)
    if model.has_ref("ngrams"):
        model.get_ref("ngrams").set_dim("nO", model.get_dim("nO"))
        model.get_ref("ngrams").initialize()


def _logit_of_share(Y: Floats2d) -> float:
    """The logit of the share of labels that apply, over all labels of a few texts, (n_docs, nO).

    From one half for each label, the bias would take thousands of steps to the share of rare ones.
    """
    n_true = float(Y.sum())
    return math.log((n_true + 1) / (Y.size - n_true + 1))


def resize_output(model: Model[list[Doc], Floats2d], nO: int) -> Model[list[Doc], Floats2d]:
    """Make room for `nO` labels. What was learned for the old ones is kept."""
    old = model.get_ref("output_layer")
    new = resized_linear(old, nO, new_bias=new_label_bias(old))
    model.replace_node(old, new)
    if model.has_ref("ngrams"):
        scores = model.get_ref("ngrams")
        model.replace_node(scores, resized_scores(scores, nO, new_bias=0.0))
    model.set_dim("nO", nO, force=True)
    return model
