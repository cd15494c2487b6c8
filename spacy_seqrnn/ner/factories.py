"""The factories that `nlp.add_pipe` can name, with default configs. spaCy always imports this."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model

from ..crf.chain import Chain
from .component import RecurrentNER

# spaCy merges these defaults, option by option, into a config that names the same architectures.
# Blocks with user-chosen names are therefore omitted: they would be added to the user's own.
DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy-seqrnn.NER.v1"
decoder = "crf"
max_grad_norm = 0.0

[model.tok2vec]
@architectures = "spacy-seqrnn.HashEmbedRNN.v1"
"""
DEFAULT_MODEL = Config().from_str(DEFAULT_MODEL_CONFIG)["model"]


@Language.factory(
    "seqrnn_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": DEFAULT_MODEL,
        "incorrect_spans_key": None,
        "spans_key": None,
        "label_weights": {},
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_seqrnn_ner(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Chain],
    incorrect_spans_key: str | None,
    spans_key: str | None,
    label_weights: float | dict[str, float],
    scorer: Callable[..., dict[str, Any]] | None,
) -> RecurrentNER:
    """Create a `RecurrentNER`; see there."""
    return RecurrentNER(
        nlp.vocab,
        model,
        name,
        incorrect_spans_key=incorrect_spans_key,
        spans_key=spans_key,
        label_weights=label_weights,
        scorer=scorer,
    )
