"""Thinc's switch to find wrong shapes and types works with every model of this package."""

import pytest
import spacy
from thinc.api import data_validation

from spacy_seqrnn.heads.pooling import POOLINGS
from spacy_seqrnn.rnn.cells import CELLS

from ..conftest import gold_examples, tok2vec_config
from ..lm.models import small_lm
from ..seq2seq.models import small_seq2seq
from ..small import small_ner, small_textcat, small_tok2vec

NGRAMS = {"@architectures": "spacy-seqrnn.NgramTextCat.v1", "exclusive_classes": True}
MODELS = {
    "crf": ("seqrnn_ner", small_ner()),
    "softmax": ("seqrnn_ner", small_ner(decoder="softmax")),
    "ner ensemble": (
        "seqrnn_ner",
        {"@architectures": "spacy-seqrnn.NEREnsemble.v1", "members": {"a": small_ner()}},
    ),
    "textcat ensemble": (
        "textcat",
        {
            "@architectures": "spacy-seqrnn.TextCatEnsemble.v1",
            "members": {"a": small_textcat(True), "b": NGRAMS},
        },
    ),
    "multilabel": ("textcat_multilabel", small_textcat(False)),
    **{name: ("textcat", small_textcat(True, pooling=name)) for name in POOLINGS},
    **{cell: ("tagger", {"tok2vec": tok2vec_config(cell)}) for cell in CELLS},
    "adversarial": ("seqrnn_ner", small_ner(adversarial=0.1)),
    "language model": ("seqrnn_lm", small_lm()),
    "characters": ("seqrnn_lm", small_lm("characters", bidirectional=True)),
    "text to text": ("seqrnn_text2text", small_seq2seq(cell="gru", label_smoothing=0.1)),
    "lemmas": ("seqrnn_lemmatizer", small_seq2seq(attention="additive", tied=True)),
    "residual": (
        "seqrnn_ner",
        {**small_ner(), "tok2vec": small_tok2vec(residual=True, depth=2)},
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_under_data_validation(name: str) -> None:
    factory, model = MODELS[name]
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, config={"model": model})
    examples = gold_examples(nlp)
    with data_validation(True):
        optimizer = nlp.initialize(lambda: examples)
        losses = nlp.update(examples, sgd=optimizer, drop=0.1)
        nlp.evaluate(examples)
    assert losses[factory] > 0
