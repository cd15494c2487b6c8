"""A saved pipeline with every kind of annotation."""

from pathlib import Path

import pytest

from .pipelines import save_pipeline


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pipeline is."""
    folder = tmp_path_factory.mktemp("bulk") / "model"
    save_pipeline(folder)
    return folder
