"""Language models that are small enough to train within a test."""

from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Adam, fix_random_seed

from ..small import small_tok2vec

TEXTS = [
    "The cat sat on the mat.",
    'The dog said "no" to the cat.',
    "The cat said: the dog sat.",
    "A dog sat on the mat.",
    "",
    "No.",
]


def texts(vocab: Vocab | None = None) -> list[Doc]:
    nlp = spacy.blank("en")
    nlp.vocab = vocab or nlp.vocab
    return [nlp.make_doc(text) for text in TEXTS]


def small_lm(unit: str = "words", **encoder: Any) -> dict[str, Any]:
    """Config of a language model."""
    options = {"bidirectional": False, "dropout": 0.0, **encoder}
    return {
        "@architectures": "spacy-seqrnn.LanguageModel.v1",
        "unit": unit,
        "cutoffs": [5, 9],
        "tok2vec": small_tok2vec(**options),
    }


def make_lm(
    unit: str = "words", min_count: int = 1, max_units: int = 100, **encoder: Any
) -> Language:
    fix_random_seed(0)
    nlp = spacy.blank("en")
    model = small_lm(unit, **encoder)
    config = {"model": model, "min_count": min_count, "max_units": max_units}
    nlp.add_pipe("seqrnn_lm", config=config)
    nlp.initialize(lambda: examples(nlp))
    return nlp


def examples(nlp: Language) -> list[Example]:
    return [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in TEXTS]


def trained_lm(unit: str = "words", steps: int = 80, **options: Any) -> Language:
    nlp = make_lm(unit, **options)
    optimizer = Adam(0.01)
    batch = examples(nlp)
    for _ in range(steps):
        nlp.update(batch, sgd=optimizer, losses={})
    return nlp
