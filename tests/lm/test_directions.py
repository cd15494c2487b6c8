"""Which encoders may predict units: what a state predicts must have no part in it."""

from typing import Any

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import fix_random_seed

from spacy_seqrnn.lm.directions import check_words_alone, n_directions

from ..small import small_tok2vec
from .models import examples

SEPARATE: dict[str, Any] = {"bidirectional": True, "separate_directions": True, "depth": 3}
SOUND: list[dict[str, Any]] = [
    {"bidirectional": False},
    {"bidirectional": False, "depth": 2, "residual": True},
    {"bidirectional": True},
    SEPARATE,
    {**SEPARATE, "residual": True, "width": 32},
]
CNN = {"@architectures": "spacy.MaxoutWindowEncoder.v2", "width": 16, "window_size": 1}
CNN |= {"depth": 1, "maxout_pieces": 2}
TORCH = {"@architectures": "spacy.TorchBiLSTMEncoder.v1", "width": 16, "depth": 1, "dropout": 0.0}
HASHES = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 16, "depth": 1, "embed_size": 50}
HASHES |= {"window_size": 1, "maxout_pieces": 2, "subword_features": True}
HASHES |= {"pretrained_vectors": None}
FEATURES = {"@architectures": "spacy-seqrnn.LMEmbed.v1", "tok2vec": small_tok2vec()}
WORDS = ["The", "cat", "sat", "on", "a", "mat"]


def made(config: dict[str, Any]) -> Any:
    fix_random_seed(0)
    tok2vec = registry.resolve({"tok2vec": config})["tok2vec"]
    tok2vec.initialize(X=[Doc(Vocab(), words=WORDS)])
    return tok2vec


def states(tok2vec: Any, words: list[str]) -> Any:
    return tok2vec.predict([Doc(Vocab(), words=words)])[0]


@pytest.mark.parametrize("encoder", SOUND)
def test_a_state_has_read_nothing_of_what_it_predicts(encoder: dict[str, Any]) -> None:
    tok2vec = made(small_tok2vec(**encoder))
    n = n_directions(tok2vec)
    assert n == 1 + encoder["bidirectional"]
    before = states(tok2vec, WORDS)
    width = before.shape[1] // n
    for i in range(len(WORDS)):
        after = states(tok2vec, [*WORDS[:i], "other", *WORDS[i + 1 :]])
        np.testing.assert_array_equal(after[:i, :width], before[:i, :width])
        assert not np.array_equal(after[i, :width], before[i, :width])
        if n == 2:
            np.testing.assert_array_equal(after[i + 1 :, width:], before[i + 1 :, width:])
            assert not np.array_equal(after[i, width:], before[i, width:])


CONTEXTUAL = {
    "spaCy's convolution": {**small_tok2vec(), "encode": CNN},
    "spaCy's LSTM": {**small_tok2vec(), "encode": TORCH},
    "all of spaCy's": HASHES,
    "a convolution below": {**small_tok2vec(), "embed": HASHES},
    "a language model below": {**small_tok2vec(), "embed": FEATURES},
}


@pytest.mark.parametrize("name", CONTEXTUAL)
def test_what_has_read_both_sides_is_rejected(name: str) -> None:
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy-seqrnn.LanguageModel.v1", "tok2vec": CONTEXTUAL[name]}
    nlp.add_pipe("seqrnn_lm", config={"model": model})
    with pytest.raises(ValueError, match="depends on the words around it, as in a convolution"):
        nlp.initialize(lambda: examples(nlp))


def test_words_alone_are_accepted() -> None:
    """Which makes a model of pairs of words."""
    tok2vec = made(small_tok2vec()["embed"])
    check_words_alone(tok2vec, [Doc(Vocab(), words=WORDS), Doc(Vocab(), words=[])])
    check_words_alone(tok2vec, None)
    assert n_directions(tok2vec) == 1
