"""Saved pipelines, and texts of which some cannot be annotated."""

from pathlib import Path

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc

from spacy_seqrnn.bulk.annotator import Annotator, annotator

from .pipelines import save_pipeline

TEXTS = [
    "Maria Schneider joined Siemens in Munich.",
    "Nothing to see here.",
    "",
    "Ünïcödé 😀 from Munich, and Siemens again",
    "Siemens",
]
ROWS = 300
BAD = {7: '{"id": 7, "text": null}', 83: "{not JSON", 84: '{"id": 84}', 211: '{"text": 3}'}


FAIL = "annotate me if you can"


@Language.component("test_bulk_rules", assigns=["doc.cats"])
def fallible_rules(doc: Doc) -> Doc:
    """Set categories by the length of a document, and fail at one text."""
    if doc.text == FAIL:
        raise RuntimeError("cannot annotate")
    doc.cats = {"LONG": float(len(doc) > 5), "SHÖRT": 1 / (1 + len(doc))}
    return doc


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a pipeline that finds three names."""
    nlp = spacy.blank("en")
    names = {"PER": "Maria Schneider", "ORG": "Siemens", "LOC": "Munich"}
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": name} for label, name in names.items()])  # type: ignore[attr-defined]
    folder = tmp_path_factory.mktemp("pipeline") / "rules"
    nlp.to_disk(folder)
    return str(folder)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Rows of JSON, a few of which are no texts."""
    rows = [srsly.json_dumps({"id": i, "text": TEXTS[i % len(TEXTS)]}) for i in range(ROWS)]
    for row, line in BAD.items():
        rows[row] = line
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(rows), encoding="utf8")
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pipeline with every kind of annotation."""
    folder = tmp_path_factory.mktemp("bulk") / "model"
    save_pipeline(folder)
    return folder


@pytest.fixture(scope="session")
def fallible(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a pipeline that fails at one text."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(  # type: ignore[attr-defined]  # a component is no mere function
        [{"label": "CITY", "pattern": "Oslo"}, {"label": "PERSON", "pattern": "Mira Holt"}]
    )
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("test_bulk_rules")
    folder: Path = tmp_path_factory.mktemp("bulk") / "fallible"
    nlp.to_disk(folder)
    return str(folder)


@pytest.fixture(scope="session")
def rule_annotator(fallible: str) -> Annotator:
    """The annotator of that pipeline, with all columns that it sets."""
    return annotator(fallible)
