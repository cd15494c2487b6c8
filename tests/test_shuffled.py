"""The reader `spacy-seqrnn.Shuffled.v1`."""

import random
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import DocBin
from spacy.util import registry

WORDS = "abcdefghij"


def reader(tmp_path: Path) -> Any:
    """Of a file with ten documents, in the order of the alphabet."""
    nlp = spacy.blank("en")
    DocBin(docs=map(nlp.make_doc, WORDS)).to_disk(tmp_path / "train.spacy")
    path = str(tmp_path / "train.spacy")
    corpus = {"@readers": "spacy.Corpus.v1", "path": path, "gold_preproc": False}
    return registry.resolve({"corpus": {"@readers": "spacy-seqrnn.Shuffled.v1", "corpus": corpus}})[
        "corpus"
    ]


def texts(corpus: Any) -> list[str]:
    return [example.text for example in corpus(spacy.blank("en"))]


def test_each_reading_has_another_order_of_the_same(tmp_path: Path) -> None:
    random.seed(0)
    corpus = reader(tmp_path)
    first, second = texts(corpus), texts(corpus)
    assert sorted(first) == sorted(second) == list(WORDS)
    assert len({tuple(first), tuple(second), tuple(WORDS)}) == 3


def test_the_order_is_that_of_the_seed(tmp_path: Path) -> None:
    corpus = reader(tmp_path)
    found = []
    for _ in range(2):
        random.seed(3)
        found.append(texts(corpus))
    assert found[0] == found[1]
