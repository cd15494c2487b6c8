"""What `nlp.add_pipe` can name, with default configs. spaCy imports it with every pipeline."""

from collections.abc import Callable

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model

from ..layers.chain import LinearChain
from .ner import RecurrentNER

DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy-seqrnn.NER.v1"
decoder = "crf"
max_grad_norm = 0.0

[model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

[model.tok2vec.embed]
@architectures = "spacy-seqrnn.LexemeEmbed.v1"
include_static_vectors = false

[model.tok2vec.embed.layers]

[model.tok2vec.embed.layers.words]
@architectures = "spacy.MultiHashEmbed.v2"
width = 96
attrs = ["NORM","PREFIX","SUFFIX","SHAPE"]
rows = [5000,1000,2500,2500]
include_static_vectors = false

[model.tok2vec.embed.layers.chars]
@architectures = "spacy-seqrnn.CharCNNEmbed.v1"
width = 30

[model.tok2vec.encode]
@architectures = "spacy-seqrnn.RNNEncoder.v1"
cell = "lstm"
width = 256
depth = 1
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
    model: Model[list[Doc], LinearChain],
    incorrect_spans_key: str | None,
    spans_key: str | None,
    label_weights: float | dict[str, float],
    scorer: Callable | None,
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
