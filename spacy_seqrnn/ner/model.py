"""The model of the entity recogniser: token vectors, emissions, linear chain."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model

from ..batch.composition import FORWARD_WITHIN, in_reverse, run_packed
from ..batch.docs import DocBatch
from ..batch.no_backprop import no_backprop
from ..batch.packed import Packed, take_rows
from ..batch.packing import make_packing
from ..batch.windows import Chunk, encode_chunks, predict_chunks, run_in_chunks
from ..config_errors import ConfigError
from ..crf.chain import LinearChain
from ..crf.layer import CRF, TokenSoftmax, forward_softmax
from ..embed.known_vectors import check_known, check_vectors, know_vectors
from ..heads.common import (
    check_width,
    clip_gradients,
    dropout_forward,
    init_tok2vec,
    resized_linear,
)
from ..saved.layers import describe_layer, in_turn
from ..types import Floats1d, Floats2d
from .biluo import biluo_constraints


def forward(
    model: Model[list[Doc], LinearChain], docs: list[Doc], is_train: bool
) -> tuple[LinearChain, Callable[[LinearChain], list[Doc]]]:
    return forward_batch(model, DocBatch(docs), is_train)


def forward_batch(
    model: Model[list[Doc], LinearChain], batch: DocBatch, is_train: bool
) -> tuple[LinearChain, Callable[[LinearChain], list[Doc]]]:
    check_vectors(model, batch, is_train=is_train)
    if not is_train:
        return model.get_ref("decoder").predict(_predict_emissions(model, batch)), no_backprop
    X, backprop_tokvecs = run_packed(model.get_ref("tok2vec"), batch, is_train)
    chain, backprop_scores = _score(model, X, is_train)

    def backprop(d_chain: LinearChain) -> list[Doc]:
        d_docs: list[Doc] = backprop_tokvecs(backprop_scores(d_chain))
        clip_gradients(model, model.attrs["max_grad_norm"])
        return d_docs

    return chain, backprop


describe_layer(forward, width=in_turn, fixed_attrs=["gives_chain"], check=check_known)
FORWARD_WITHIN[forward] = forward_batch


def _score(
    model: Model[list[Doc], LinearChain], X: Packed, is_train: bool
) -> tuple[LinearChain, Callable[[LinearChain], Packed]]:
    """The chain of tokens with the vectors X, shape (n_tokens, width)."""
    tokvecs = X.data
    check_width(model.get_ref("tok2vec"), tokvecs)
    dropped, backprop_dropout = dropout_forward(model, tokvecs, is_train)
    emissions, backprop_emissions = model.get_ref("output_layer")(dropped, is_train)
    chain, backprop_chain = model.get_ref("decoder")(Packed(emissions, X.packing), is_train)

    def backprop(d_chain: LinearChain) -> Packed:
        d_emissions = backprop_chain(d_chain).data
        return Packed(backprop_dropout(backprop_emissions(d_emissions)), X.packing)

    return chain, backprop


def _predict_emissions(model: Model[list[Doc], LinearChain], batch: DocBatch) -> Packed:
    """The emissions of all tokens."""
    rows = []
    for chunk, X in predict_chunks(model.get_ref("tok2vec"), batch):
        tokvecs = X.data
        check_width(model.get_ref("tok2vec"), tokvecs)
        emissions = Packed(model.get_ref("output_layer").predict(tokvecs), X.packing)
        if X.packing.lengths.tolist() == batch.lengths:
            return emissions
        rows.append(emissions.rows(X.packing.from_packed[chunk.kept]))
    packing = make_packing(batch.lengths)
    scores = model.ops.xp.concatenate(rows)
    return Packed(take_rows(model.ops, scores, packing.to_packed), packing)


def in_chunks(
    model: Model[list[Doc], LinearChain],
    docs: list[Doc],
    is_train: bool,
    *,
    adversarial: bool = False,
) -> Iterator[tuple[Chunk, LinearChain, Callable[[LinearChain], list[Doc]]]]:
    """Run the model on a batch of any size; see `run_in_chunks`.

    adversarial: yield each chunk twice if the model's option is set; see `encode_chunks`.
    """
    tok2vecs = [model.get_ref("tok2vec")]
    distance = model.attrs["adversarial"] if adversarial else 0.0
    run = partial(run_windows, distance=distance)
    return run_in_chunks(model, tok2vecs, docs, is_train, run, embed_first=distance > 0)


def run_windows(
    model: Model[list[Doc], LinearChain],
    batch: DocBatch,
    parts: list[Chunk],
    is_train: bool,
    *,
    distance: float = 0.0,
) -> Iterator[tuple[Chunk, LinearChain, Callable[[LinearChain], list[Doc]]]]:
    """Embed documents as a whole, and encode and score their token vectors chunk by chunk.

    distance: see `encode_chunks`.
    """
    check_vectors(model, batch, is_train=is_train)
    tok2vec = model.get_ref("tok2vec")
    for chunk, X, backprop_encoded in encode_chunks(tok2vec, batch, parts, is_train, distance):
        chain, backprop_scores = _score(model, X, is_train)
        yield chunk, chain, in_reverse([backprop_encoded, backprop_scores])
    if is_train:
        clip_gradients(model, model.attrs["max_grad_norm"])


def init(
    model: Model[list[Doc], LinearChain], X: list[Doc] | None = None, Y: LinearChain | None = None
) -> None:
    if Y is not None or not model.has_dim("nO"):
        raise ConfigError(
            "@architectures",
            None,
            f"'{model.name}' scores tag sequences: set its `@architectures` in the "
            "`model` of a component with the factory `seqrnn_ner`.",
        )
    know_vectors(model, X)
    width = init_tok2vec(model.get_ref("tok2vec"), X)
    output_layer, decoder = model.get_ref("output_layer"), model.get_ref("decoder")
    output_layer.set_dim("nI", width)
    for layer in (output_layer, decoder):
        layer.set_dim("nO", model.get_dim("nO"))
        layer.initialize()


def resize_output(model: Model[list[Doc], LinearChain], nO: int) -> Model[list[Doc], LinearChain]:
    """Make room for `nO` tags. What was learned for the old ones is kept.

    New nodes replace the output layer and the decoder, so that an optimizer does not apply moments
    of the old shape to them.
    """
    biluo_constraints(nO)
    old_output, old_decoder = model.get_ref("output_layer"), model.get_ref("decoder")
    decoder = replace_size(old_decoder, nO)
    model.replace_node(old_output, resized_linear(old_output, nO, new_bias=0.0))
    model.replace_node(old_decoder, decoder)
    model.set_dim("nO", nO, force=True)
    return model


def replace_size(decoder: Model[Any, Any], nO: int) -> Model[Any, Any]:
    """A decoder of another size with the same scores for the old tags, and 0 for new ones."""
    build = TokenSoftmax if decoder._func is forward_softmax else CRF
    new = build(decoder.attrs["constraints"], nO=nO)
    if decoder.has_param("transitions"):
        new.initialize()
        n = decoder.get_dim("nO")
        transitions: Floats2d = new.get_param("transitions")
        transitions[:n, :n] = decoder.get_param("transitions")
        for name in ("start", "end"):
            scores: Floats1d = new.get_param(name)
            scores[:n] = decoder.get_param(name)
    return new
