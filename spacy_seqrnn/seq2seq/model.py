"""The model of an encoder-decoder: from documents to the states of their units, and the decoder."""

from collections.abc import Callable
from typing import Any, TypeAlias

from spacy.tokens import Doc
from thinc.api import Model

from ..batch.composition import run_packed
from ..batch.docs import DocBatch
from ..batch.packed import Packed
from ..embed.known_vectors import (
    check_known,
    check_vectors,
    know_vectors,
    static_vectors_attrs,
)
from ..heads.common import check_width, clip_gradients, init_tok2vec
from ..saved.layers import check_same, describe_layer, output_width
from ..saved.shapes import Layer
from ..types import Floats2d
from .decoder import DecoderModel, attention_of

# The states of the encoder, or of each member of an ensemble
Seq2SeqModel: TypeAlias = Model[list[Doc], list[Packed]]


def seq2seq_model(
    tok2vec: Model[list[Doc], list[Floats2d]],
    decoder: DecoderModel,
    *,
    source_unit: str,
    target_unit: str,
    max_grad_norm: float,
) -> Seq2SeqModel:
    """From documents to the encoder's states, which the decoder attends to; see `Seq2Seq`."""
    return Layer(
        "seqrnn_seq2seq",
        forward,
        init=init,
        dims={"nI": None, "nO": None},
        layers=[tok2vec, decoder],
        refs={"tok2vec": tok2vec, "decoder": decoder},
        attrs={
            "source_unit": source_unit,
            "target_unit": target_unit,
            "max_grad_norm": max_grad_norm,
            **static_vectors_attrs([tok2vec]),
        },
    )


def forward(
    model: Seq2SeqModel, docs: list[Doc], is_train: bool
) -> tuple[list[Packed], Callable[[list[Packed]], Any]]:
    """The states of documents whose tokens are units, which are those of one encoder."""
    batch = DocBatch(docs)
    check_vectors(model, batch, is_train=is_train)
    tok2vec = model.get_ref("tok2vec")
    X, backprop_states = run_packed(tok2vec, batch, is_train)
    check_width(tok2vec, X.data)

    def backprop(d_states: list[Packed]) -> Any:
        d_docs = backprop_states(*d_states)
        clip_gradients(model, model.attrs["max_grad_norm"])
        return d_docs

    return [X], backprop


def decoders_of(model: Seq2SeqModel) -> list[DecoderModel]:
    """The decoder of an encoder-decoder, or those of all members of an ensemble."""
    members = [model] if model._func is forward else model.layers
    return [member.get_ref("decoder") for member in members]


def has_attention(model: Seq2SeqModel) -> bool:
    """Whether it attends to the source, or a member of an ensemble does."""
    return any(attention_of(decoder) for decoder in decoders_of(model))


def width_of(model: Seq2SeqModel, width: int | None) -> None:
    """The decoder reads the states of the encoder, and has a score for each unit."""
    decoder = model.get_ref("decoder")
    check_same(model, "nI", output_width(model.get_ref("tok2vec"), None))
    check_same(decoder, "nI", model.maybe_get_dim("nI"))
    check_same(decoder, "nO", model.maybe_get_dim("nO"))


describe_layer(
    forward,
    width=width_of,
    fixed_attrs=["source_unit", "target_unit"],
    check=check_known,
)


def init(model: Seq2SeqModel, X: list[Doc] | None = None, Y: None = None) -> None:
    know_vectors(model, X)
    width = init_tok2vec(model.get_ref("tok2vec"), X)
    model.set_dim("nI", width)
    decoder = model.get_ref("decoder")
    decoder.set_dim("nI", width)
    decoder.set_dim("nO", model.get_dim("nO"))
    decoder.initialize()
