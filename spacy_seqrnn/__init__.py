"""Recurrent networks for spaCy: encoders, entities, categories, language models, translation.

Importing the package alone imports neither spaCy nor torch: a name's module is imported when the
name is first used.
"""

from .about import __version__

TYPE_CHECKING = False  # `typing` takes longer to import than this package

if TYPE_CHECKING:
    from .architectures.embeds import CharCNNEmbed, CharRNNEmbed, LexemeEmbed, WordEmbed
    from .architectures.encoders import RNNEncoder
    from .architectures.ensembles import NEREnsemble, Seq2SeqEnsemble, TextCatEnsemble
    from .architectures.lm import LanguageModel, LMEmbed, PretrainLM
    from .architectures.ner import NER
    from .architectures.ngrams import NgramTextCat
    from .architectures.seq2seq import Seq2Seq
    from .architectures.textcat import TextCat
    from .architectures.tok2vec import FeatureTok2Vec, HashEmbedRNN
    from .batch.packed import Packed, pack, unpack, with_packed
    from .batch.packing import Packing, make_packing
    from .bulk.annotator import Annotator, annotator
    from .crf.chain import LinearChain
    from .crf.decoding import k_best, viterbi
    from .crf.expectations import marginals
    from .crf.layer import CRF, TagConstraints, TokenSoftmax
    from .crf.losses import negative_log_likelihood
    from .crf.recursion import log_partition
    from .explain import (
        LemmatizerExplanation,
        LMExplanation,
        NERExplanation,
        Text2TextExplanation,
        TextCatExplanation,
        compare_continuations,
        explain_lemmatizer,
        explain_lm,
        explain_ner,
        explain_text2text,
        explain_textcat,
        gates_of_text,
        gradients_of_cells,
        gradients_of_text,
    )
    from .heads.ngrams import NgramScores
    from .lm.component import RecurrentLM
    from .lm.generation import beam_search, generate
    from .ner.biluo import biluo_constraints
    from .ner.component import RecurrentNER
    from .ner.scored_spans import ScoredSpans
    from .rnn.layer import RNN
    from .rnn.stack import RNNStack
    from .seq2seq.component import RecurrentText2Text
    from .seq2seq.lemmatizer import RecurrentLemmatizer
    from .textcat.calibration import TextCatCalibration, calibrate_textcat

__all__ = [
    "CRF",
    "NER",
    "RNN",
    "Annotator",
    "CharCNNEmbed",
    "CharRNNEmbed",
    "FeatureTok2Vec",
    "HashEmbedRNN",
    "LMEmbed",
    "LMExplanation",
    "LanguageModel",
    "LemmatizerExplanation",
    "LexemeEmbed",
    "LinearChain",
    "NEREnsemble",
    "NERExplanation",
    "NgramScores",
    "NgramTextCat",
    "Packed",
    "Packing",
    "PretrainLM",
    "RNNEncoder",
    "RNNStack",
    "RecurrentLM",
    "RecurrentLemmatizer",
    "RecurrentNER",
    "RecurrentText2Text",
    "ScoredSpans",
    "Seq2Seq",
    "Seq2SeqEnsemble",
    "TagConstraints",
    "Text2TextExplanation",
    "TextCat",
    "TextCatCalibration",
    "TextCatEnsemble",
    "TextCatExplanation",
    "TokenSoftmax",
    "WordEmbed",
    "__version__",
    "annotator",
    "beam_search",
    "biluo_constraints",
    "calibrate_textcat",
    "compare_continuations",
    "explain_lemmatizer",
    "explain_lm",
    "explain_ner",
    "explain_text2text",
    "explain_textcat",
    "gates_of_text",
    "generate",
    "gradients_of_cells",
    "gradients_of_text",
    "k_best",
    "log_partition",
    "make_packing",
    "marginals",
    "negative_log_likelihood",
    "pack",
    "unpack",
    "viterbi",
    "with_packed",
]

# Names by module; a module is imported when one of its names is first used.
_MODULES = {
    "architectures.embeds": ["CharCNNEmbed", "CharRNNEmbed", "LexemeEmbed", "WordEmbed"],
    "architectures.encoders": ["RNNEncoder"],
    "architectures.ensembles": ["NEREnsemble", "Seq2SeqEnsemble", "TextCatEnsemble"],
    "architectures.lm": ["LMEmbed", "LanguageModel", "PretrainLM"],
    "architectures.ner": ["NER"],
    "architectures.ngrams": ["NgramTextCat"],
    "heads.ngrams": ["NgramScores"],
    "textcat.calibration": ["TextCatCalibration", "calibrate_textcat"],
    "architectures.seq2seq": ["Seq2Seq"],
    "architectures.textcat": ["TextCat"],
    "architectures.tok2vec": ["FeatureTok2Vec", "HashEmbedRNN"],
    "batch.packed": ["Packed", "pack", "unpack", "with_packed"],
    "batch.packing": ["Packing", "make_packing"],
    "bulk.annotator": ["Annotator", "annotator"],
    "crf.chain": ["LinearChain"],
    "crf.decoding": ["k_best", "viterbi"],
    "crf.expectations": ["marginals"],
    "crf.layer": ["CRF", "TagConstraints", "TokenSoftmax"],
    "crf.losses": ["negative_log_likelihood"],
    "crf.recursion": ["log_partition"],
    "explain": [
        "LMExplanation",
        "LemmatizerExplanation",
        "NERExplanation",
        "Text2TextExplanation",
        "TextCatExplanation",
        "compare_continuations",
        "explain_lemmatizer",
        "explain_lm",
        "explain_ner",
        "explain_text2text",
        "explain_textcat",
        "gates_of_text",
        "gradients_of_cells",
        "gradients_of_text",
    ],
    "lm.component": ["RecurrentLM"],
    "lm.generation": ["beam_search", "generate"],
    "ner.biluo": ["biluo_constraints"],
    "ner.component": ["RecurrentNER"],
    "ner.scored_spans": ["ScoredSpans"],
    "rnn.layer": ["RNN"],
    "rnn.stack": ["RNNStack"],
    "seq2seq.component": ["RecurrentText2Text"],
    "seq2seq.lemmatizer": ["RecurrentLemmatizer"],
}

if not TYPE_CHECKING:  # else a type checker would accept any name

    def __getattr__(name: str) -> object:
        from .lazy import load_name  # noqa: PLC0415  # only now, as it imports `typing`

        return load_name(globals(), _MODULES, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
