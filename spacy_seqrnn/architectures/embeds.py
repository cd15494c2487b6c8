"""Embeddings that a config can name: they map documents to one vector per token."""

from typing import Any, TypeAlias

from spacy.attrs import IDS
from spacy.tokens import Doc
from thinc.api import HashEmbed, Model, chain, with_array
from thinc.types import Ragged

from ..batch.packed import with_packed
from ..checks import MOST_ROWS, WIDEST, check_int, check_rate, check_share
from ..config_errors import ConfigError
from ..embed.char_cnn import char_cnn
from ..embed.chars import with_chars
from ..embed.lexemes import with_lexemes
from ..embed.static_vectors import word_vectors
from ..embed.word_embed import word_embed
from ..heads.pooling import last_pooling
from ..rnn.layer import RNN
from ..types import Floats2d

Embedding: TypeAlias = Model[list[Doc], list[Floats2d]]


def CharCNNEmbed(
    *,
    width: int = 30,
    char_width: int = 30,
    window_size: int = 1,
    rows: int = 1000,
    max_chars: int = 64,
) -> Embedding:
    """Embed words by a convolution over their characters and the maximum of each filter.

    Ma and Hovy 2016. Registered as `spacy-seqrnn.CharCNNEmbed.v1`.

    width: number of filters, i.e. output width.
    char_width: width of the character embeddings.
    window_size: characters on either side that a filter sees besides the current one.
    rows: rows of the hash embedding table of the characters. Four hashes per character distinguish
        characters even if there are more of them than rows.
    max_chars: longer words are shortened in the middle.

    Raises ValueError for an option out of its range.
    """
    check_int("window_size", window_size, 1, WIDEST)
    _check_chars(width, char_width, rows, max_chars)
    layer = char_cnn(width=width, char_width=char_width, window_size=window_size, rows=rows)
    return with_chars(layer, max_chars=max_chars)


def CharRNNEmbed(
    *,
    width: int = 50,
    cell: str = "lstm",
    char_width: int = 25,
    rows: int = 1000,
    max_chars: int = 64,
) -> Embedding:
    """Embed words by a bidirectional recurrent layer over their characters.

    A word's vector concatenates the left-to-right state after its last character and the
    right-to-left state after its first one (Lample et al. 2016). Registered as
    `spacy-seqrnn.CharRNNEmbed.v1`.

    width: output width, both directions together; even.
    cell: "lstm", "gru" or "rnn".
    char_width: width of the character embeddings.
    rows: rows of the hash embedding table of the characters.
    max_chars: longer words are shortened in the middle.

    Raises ValueError for an option out of its range.
    """
    _check_chars(width, char_width, rows, max_chars)
    layer: Model[Ragged, Floats2d] = chain(
        with_array(HashEmbed(char_width, rows, seed=0)),
        with_packed(RNN(cell=cell, nO=width, nI=char_width)),
        last_pooling(bidirectional=True),
    )
    layer.set_dim("nO", width)
    return with_chars(layer, max_chars=max_chars)


def WordEmbed(
    *, width: int = 100, attr: str = "LOWER", rows: int = 100_000, dropout: float = 0.0
) -> Embedding:
    """Learn a vector for each word of the training data; all other words have zeros.

    In `spacy.MultiHashEmbed.v2` words share rows by chance, unseen words too; here each word has
    its own row. Registered as `spacy-seqrnn.WordEmbed.v1`.

    width: output width.
    attr: the attribute that identifies a word, e.g. "LOWER", "NORM" or "ORTH".
    rows: the most words that get a vector; the first ones in the training data do.
    dropout: rate at which words are treated as unknown in training, so that the network learns to
        handle unknown words (Lample et al. 2016).

    Raises ValueError for an option out of its range.
    """
    check_int("width", width, 1, WIDEST)
    check_int("rows", rows, 1)
    check_rate("dropout", dropout)
    if not IDS.get(attr):
        raise ConfigError(
            "attr",
            attr,
            f"`attr = {attr!r}` is not an attribute of a token: set one such as LOWER or ORTH.",
        )
    return word_embed(width=width, attr=attr, rows=rows, dropout=dropout)


def LexemeEmbed(
    *,
    layers: dict[str, Any],  # of Model; a config's blocks are checked before they are Models
    include_static_vectors: bool = False,
    correction_rows: int = 0,
    correction_scale: float = 1.0,
    table_size: int = 65536,
) -> Embedding:
    """Run context-free embedding layers once per distinct word and concatenate their vectors.

    Registered as `spacy-seqrnn.LexemeEmbed.v1`. The result is the same as running the layers on
    every token. In training, each distinct word is embedded once per batch; in prediction, once for
    as long as it stays in the table.

    layers: any of this package's and spaCy's embedding layers, under names of your choice.
    include_static_vectors: append the pipeline's word vectors; zeros for words without one.
    correction_rows: the most words that get a learned correction, which starts at zero and is added
        to their word vector; 0 for none. The first words in the training data get one.
    correction_scale: what the learned numbers are multiplied by, in (0, 1]. Adam moves each of them
        by about the learning rate, even for a rare word, so this is how fast corrections move
        against other weights. Where they move slowly, words from outside the training data look
        less different from those within.
    table_size: distinct words to remember in prediction; memory is about 4 bytes times this times
        the width.

    Raises ValueError for layers that depend on the context, or if there is nothing to embed or to
    correct.
    """
    check_int("table_size", table_size, 0)
    check_int("correction_rows", correction_rows, 0)
    check_share("correction_scale", correction_scale)
    if correction_rows and not include_static_vectors:
        raise ConfigError(
            "correction_rows",
            correction_rows,
            f"`correction_rows = {correction_rows}` has nothing to correct: set it to 0, or set "
            "`include_static_vectors = true`.",
        )
    if correction_scale != 1.0 and not correction_rows:
        raise ConfigError(
            "correction_scale",
            correction_scale,
            f"`correction_scale = {correction_scale}` has no corrections to scale: set it to 1.0, "
            "or set `correction_rows` to the most words that may have one.",
        )
    if not layers and not include_static_vectors:
        raise ConfigError(
            "layers",
            layers,
            "LexemeEmbed has nothing to embed: name at least one layer under `layers`, or set "
            "`include_static_vectors = true`.",
        )
    for name, layer in layers.items():
        if not isinstance(layer, Model):
            raise ConfigError(
                f"layers.{name}",
                layer,
                f"`layers.{name} = {layer!r}` is not an embedding layer: give the block an "
                "`@architectures` line.",
            )
    all_layers = [*layers.values()]
    if include_static_vectors:
        vectors = word_vectors(correction_rows=correction_rows, correction_scale=correction_scale)
        all_layers.append(vectors)
    return with_lexemes(all_layers, table_size=table_size)


def _check_chars(width: int, char_width: int, rows: int, max_chars: int) -> None:
    check_int("width", width, 1, WIDEST)
    check_int("char_width", char_width, 1, WIDEST)
    check_int("rows", rows, 1, MOST_ROWS)
    check_int("max_chars", max_chars, 1)
