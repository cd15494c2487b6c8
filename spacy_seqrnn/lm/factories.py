"""The factory that `nlp.add_pipe` can name, with its default config."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model

from .component import RecurrentLM
from .model import Predictors

DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy-seqrnn.LanguageModel.v1"
unit = "words"
cutoffs = [1000, 8000]
max_grad_norm = 1.0

[model.tok2vec]
@architectures = "spacy-seqrnn.HashEmbedRNN.v1"
"""
DEFAULT_MODEL = Config().from_str(DEFAULT_MODEL_CONFIG)["model"]


@Language.factory(
    "seqrnn_lm",
    assigns=["doc._.perplexity", "token._.surprisal"],
    default_config={
        "model": DEFAULT_MODEL,
        "max_units": 50_000,
        "min_count": 2,
        "scorer": {"@scorers": "spacy-seqrnn.lm_scorer.v1"},
    },
    default_score_weights={
        "lm_probability": 1.0,
        "lm_perplexity": None,
        "lm_bits_per_character": None,
        "lm_accuracy": None,
    },
)
def make_seqrnn_lm(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Predictors],
    max_units: int,
    min_count: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> RecurrentLM:
    """Create a `RecurrentLM`; see there."""
    return RecurrentLM(
        nlp.vocab, model, name, max_units=max_units, min_count=min_count, scorer=scorer
    )
