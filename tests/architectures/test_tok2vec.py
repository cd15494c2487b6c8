from typing import Any

import numpy as np
import pytest
import spacy
from spacy.util import registry
from thinc.api import fix_random_seed

from spacy_seqrnn.architectures.tok2vec import HashEmbedRNN
from spacy_seqrnn.types import Floats1d

from ..small import small_ner

TEXT = "Mira Holt likes Oslo."


def test_is_its_parts() -> None:
    """The same as the blocks that it abbreviates, with the same random weights."""
    parts = {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy-seqrnn.LexemeEmbed.v1",
            "layers": {
                "words": {
                    "@architectures": "spacy.MultiHashEmbed.v2",
                    "width": 96,
                    "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
                    "rows": [40, 20, 20, 20],
                    "include_static_vectors": False,
                },
                "chars": {"@architectures": "spacy-seqrnn.CharCNNEmbed.v1", "width": 30},
            },
        },
        "encode": {
            "@architectures": "spacy-seqrnn.RNNEncoder.v1",
            "width": 12,
            "cell": "gru",
            "depth": 2,
        },
    }
    doc = spacy.blank("en")(TEXT)
    vectors = []
    for build in (
        lambda: registry.resolve({"tok2vec": parts})["tok2vec"],
        lambda: HashEmbedRNN(width=12, cell="gru", depth=2, embed_size=40),
    ):
        fix_random_seed(0)
        vectors.append(build().initialize(X=[doc]).predict([doc])[0])
    np.testing.assert_array_equal(*vectors)
    assert vectors[0].shape == (len(doc), 12)


def test_takes_vectors() -> None:
    nlp = spacy.blank("en")
    vector: Floats1d = np.ones(7, dtype="f")
    nlp.vocab.set_vector("Oslo", vector)
    model = HashEmbedRNN(width=4, embed_size=20, include_static_vectors=True)
    model.initialize(X=[nlp(TEXT)])
    assert model.get_ref("embed").get_dim("nO") == 96 + 30 + 7


@pytest.mark.parametrize("embed_size", [0, 1, "many"])
def test_rejects_sizes(embed_size: Any) -> None:
    with pytest.raises(ValueError, match="embed_size"):
        HashEmbedRNN(embed_size=embed_size)


def test_is_the_default() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner")
    config = nlp.config["components"]["seqrnn_ner"]["model"]["tok2vec"]
    assert config["@architectures"] == "spacy-seqrnn.HashEmbedRNN.v1"


def test_adds_nothing_to_what_a_config_names() -> None:
    """spaCy merges a component's default model into a config of the same architectures."""
    nlp = spacy.blank("en")
    nlp.add_pipe("seqrnn_ner", config={"model": small_ner()})
    embed = nlp.config["components"]["seqrnn_ner"]["model"]["tok2vec"]["embed"]
    assert list(embed["layers"]) == ["chars"]
    assert "MultiHashEmbed" not in nlp.config.to_str()
