"""The architecture of encoder-decoders, whose model is in `seq2seq/model.py`."""

from spacy.tokens import Doc
from thinc.api import Model

from ..checks import DEEPEST, WIDEST, check_at_least, check_choice, check_int, check_rate
from ..config_errors import ConfigError
from ..lm.shared import is_listener
from ..lm.units import WORDS
from ..rnn.cells import CELLS
from ..seq2seq.attention import ATTENTIONS
from ..seq2seq.decoder import NONE, Decoder
from ..seq2seq.model import Seq2SeqModel, seq2seq_model
from ..seq2seq.units import UNITS, check_subwords
from ..types import Floats2d


def Seq2Seq(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    source_unit: str = WORDS,
    target_unit: str = WORDS,
    cell: str = "lstm",
    width: int = 256,
    embed_width: int = 128,
    depth: int = 1,
    attention: str = "dot",
    tied: bool = False,
    copy: bool = False,
    label_smoothing: float = 0.0,
    max_grad_norm: float = 0.0,
) -> Seq2SeqModel:
    """Write a text for a text: an encoder, and a recurrent decoder that attends to its states.

    Sutskever et al. 2014, Bahdanau et al. 2015, Luong et al. 2015 with input feeding. Registered as
    `spacy-seqrnn.Seq2Seq.v1`.

    tok2vec: the encoder: an embedding, and usually a `spacy-seqrnn.RNNEncoder.v1` over it. Or a
        listener to a `tok2vec` component, for a source of words.
    source_unit: what the encoder reads: "words", which are the tokens of a document, or units of
        which the embedding then reads each as a word: "characters", "characters_and_tags", where
        <TAG> is one unit, or "subwords". Subwords are learned from the training texts and need
        `pip install spacy-seqrnn[translation]`.
    target_unit: what the decoder writes: "words", between white space, or one of the others.
    cell: the decoder's: "lstm", "gru", "rnn" or "sru".
    width: of the decoder's states.
    embed_width: of the vectors of the target's units.
    depth: the decoder's number of recurrent layers.
    attention: "dot" (scaled; Luong et al. 2015), "additive" (Bahdanau et al. 2015), or "none": then
        the decoder only knows the encoder's states at both ends of the source.
    tied: use the vectors of the target's units as output weights too (Press and Wolf 2017), which
        needs `embed_width` to be `width`.
    copy: let it also write units of the source that are not in its vocabulary, such as names, each
        with the weight that the attention gives it (See et al. 2017). Source and target then have
        the same unit.
    label_smoothing: the share of the probability that training spreads over all units, from 0 to
        below 1 (Szegedy et al. 2016).
    max_grad_norm: clip the gradients of this component's model to this joint norm; 0 disables
        clipping.

    Raises ValueError for an option out of its range.
    """
    check_choice("source_unit", source_unit, UNITS)
    check_choice("target_unit", target_unit, UNITS)
    check_subwords("source_unit", source_unit)
    check_subwords("target_unit", target_unit)
    check_choice("cell", cell, list(CELLS))
    check_choice("attention", attention, [*ATTENTIONS, NONE])
    check_int("width", width, 1, WIDEST)
    check_int("embed_width", embed_width, 1, WIDEST)
    check_int("depth", depth, 1, DEEPEST)
    check_rate("label_smoothing", label_smoothing)
    check_at_least("max_grad_norm", max_grad_norm, 0)
    if tied and embed_width != width:
        raise ConfigError(
            "tied",
            tied,
            f"`tied = {tied}` cannot work with `embed_width = {embed_width}` and "
            f"`width = {width}`, because the vectors of units are the output weights then: set "
            "both to one number.",
        )
    if source_unit != WORDS and is_listener(tok2vec):
        raise ConfigError(
            "source_unit",
            source_unit,
            f"`source_unit = {source_unit!r}` does not go with a listener, which has the vectors "
            f'of tokens: set it to "{WORDS}", or give the component an embedding and encoder of '
            "its own.",
        )
    if copy and (attention == NONE or source_unit != target_unit):
        raise ConfigError(
            "copy",
            copy,
            f"`copy = {copy}` cannot work with `attention = {attention!r}`, `source_unit = "
            f"{source_unit!r}` and `target_unit = {target_unit!r}`: set an attention, and the same "
            "unit for source and target, or leave it false.",
        )
    decoder = Decoder(
        cell=cell,
        width=width,
        embed_width=embed_width,
        depth=depth,
        attention=attention,
        tied=tied,
        copy=copy,
        label_smoothing=label_smoothing,
    )
    return seq2seq_model(
        tok2vec,
        decoder,
        source_unit=source_unit,
        target_unit=target_unit,
        max_grad_norm=max_grad_norm,
    )
