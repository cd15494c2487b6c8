"""Fixtures that several tests of saved pipelines share."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from spacy.language import Language

from .folders import NOBODY, make


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the test module's own `nlp`."""
    path = tmp_path_factory.mktemp("saved") / "pipeline"
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def larger() -> Language:
    """Another pipeline, with a component that the first one does not have."""
    return make("tagger", "seqrnn_textcat")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can reach, with the folder "mine" for the user nobody."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "mine").mkdir()
    if os.getuid() == 0:
        os.chown(folder / "mine", NOBODY, NOBODY)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)
