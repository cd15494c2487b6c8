"""Pipelines saved by older versions of the package load and make the same predictions.

`tests/data/make_pipelines.py` saved them with the version whose commit their folder is named
after.
"""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import spacy
from spacy.language import Language
from thinc.api import Config

from ..data.make_pipelines import BYTES, PIPELINES, PREDICTIONS, TEXTS, predictions

DATA = Path(__file__).parents[1] / "data" / "d14f3a3"
NUMBERS = ("scores", "cats", "tensor")


@pytest.fixture(scope="module")
def expected() -> dict[str, list[dict[str, Any]]]:
    """The older version's predictions."""
    found: dict[str, list[dict[str, Any]]]
    found = json.loads((DATA / PREDICTIONS).read_text(encoding="utf8"))
    return found


@pytest.fixture(params=PIPELINES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def saved(name: str, tmp_path: Path) -> Path:
    """The files of one of the pipelines."""
    with ZipFile(DATA / f"{name}.zip") as file:
        file.extractall(tmp_path / "saved")
    return tmp_path / "saved"


def numbers(prediction: dict[str, Any]) -> np.ndarray:
    cats = list(prediction["cats"].values())
    return np.asarray([*prediction["scores"], *cats, *prediction["tensor"]])


def assert_predicts(nlp: Language, expected: list[dict[str, Any]]) -> None:
    found = predictions(nlp.pipe(TEXTS))
    for one, other in zip(found, expected, strict=True):
        assert {**one, **dict.fromkeys(NUMBERS)} == {**other, **dict.fromkeys(NUMBERS)}
        assert list(one["cats"]) == list(other["cats"])
        np.testing.assert_allclose(numbers(one), numbers(other), rtol=0, atol=1e-5)


def test_from_disk(name: str, saved: Path, expected: dict[str, Any], tmp_path: Path) -> None:
    nlp = spacy.load(saved)
    assert_predicts(nlp, expected[name])
    nlp.to_disk(tmp_path / "again")
    assert_predicts(spacy.load(tmp_path / "again"), expected[name])


def test_from_bytes(name: str, saved: Path, expected: dict[str, Any]) -> None:
    config = Config().from_disk(saved / "config.cfg")
    nlp = spacy.util.load_model_from_config(config).from_bytes((saved / BYTES).read_bytes())
    assert_predicts(nlp, expected[name])
    again = spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert_predicts(again, expected[name])


def test_they_predict_something(name: str, expected: dict[str, Any]) -> None:
    """Not empty, not the same for all texts, and with all degrees of certainty."""
    found = expected[name]
    assert [one["text"] for one in found] == TEXTS
    distinct = {json.dumps([one[key] for key in ("ents", "cats", "tags")]) for one in found}
    assert len(distinct) >= 10
    scores = np.concatenate([[*one["scores"], *one["cats"].values()] for one in found])
    assert (scores < 0.6).any()
    assert (scores > 0.8).any()
