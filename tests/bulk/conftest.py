"""A pipeline of rules, which annotates quickly and always in the same way."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_seqrnn.bulk.annotator import Annotator, annotator

FAIL = "annotate me if you can"


@Language.component("test_bulk_rules", assigns=["doc.cats"])
def rules(doc: Doc) -> Doc:
    """Set categories by the length of a document, and fail at one text."""
    if doc.text == FAIL:
        raise RuntimeError("cannot annotate")
    doc.cats = {"LONG": float(len(doc) > 5), "SHÖRT": 1 / (1 + len(doc))}
    return doc


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of the pipeline."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(  # type: ignore[attr-defined]  # a component is no mere function
        [{"label": "CITY", "pattern": "Oslo"}, {"label": "PERSON", "pattern": "Mira Holt"}]
    )
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("test_bulk_rules")
    folder: Path = tmp_path_factory.mktemp("bulk") / "pipeline"
    nlp.to_disk(folder)
    return str(folder)


@pytest.fixture(scope="session")
def rule_annotator(model: str) -> Annotator:
    """The annotator of the pipeline, with all columns that it sets."""
    return annotator(model)
