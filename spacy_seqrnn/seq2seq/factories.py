"""The factories that `nlp.add_pipe` can name, with their default configs."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model

from ..batch.packed import Packed

DEFAULT_MODEL_CONFIG = """
[model]
@architectures = "spacy-seqrnn.Seq2Seq.v1"
source_unit = "words"
target_unit = "words"
width = 256
attention = "dot"
max_grad_norm = 1.0

[model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

[model.tok2vec.embed]
@architectures = "spacy-seqrnn.WordEmbed.v1"
attr = "ORTH"
width = 128

[model.tok2vec.encode]
@architectures = "spacy-seqrnn.RNNEncoder.v1"
width = 256
"""
LEMMATIZER_MODEL_CONFIG = """
[model]
@architectures = "spacy-seqrnn.Seq2Seq.v1"
source_unit = "characters"
target_unit = "characters"
width = 128
embed_width = 64
attention = "dot"
max_grad_norm = 1.0

[model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

[model.tok2vec.embed]
@architectures = "spacy-seqrnn.WordEmbed.v1"
attr = "ORTH"
width = 64

[model.tok2vec.encode]
@architectures = "spacy-seqrnn.RNNEncoder.v1"
width = 128
"""
DEFAULT_MODEL = Config().from_str(DEFAULT_MODEL_CONFIG)["model"]
LEMMATIZER_MODEL = Config().from_str(LEMMATIZER_MODEL_CONFIG)["model"]


@Language.factory(
    "seqrnn_text2text",
    assigns=["doc._.output"],
    default_config={
        "model": DEFAULT_MODEL,
        "output": "output",
        "max_subwords": 8000,
        "max_units": 50_000,
        "min_count": 1,
        "beam": 1,
        "length_penalty": 0.6,
        "max_length": 300,
        "max_growth": 3.0,
        "scorer": {"@scorers": "spacy-seqrnn.text2text_scorer.v1"},
    },
    default_score_weights={"output_exact": 1.0},
)
def make_seqrnn_text2text(
    nlp: Language,
    name: str,
    model: Model[list[Doc], list[Packed]],
    output: str,
    max_subwords: int,
    max_units: int,
    min_count: int,
    beam: int,
    length_penalty: float,
    max_length: int,
    max_growth: float,
    scorer: Callable[..., dict[str, Any]] | None,
) -> Any:
    """Create a `RecurrentText2Text`; see there."""
    from .component import RecurrentText2Text  # noqa: PLC0415  # every pipeline imports this file

    return RecurrentText2Text(
        nlp.vocab,
        model,
        name,
        output=output,
        max_subwords=max_subwords,
        max_units=max_units,
        min_count=min_count,
        beam=beam,
        length_penalty=length_penalty,
        max_length=max_length,
        max_growth=max_growth,
        scorer=scorer,
    )


@Language.factory(
    "seqrnn_lemmatizer",
    assigns=["token.lemma"],
    default_config={
        "model": LEMMATIZER_MODEL,
        "use_tags": True,
        "use_dictionary": True,
        "overwrite": False,
        "table_size": 65_536,
        "max_units": 1000,
        "min_count": 1,
        "beam": 1,
        "length_penalty": 0.6,
        "max_length": 100,
        "max_growth": 2.0,
        "scorer": {"@scorers": "spacy.lemmatizer_scorer.v1"},
    },
    default_score_weights={"lemma_acc": 1.0},
)
def make_seqrnn_lemmatizer(
    nlp: Language,
    name: str,
    model: Model[list[Doc], list[Packed]],
    use_tags: bool,
    use_dictionary: bool,
    overwrite: bool,
    table_size: int,
    max_units: int,
    min_count: int,
    beam: int,
    length_penalty: float,
    max_length: int,
    max_growth: float,
    scorer: Callable[..., dict[str, Any]] | None,
) -> Any:
    """Create a `RecurrentLemmatizer`; see there."""
    from .lemmatizer import RecurrentLemmatizer  # noqa: PLC0415  # every pipeline imports this file

    return RecurrentLemmatizer(
        nlp.vocab,
        model,
        name,
        use_tags=use_tags,
        use_dictionary=use_dictionary,
        overwrite=overwrite,
        table_size=table_size,
        max_units=max_units,
        min_count=min_count,
        beam=beam,
        length_penalty=length_penalty,
        max_length=max_length,
        max_growth=max_growth,
        scorer=scorer,
    )
