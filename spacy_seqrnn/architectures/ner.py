"""The entity recogniser's architecture, whose model is in `ner/model.py`."""

from spacy.tokens import Doc
from thinc.api import Model

from ..batch.beside import encoders_of
from ..checks import check_at_least, check_choice, check_n_outputs, check_rate
from ..config_errors import ConfigError
from ..crf.chain import LinearChain
from ..crf.layer import CRF, TokenSoftmax
from ..embed.known_vectors import static_vectors_attrs
from ..heads.linear import Linear
from ..ner.biluo import biluo_constraints, check_n_tags
from ..ner.model import forward, in_chunks, init, resize_output
from ..saved.shapes import Layer
from ..types import Floats2d

DECODERS = {"crf": CRF, "softmax": TokenSoftmax}


def NER(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    decoder: str = "crf",
    adversarial: float = 0.0,
    max_grad_norm: float = 0.0,
    nO: int | None = None,
) -> Model[list[Doc], LinearChain]:
    """Score BILUO tag sequences with a linear chain over any token vectors.

    With `spacy-seqrnn.RNNEncoder.v1` it is the BiLSTM-CRF (Huang et al. 2015; Lample et al. 2016).
    Registered as `spacy-seqrnn.NER.v1`.

    tok2vec: any embedding, encoder or listener.
    decoder: "crf" learns transition scores between tags; "softmax" scores each token on its own.
        Both decode to the best sequence that the BILUO scheme allows.
    adversarial: in training, also learn from embeddings that are moved by this share of their norm
        in the direction in which the loss grows fastest (Miyato et al. 2017); 0 for none. Training
        takes twice the time of the encoder, and entities with words that the training data lack are
        found better.
    max_grad_norm: clip the gradients of this component's model to this joint norm; 0 disables
        clipping. A shared `tok2vec` belongs to another component and is not included.
    nO: number of tags, 1 + 4 per label; set by the component.

    Returns a model that maps documents to a `LinearChain`.
    Raises ValueError for an option out of its range.
    """
    check_choice("decoder", decoder, list(DECODERS))
    check_rate("adversarial", adversarial)
    if adversarial and not encoders_of(tok2vec):
        raise ConfigError(
            "adversarial",
            adversarial,
            f"`adversarial = {adversarial}` needs an encoder of this package over the embedding: "
            "set it to 0, or `encode` of the `tok2vec` to a `spacy-seqrnn.RNNEncoder.v1`.",
        )
    check_at_least("max_grad_norm", max_grad_norm, 0)
    check_n_outputs(nO)
    if nO is not None:
        check_n_tags(nO)
    output_layer = Linear(nO=nO)
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
            "in_chunks": in_chunks,
            "dropout_rate": 0.0,
            "adversarial": adversarial,
            "max_grad_norm": max_grad_norm,
            "resize_output": resize_output,
            **static_vectors_attrs([tok2vec]),
        },
    )
