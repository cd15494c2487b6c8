"""Saved pipelines, and texts of which some cannot be annotated."""

from pathlib import Path

import pytest
import spacy
import srsly

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
