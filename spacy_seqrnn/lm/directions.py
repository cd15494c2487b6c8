"""Which directions of an encoder can predict units: those that have not read them."""

from spacy.tokens import Doc

from ..batch.composition import run_packed, split_encoders
from ..batch.docs import DocBatch
from ..config_errors import ConfigError
from .shared import Tok2Vec

MOST_WORDS = 50  # of each document of a sample


def n_directions(tok2vec: Tok2Vec) -> int:
    """How many directions of an encoder predict units: those that know nothing of the other side.

    Raises ConfigError if there is none.
    """
    # spaCy imports every plugin's factories, and a pipeline without an encoder needs none.
    from ..rnn import directions  # noqa: PLC0415

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


def check_words_alone(tok2vec: Tok2Vec, docs: list[Doc] | None) -> None:
    """Raise ConfigError if what an encoder of this package reads of a word has read other words.

    So have convolutions and encoders of other packages, on both sides of a word, where no direction
    can be told from the other.

    tok2vec: an initialised one, which is no listener.
    docs: a sample. It is embedded in reverse, too: vectors of words alone are the same, in reverse.
    """
    embed, _ = split_encoders(tok2vec)
    texts = [[token.text for token in doc[:MOST_WORDS]] for doc in docs or ()]
    ahead = [Doc(doc.vocab, words=words) for doc, words in zip(docs or (), texts, strict=True)]
    behind = [Doc(doc.vocab, words=words[::-1]) for doc, words in zip(ahead, texts, strict=True)]
    if not any(texts):
        return
    X, Y = (run_packed(embed, DocBatch(read), is_train=False)[0] for read in (ahead, behind))
    if not embed.ops.xp.allclose(X.data, Y.rows(Y.packing.reversed_rows), atol=1e-4):
        raise ConfigError(
            "tok2vec",
            None,
            f"A language model cannot predict words from '{embed.name}', whose vector of a word "
            "depends on the words around it, as in a convolution: let the `tok2vec` be an "
            "embedding of words alone and a `spacy-seqrnn.RNNEncoder.v1` over it, with nothing "
            "else in between.",
        )
