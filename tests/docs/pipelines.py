"""Pipelines on the sample corpora, trained for a few seconds, that all pages share."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.training.converters.conll_ner_to_docs import conll_ner_to_docs
from spacy.util import minibatch
from thinc.api import fix_random_seed

from ..small import small_ner, small_textcat

ASSETS = Path(__file__).parents[2] / "assets"
MOST_SENTENCES = 200


@pytest.fixture(scope="session")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ner/model-best and sentiment/model-best, as the quickstart has it."""
    folder = tmp_path_factory.mktemp("training")
    for name in ("ner", "sentiment"):
        (folder / name).mkdir()
    options = {"spans_key": "seqrnn_ner", "model": small_ner()}
    nlp = train("seqrnn_ner", options, entities())
    development = folder / "ner" / "dev.spacy"  # which `spacy train` leaves in the config
    gold = [Example.from_dict(nlp.make_doc(text), truth).reference for text, truth in entities()]
    DocBin(docs=gold).to_disk(development)
    nlp.config["paths"]["dev"] = str(development)
    nlp.to_disk(folder / "ner" / "model-best")
    options = {"model": small_textcat(True, pooling=["max", "attention"])}
    train("textcat", options, sentiment()).to_disk(folder / "sentiment" / "model-best")
    return folder


def train(
    factory: str, options: dict[str, Any], gold: list[tuple[str, dict[str, Any]]]
) -> Language:
    """A pipeline of one component."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, config=options)
    examples = [Example.from_dict(nlp.make_doc(text), truth) for text, truth in gold]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(8):
        for batch in minibatch(examples, 20):
            nlp.update(batch, sgd=optimizer)
    return nlp


def entities() -> list[tuple[str, dict[str, Any]]]:
    """Sentences with their entities."""
    text = (ASSETS / "ner" / "train.conll").read_text(encoding="utf8")
    docs = conll_ner_to_docs(text, n_sents=1, no_print=True)
    return [
        (doc.text, {"entities": [(e.start_char, e.end_char, e.label_) for e in doc.ents]})
        for doc in islice(docs, MOST_SENTENCES)
    ]


def sentiment() -> list[tuple[str, dict[str, Any]]]:
    """Sentences with their sentiment."""
    lines = (ASSETS / "sentiment" / "train.jsonl").read_text(encoding="utf8").splitlines()
    records = [json.loads(line) for line in lines[:MOST_SENTENCES]]
    names = ("positive", "negative")
    return [
        (each["text"], {"cats": {name: float(each["label"] == name) for name in names}})
        for each in records
    ]
