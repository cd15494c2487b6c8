"""What all engines read, and the surroundings of their workers."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from spacy_seqrnn import Annotator, annotator
from spacy_seqrnn.bulk.columns import COLUMNS

from .rows import FIRST, KEPT, ROOT, expect_rows, write_rows


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Parquet files."""
    folder = tmp_path_factory.mktemp("engines") / "texts"
    write_rows(folder)
    return folder


@pytest.fixture(scope="session")
def expected(model: Path) -> dict[int, dict[str, Any]]:
    return expect_rows(model)


@pytest.fixture(scope="session")
def first_expected(model: Path) -> dict[int, dict[str, Any]]:
    """The first rows, with one text in a batch."""
    return expect_rows(model, FIRST, batch_size=1)


@pytest.fixture(scope="session")
def annotate_singly(annotate: Annotator) -> Annotator:
    return replace(annotate, batch_size=1)


@pytest.fixture(scope="session")
def annotate(model: Path) -> Annotator:
    return annotator(str(model), id_column="id", keep=KEPT, columns=list(COLUMNS))


@pytest.fixture(scope="module")
def surroundings() -> Iterator[None]:
    """Of workers: this package, and the number of threads that the engine wants, not the tests.

    All of the environment is restored, since engines change this process's too: a cluster of Dask
    leaves MKL_NUM_THREADS=1 behind.
    """
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with patch.dict(os.environ):
        os.environ.pop("OMP_NUM_THREADS", None)
        os.environ["PYTHONPATH"] = os.pathsep.join(path)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        yield
