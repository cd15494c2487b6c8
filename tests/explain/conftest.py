"""Pipelines with random weights: what is true of a model must be true of any."""

from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import fix_random_seed

from ..conftest import gold_docs
from ..small import small_ner, small_textcat

TEXT = "Mira Holt likes Oslo."


def pipeline(factory: str, model: dict[str, Any]) -> Language:
    """A pipeline of one component with weights that are not 0 anywhere."""
    fix_random_seed(1)
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe(factory, config={"model": model})
    nlp.initialize(
        lambda: [Example(nlp.make_doc(gold.text), gold) for gold in gold_docs(nlp.vocab)]
    )
    if factory == "seqrnn_ner":
        pipe.cfg["unseen_labels"] = []  # as after training
    for node in pipe.model.walk():
        for name in node.param_names:
            param = node.get_param(name)
            node.set_param(name, param + node.ops.xp.random.normal(0, 0.3, param.shape).astype("f"))
    return nlp


@pytest.fixture(scope="session")
def ner() -> Language:
    return pipeline("seqrnn_ner", small_ner())


@pytest.fixture(scope="session")
def textcat() -> Language:
    return pipeline("textcat", small_textcat(True, pooling=["max", "attention", "mean"]))
