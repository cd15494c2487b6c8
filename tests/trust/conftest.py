"""What several tests of saved pipelines begin with."""

from pathlib import Path

import pytest
from spacy.language import Language


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the test module's own `nlp`."""
    path = tmp_path_factory.mktemp("saved") / "pipeline"
    nlp.to_disk(path)
    return path
