"""Parts of a model that is small enough to train within a test."""

from typing import Any


def small_tok2vec(width: int = 16, **encoder: Any) -> dict[str, Any]:
    """Config of a character embedding and a recurrent encoder."""
    chars = {"@architectures": "spacy-seqrnn.CharCNNEmbed.v1", "width": 16, "char_width": 8}
    return {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {"@architectures": "spacy-seqrnn.LexemeEmbed.v1", "layers": {"chars": chars}},
        "encode": {"@architectures": "spacy-seqrnn.RNNEncoder.v1", "width": width, **encoder},
    }


def small_ner(**options: Any) -> dict[str, Any]:
    """Config of an entity recogniser's model."""
    return {"@architectures": "spacy-seqrnn.NER.v1", "tok2vec": small_tok2vec(), **options}


def small_textcat(exclusive: bool, **options: Any) -> dict[str, Any]:
    """Config of a text classifier's model."""
    return {
        "@architectures": "spacy-seqrnn.TextCat.v1",
        "tok2vec": small_tok2vec(),
        "exclusive_classes": exclusive,
        **options,
    }


def small_ngrams(**options: Any) -> dict[str, Any]:
    """Config of the scores of n-grams beside a text classifier's network."""
    return {"@architectures": "spacy-seqrnn.NgramScores.v1", "rows": 97, "dropout": 0.0, **options}
