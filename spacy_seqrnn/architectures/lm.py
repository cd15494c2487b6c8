"""The language model's architecture, whose model is in `lm/model.py`, and what builds on it."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from ..checks import check_at_least, check_choice, check_int, check_rate
from ..config_errors import ConfigError
from ..lm.directions import n_directions
from ..lm.features import lm_features
from ..lm.model import Predictors, language_model
from ..lm.pretraining import pretraining_model
from ..lm.shared import is_listener
from ..lm.units import CHARACTERS, WORDS
from ..types import Floats2d


def LanguageModel(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    unit: str = WORDS,
    cutoffs: Sequence[int] = (1000, 8000),
    max_grad_norm: float = 0.0,
) -> Model[list[Doc], Predictors]:
    """Predict each unit of a text from the units before it.

    If the encoder has a second direction that reads nothing of the first, that one predicts each
    unit from those behind it, with the same output layer (Peters et al. 2018). Only the first one
    writes and scores text; other components can use the states of both. The output is an adaptive
    softmax (Grave et al. 2017). Registered as `spacy-seqrnn.LanguageModel.v1`.

    tok2vec: any embedding of words alone, and a `spacy-seqrnn.RNNEncoder.v1` over it that reads in
        one direction, in two with `depth = 1`, or in two with `separate_directions = true`. Or a
        listener to a `tok2vec` component with such a model, for a model of words.
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
    _check_cutoffs(cutoffs)
    if unit == CHARACTERS and is_listener(tok2vec):
        raise ConfigError(
            "unit",
            unit,
            f"`unit = {unit!r}` does not go with a listener, which has the vectors of tokens: set "
            'it to "words", or give the language model an embedding and encoder of its own.',
        )
    spaces = unit == WORDS  # characters include spaces
    return language_model(
        tok2vec, unit=unit, cutoffs=cutoffs, spaces=spaces, max_grad_norm=max_grad_norm
    )


def _check_cutoffs(cutoffs: Sequence[int]) -> None:
    for cutoff in cutoffs:
        check_int("cutoffs", cutoff, 1)
    if sorted(set(cutoffs)) != list(cutoffs):
        raise ConfigError(
            "cutoffs",
            list(cutoffs),
            f"`cutoffs = {list(cutoffs)}` do not ascend: set them to the numbers of the first unit "
            "of each cluster, such as [1000, 8000].",
        )


def PretrainLM(
    *,
    corpus: Callable[[Language], Iterable[Example | Doc]],
    max_units: int = 50_000,
    min_count: int = 2,
    cutoffs: Sequence[int] = (1000, 8000),
) -> Callable[[Vocab, Model[list[Doc], list[Floats2d]]], Model[list[Doc], float]]:
    """Let `spacy pretrain` train a language model: an objective for its config.

    Left to right, each state predicts the next word; right to left, the previous one. The encoder
    must be one that `LanguageModel` takes. Raw text trains the embedding and the encoder, whose
    weights `init_tok2vec` of [initialize] reads; the output layer is forgotten. Registered as
    `spacy-seqrnn.PretrainLM.v1`.

    corpus: reads the texts whose words are counted, usually those of [pretraining]:
        `${corpora.pretrain}`.
    max_units: the most words that get a probability of their own; all others share one.
    min_count: how often a word must occur for that.
    cutoffs: as for `LanguageModel`.

    Returns what spaCy calls with a vocab and a `tok2vec` to get the model that it trains.
    Raises ValueError for an option out of its range.
    """
    check_int("max_units", max_units, 1)
    check_int("min_count", min_count, 1)
    _check_cutoffs(cutoffs)
    return partial(
        pretraining_model,
        corpus=corpus,
        max_units=max_units,
        min_count=min_count,
        cutoffs=cutoffs,
    )


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

    tok2vec: the same block as in the config of the language model; for one that listens to a
        `tok2vec` component, that component's `model`.
    source: the folder or package of a pipeline with the language model, whose weights are copied
        when the pipeline is initialised. None: weights are as new.
    unit: "words" or "characters", as the language model has it.
    frozen: keep the weights as they are, which also is faster.
    dropout: rate of the locked dropout on the states in training.

    Raises ValueError for an option out of its range.
    """
    check_choice("unit", unit, [WORDS, CHARACTERS])
    check_rate("dropout", dropout)
    if is_listener(tok2vec):
        raise ConfigError(
            "tok2vec",
            None,
            "LMEmbed needs the encoder itself, not a listener: copy the block `model` of the "
            "component that the language model listens to.",
        )
    if unit == CHARACTERS and n_directions(tok2vec) == 1:
        raise ConfigError(
            "unit",
            unit,
            "Features of characters are the states of two directions, at either end of a token: "
            "train the language model with `separate_directions = true`.",
        )
    return lm_features(tok2vec, unit=unit, source=source, frozen=frozen, dropout=dropout)
