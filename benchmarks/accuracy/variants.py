"""The variants of the ablation: what each changes in a recipe."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .corpora import VECTORS

NER = "components.seqrnn_ner.model"
TEXTCAT = "components.textcat.model"
BASE = "the recipe: LSTM, both directions, depth 1"


@dataclass(frozen=True)
class Variant:
    """One change to a recipe.

    group: the heading of the page that it belongs under.
    name: its name on the page.
    changes: config values by their path; None removes a block.
    unconstrained: decode each token on its own, without the BILUO constraints.
    vectors: the folder of other word vectors; None: those of the corpus.
    """

    group: str
    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    unconstrained: bool = False
    vectors: str | None = None


# What is changed. For texts it is a single model, as what helps one member helps each of them.
RECIPES = {
    "conll2003": Path("configs/ner_accuracy.cfg"),
    # Without characters and n-grams, which would hide part of what an encoder does
    "rt-polarity": Path("benchmarks/accuracy/ablation_textcat.cfg"),
}
# Steps of each training run. The recipes may train for longer.
STEPS = {"conll2003": 1000, "rt-polarity": 1000}

LEARNED = {"@architectures": "spacy-seqrnn.WordEmbed.v1", "width": 50, "attr": "LOWER"}


def no_vectors(embed: str) -> dict[str, Any]:
    """Without the pipeline's word vectors and their correction."""
    return {f"{embed}.include_static_vectors": False, **no_correction(embed)}


def no_correction(embed: str) -> dict[str, Any]:
    """Word vectors as they are."""
    return {f"{embed}.correction_rows": 0, f"{embed}.correction_scale": 1.0}


def encoder_variants(model: str, width: int) -> list[Variant]:
    """Cells, directions, depths and dropouts, for both tasks."""
    embed, encode = f"{model}.tok2vec.embed", f"{model}.tok2vec.encode"
    one_way = {f"{encode}.bidirectional": False}
    deep = [
        Variant(
            "Depth",
            f"depth {depth}{', residual' * residual}",
            {f"{encode}.depth": depth, f"{encode}.residual": residual},
        )
        for depth in (2, 3)
        for residual in (False, True)
    ]
    return [
        Variant("Base", BASE),
        Variant("Cell", "GRU", {f"{encode}.cell": "gru"}),
        Variant("Cell", "plain RNN (tanh)", {f"{encode}.cell": "rnn"}),
        Variant("Cell", "SRU", {f"{encode}.cell": "sru"}),
        Variant("Direction", "left to right only", one_way),
        Variant(
            "Direction",
            "left to right only, as wide as one of two",
            {**one_way, f"{encode}.width": width // 2},
        ),
        *deep,
        Variant(
            "Words",
            "learned vectors only, from zero",
            {**no_vectors(embed), f"{embed}.layers.words": LEARNED},
        ),
        Variant("Words", "word vectors without correction", no_correction(embed)),
        Variant("Regularisation", "no locked dropout", {f"{encode}.dropout": 0.0}),
        Variant("Regularisation", "no word dropout", {f"{encode}.word_dropout": 0.0}),
        Variant("Regularisation", "no dropout before the output", {"training.dropout": 0.0}),
        Variant("Regularisation", "no averaging", {"training.optimizer.use_averages": False}),
    ]


def pooling_variants() -> list[Variant]:
    """Each pooling on its own."""
    names = ["last", "mean", "max", "attention", "first_last"]
    return [Variant("Pooling", name, {f"{TEXTCAT}.pooling": name}) for name in names]


SOFTMAX = {f"{NER}.decoder": "softmax"}
CHARS, HASHED = (f"{NER}.tok2vec.embed.layers.{name}" for name in ("chars", "hashed"))
FAST = {f"{NER}.tok2vec.embed.correction_scale": 1.0}
CHARACTER_LSTM = {"@architectures": "spacy-seqrnn.CharRNNEmbed.v1", "width": 50}
AFFIXES = {
    "@architectures": "spacy.MultiHashEmbed.v2",
    "width": 96,
    "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
    "rows": [5000, 1000, 2500, 2500],
    "include_static_vectors": False,
}
VARIANTS = {
    "conll2003": [
        *encoder_variants(NER, width=256),
        Variant("Decoder", "softmax, decoded within the rules of BILUO", SOFTMAX),
        Variant("Decoder", "softmax, each token by itself", SOFTMAX, unconstrained=True),
        Variant("Regularisation", "no adversarial training", {f"{NER}.adversarial": 0.0}),
        Variant("Words", "corrections as fast as other weights", FAST),
        Variant("Words", "GloVe's 50 dimensions alone", vectors=VECTORS),
        Variant("Words", "no characters", {CHARS: None}),
        Variant("Words", "characters by an LSTM", {CHARS: CHARACTER_LSTM}),
        Variant("Words", "words, affixes and shapes by hash too", {HASHED: AFFIXES}),
        Variant("Words", "characters only", no_vectors(f"{NER}.tok2vec.embed")),
    ],
    "rt-polarity": [*encoder_variants(TEXTCAT, width=128), *pooling_variants()],
}
