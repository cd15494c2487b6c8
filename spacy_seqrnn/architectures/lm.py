"""The language model's architecture, whose model is in `lm/model.py`."""

from collections.abc import Sequence

from spacy.tokens import Doc
from thinc.api import Model

from ..batch.composition import split_encoders
from ..checks import check_at_least, check_choice, check_int, check_rate
from ..config_errors import ConfigError
from ..embed.known_vectors import static_vectors_attrs
from ..lm.features import lm_features
from ..lm.model import forward, init
from ..lm.softmax import AdaptiveSoftmax
from ..lm.spaces import SpaceBefore
from ..lm.units import CHARACTERS, WORDS
from ..rnn import directions
from ..saved.shapes import Layer
from ..types import Floats2d


def LanguageModel(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    unit: str = WORDS,
    cutoffs: Sequence[int] = (1000, 8000),
    max_grad_norm: float = 0.0,
) -> Model[list[Doc], object]:
    """Predict each unit of a text from the units before it.

    If the encoder has a second direction that reads nothing of the first, that one predicts each
    unit from those behind it, with the same output layer (Peters et al. 2018). Only the first one
    writes and scores text; other components can use the states of both. The output is an adaptive
    softmax (Grave et al. 2017). Registered as `spacy-seqrnn.LanguageModel.v1`.

    tok2vec: any embedding of words alone, and a `spacy-seqrnn.RNNEncoder.v1` over it that reads in
        one direction, in two with `depth = 1`, or in two with `separate_directions = true`.
    unit: "words", or "characters" for any text at all, of which the embedding then reads each as a
        word.
    cutoffs: the numbers of the first unit of each cluster of rarer units, by frequency; a cluster
        has a quarter of the dimensions of the one before. Those above the number of units have no
        effect.
    max_grad_norm: clip the gradients of this component's model to this joint norm; 0 disables
        clipping.

    Returns a model that maps documents to the states that predict their units.
    Raises ValueError for an option out of its range, and an encoder whose states have read what
    they would predict.
    """
    check_choice("unit", unit, [WORDS, CHARACTERS])
    check_at_least("max_grad_norm", max_grad_norm, 0)
    for cutoff in cutoffs:
        check_int("cutoffs", cutoff, 1)
    if sorted(set(cutoffs)) != list(cutoffs):
        raise ConfigError(
            "cutoffs",
            list(cutoffs),
            f"`cutoffs = {list(cutoffs)}` do not ascend: set them to the numbers of the first unit "
            "of each cluster, such as [1000, 8000].",
        )
    softmax = AdaptiveSoftmax(list(cutoffs))
    spaces = SpaceBefore() if unit == WORDS else None  # characters include spaces
    return Layer(
        "seqrnn_lm",
        forward,
        init=init,
        dims={"nI": None, "nO": None},
        params={"start": None},
        layers=[tok2vec, softmax, *([spaces] if spaces else [])],
        refs={"tok2vec": tok2vec, "softmax": softmax, "spaces": spaces},
        attrs={
            "unit": unit,
            "n_directions": n_directions(tok2vec),
            "dropout_rate": 0.0,
            "max_grad_norm": max_grad_norm,
            **static_vectors_attrs([tok2vec]),
        },
    )


def n_directions(tok2vec: Model[list[Doc], list[Floats2d]]) -> int:
    """How many directions of an encoder predict units: those that know nothing of the other side.

    Raises ConfigError if there is none.
    """
    encoders = [node.layers[0] for node in split_encoders(tok2vec)[1]]
    if len(encoders) == 1 and encoders[0]._func is directions.forward:
        return 2
    per_layer = [layer.attrs["directions"] for encoder in encoders for layer in encoder.layers]
    if per_layer == [2] and not encoders[0].attrs["residual"]:
        return 2
    if 2 in per_layer:
        raise ConfigError(
            "bidirectional",
            True,
            "A language model cannot predict the next unit from states that have read it, as those "
            "of a bidirectional encoder of several layers have: set `separate_directions = true`, "
            "or `bidirectional = false`.",
        )
    return 1


def LMEmbed(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    source: str | None = None,
    unit: str = WORDS,
    frozen: bool = True,
    dropout: float = 0.0,
) -> Model[list[Doc], list[Floats2d]]:
    """The states of a language model as features of tokens, beside or instead of an embedding.

    Peters et al. 2017; of characters, at the last and the first one of each token, Akbik et al.
    2018. Registered as `spacy-seqrnn.LMEmbed.v1`. The weights become a part of the pipeline, which
    no longer needs the language model once it is initialised.

    tok2vec: the same block as in the config of the language model.
    source: the folder or package of a pipeline with the language model, whose weights are copied
        when the pipeline is initialised. None: weights are as new.
    unit: "words" or "characters", as the language model has it.
    frozen: keep the weights as they are, which also is faster.
    dropout: rate of the locked dropout on the states in training.

    Raises ValueError for an option out of its range.
    """
    check_choice("unit", unit, [WORDS, CHARACTERS])
    check_rate("dropout", dropout)
    if unit == CHARACTERS and n_directions(tok2vec) == 1:
        raise ConfigError(
            "unit",
            unit,
            "Features of characters are the states of two directions, at either end of a token: "
            "train the language model with `separate_directions = true`.",
        )
    return lm_features(tok2vec, unit=unit, source=source, frozen=frozen, dropout=dropout)
