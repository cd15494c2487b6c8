"""The configs that the project trains are the recipes that users get."""

import runpy
from pathlib import Path

import pytest

from .conftest import ROOT


def test_configs_are_made_of_the_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "scripts" / "make_configs.py"))["make_configs"]()
    made = {path.name: path.read_text() for path in Path("configs").iterdir()}
    assert made == {path.name: path.read_text() for path in (ROOT / "configs").iterdir()}
