"""A whole `tok2vec` in one block of a config."""

from spacy.ml.models.tok2vec import MultiHashEmbed, build_Tok2Vec_model
from spacy.tokens import Doc
from thinc.api import Model

from ..batch.beside import with_features
from ..checks import MOST_ROWS, check_int
from ..types import Floats2d
from .embeds import CharCNNEmbed, LexemeEmbed
from .encoders import RNNEncoder

EMBED_WIDTH = 96
CHARS_WIDTH = 30


def HashEmbedRNN(
    *,
    width: int = 256,
    cell: str = "lstm",
    depth: int = 1,
    embed_size: int = 5000,
    include_static_vectors: bool = False,
) -> Model[list[Doc], list[Floats2d]]:
    """Embed words by hashes and characters and encode them with recurrent layers.

    The counterpart of `spacy.HashEmbedCNN.v2` and the default of `seqrnn_ner`, with the most
    important options only. For all options, combine a `spacy-seqrnn.LexemeEmbed.v1` and a
    `spacy-seqrnn.RNNEncoder.v1` in a `spacy.Tok2Vec.v2` instead. Registered as
    `spacy-seqrnn.HashEmbedRNN.v1`.

    width: output width per token, both directions together; even.
    cell: "lstm", "gru" or "rnn".
    depth: number of layers, at least 1.
    embed_size: rows of the hash embedding table of the words; the tables of their prefixes,
        suffixes and shapes have half as many.
    include_static_vectors: append the pipeline's word vectors.

    Returns a model that maps documents to one (n_tokens, width) array each.
    Raises ValueError for an option out of its range.
    """
    check_int("embed_size", embed_size, 2, MOST_ROWS)
    words = MultiHashEmbed(
        width=EMBED_WIDTH,
        attrs=["NORM", "PREFIX", "SUFFIX", "SHAPE"],
        rows=[embed_size, *[embed_size // 2] * 3],
        include_static_vectors=False,
    )
    layers = {"words": words, "chars": CharCNNEmbed(width=CHARS_WIDTH)}
    return build_Tok2Vec_model(
        embed=LexemeEmbed(layers=layers, include_static_vectors=include_static_vectors),
        encode=RNNEncoder(width=width, cell=cell, depth=depth),
    )


def FeatureTok2Vec(
    *,
    embed: Model[list[Doc], list[Floats2d]],
    encode: Model[list[Floats2d], list[Floats2d]],
    features: Model[list[Doc], list[Floats2d]],
) -> Model[list[Doc], list[Floats2d]]:
    """Embed and encode words, and append features that the encoder does not read.

    A `spacy.Tok2Vec.v2` with features of a language model, which `spacy-seqrnn.LMEmbed.v1` gives,
    beside the states of its own encoder (Peters et al. 2017). Registered as
    `spacy-seqrnn.FeatureTok2Vec.v1`.

    embed: maps documents to one array of token vectors each.
    encode: encodes these vectors.
    features: maps documents to one array of token vectors each, which are appended to the encoded
        ones. It may also be another embedding or encoder.

    Returns a model that maps documents to one (n_tokens, width + n_features) array each.
    """
    return with_features(build_Tok2Vec_model(embed=embed, encode=encode), features)
