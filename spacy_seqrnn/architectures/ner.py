"""The model of the entity recogniser: token vectors, emissions, linear chain."""

from collections.abc import Callable

from spacy.tokens import Doc
from thinc.api import Model

from ..checks import check_at_least, check_choice, check_n_outputs
from ..labels import biluo_constraints, check_n_tags
from ..layers.chain import LinearChain
from ..layers.crf import CRF, TokenSoftmax
from ..layers.linear import linear
from ..layers.no_backprop import no_backprop
from ..layers.packed import Packed, make_packing, pack, predict_packed, take_rows, unpack
from ..layers.pieces import pieces
from ..loading import Layer
from ..types import Floats2d
from .heads import check_width, clip_gradients, dropout_forward, init_tok2vec, resized_linear

DECODERS = {"crf": CRF, "softmax": TokenSoftmax}


def NER(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    decoder: str = "crf",
    max_grad_norm: float = 0.0,
    nO: int | None = None,
) -> Model[list[Doc], LinearChain]:
    """Score BILUO tag sequences with a linear chain over any token vectors.

    With `spacy-seqrnn.RNNEncoder.v1` it is the BiLSTM-CRF (Huang et al. 2015; Lample et al. 2016).
    Registered as `spacy-seqrnn.NER.v1`.

    tok2vec: any embedding, encoder or listener.
    decoder: "crf" learns scores of transitions between tags; "softmax" scores each token by itself.
        Both decode to the best sequence that the BILUO scheme allows.
    max_grad_norm: clip the gradients of this component's model to this joint norm; 0 does not. A
        shared `tok2vec` belongs to another component and is not counted.
    nO: number of tags, 1 + 4 per label; set by the component.

    Returns a model from documents to a `LinearChain`.
    Raises ValueError for an option out of its range.
    """
    check_choice("decoder", decoder, list(DECODERS))
    check_at_least("max_grad_norm", max_grad_norm, 0)
    check_n_outputs(nO)
    if nO is not None:
        check_n_tags(nO)
    output_layer = linear(nO=nO)
    decoder_layer = DECODERS[decoder](biluo_constraints, nO=nO)
    return Layer(
        "seqrnn_ner",
        forward,
        init=init,
        dims={"nO": nO},
        layers=[tok2vec, output_layer, decoder_layer],
        refs={"tok2vec": tok2vec, "output_layer": output_layer, "decoder": decoder_layer},
        attrs={
            "gives_chain": True,
            "dropout_rate": 0.0,
            "max_grad_norm": max_grad_norm,
            "resize_output": resize_output,
        },
    )


def forward(
    model: Model[list[Doc], LinearChain], docs: list[Doc], is_train: bool
) -> tuple[LinearChain, Callable]:
    if not is_train:
        return model.get_ref("decoder").predict(_predict_emissions(model, docs)), no_backprop
    ops = model.ops
    tokvecs, backprop_tokvecs = model.get_ref("tok2vec")(docs, is_train)
    X = pack(ops, tokvecs)
    check_width(model.get_ref("tok2vec"), X.data)
    dropped, backprop_dropout = dropout_forward(model, X.data, is_train)
    emissions, backprop_emissions = model.get_ref("output_layer")(dropped, is_train)
    chain, backprop_chain = model.get_ref("decoder")(Packed(emissions, X.packing), is_train)

    def backprop(d_chain: LinearChain) -> list[Doc]:
        d_emissions = backprop_chain(d_chain).data
        dX = backprop_dropout(backprop_emissions(d_emissions))
        d_docs = backprop_tokvecs(unpack(ops, Packed(dX, X.packing)))
        clip_gradients(model, model.attrs["max_grad_norm"])
        return d_docs

    return chain, backprop


def _predict_emissions(model: Model[list[Doc], LinearChain], docs: list[Doc]) -> Packed:
    """The emissions of all tokens, computed in pieces: token vectors need most of the memory."""
    ops = model.ops
    rows = []
    for piece in pieces(docs, cut=True):
        X = predict_packed(model.get_ref("tok2vec"), piece.docs)
        check_width(model.get_ref("tok2vec"), X.data)
        emissions = Packed(model.get_ref("output_layer").predict(X.data), X.packing)
        if piece.is_batch(len(docs)):
            return emissions
        per_doc = unpack(ops, emissions)
        rows += [scores[kept] for scores, kept in zip(per_doc, piece.kept, strict=True)]
    packing = make_packing([len(doc) for doc in docs])
    return Packed(take_rows(ops, ops.xp.concatenate(rows), packing.to_packed), packing)


def init(
    model: Model[list[Doc], LinearChain], X: list[Doc] | None = None, Y: LinearChain | None = None
) -> None:
    if Y is not None or not model.has_dim("nO"):
        raise ValueError(
            f"'{model.name}' gives scores of tag sequences: set its `@architectures` in the "
            "`model` of a component with the factory `seqrnn_ner`."
        )
    width = init_tok2vec(model.get_ref("tok2vec"), X)
    output_layer, decoder = model.get_ref("output_layer"), model.get_ref("decoder")
    output_layer.set_dim("nI", width)
    for layer in (output_layer, decoder):
        layer.set_dim("nO", model.get_dim("nO"))
        layer.initialize()


def resize_output(model: Model[list[Doc], LinearChain], nO: int) -> Model[list[Doc], LinearChain]:
    """Make room for `nO` tags. What was learnt for the old ones stays.

    New nodes take the place of the output layer and of the decoder, so that an optimizer does not
    apply moments of the old shape to them.
    """
    biluo_constraints(nO)
    old_output, old_decoder = model.get_ref("output_layer"), model.get_ref("decoder")
    decoder = replace_size(old_decoder, nO)
    model.replace_node(old_output, resized_linear(old_output, nO, new_bias=0.0))
    model.replace_node(old_decoder, decoder)
    model.set_dim("nO", nO, force=True)
    return model


def replace_size(decoder: Model, nO: int) -> Model:
    """A decoder of another size with the same scores for the old tags, 0 for new ones."""
    build = CRF if decoder.name == "crf" else TokenSoftmax
    new = build(decoder.attrs["constraints"], nO=nO)
    if decoder.has_param("transitions"):
        new.initialize()
        n = decoder.get_dim("nO")
        new.get_param("transitions")[:n, :n] = decoder.get_param("transitions")
        for name in ("start", "end"):
            new.get_param(name)[:n] = decoder.get_param(name)
    return new
