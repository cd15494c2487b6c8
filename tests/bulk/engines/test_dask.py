"""Dask gives the same annotation as one process, in threads, in processes and on a cluster."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from spacy_seqrnn import Annotator

from .rows import FIRST, GROUP_ROWS, N_ROWS, check, check_job, read_rows, run_job

dask = pytest.importorskip("dask", reason="Dask is not installed")
frames = pytest.importorskip("dask.dataframe", reason="Dask's data frames are not installed")
distributed = pytest.importorskip("distributed", reason="Dask's clusters are not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["threads", "processes", "cluster"])
def scheduler(request: pytest.FixtureRequest, surroundings: None) -> Iterator[str]:
    """Each way in which Dask computes."""
    if request.param == "cluster":
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        )
        with cluster, distributed.Client(cluster):
            yield "cluster"
    else:
        with dask.config.set(scheduler=request.param, num_workers=2):
            yield request.param


def read(texts: Path) -> Any:
    rows = frames.read_parquet(str(texts), split_row_groups=True)
    assert rows.npartitions == N_ROWS // GROUP_ROWS
    return rows


def test_partitions(
    scheduler: str,
    annotate: Annotator,
    texts: Path,
    expected: dict[int, dict[str, Any]],
    tmp_path: Path,
) -> None:
    rows = read(texts)
    annotated = rows.map_partitions(annotate, meta=annotate(rows._meta))
    annotated.to_parquet(str(tmp_path), write_index=False)
    check(tmp_path, annotate, expected)


def test_empty_partitions_and_the_last_digit(
    annotate_singly: Annotator,
    texts: Path,
    first_expected: dict[int, dict[str, Any]],
    tmp_path: Path,
) -> None:
    rows = read(texts)
    rows = rows[rows["id"] < len(FIRST)]
    annotated = rows.map_partitions(annotate_singly, meta=annotate_singly(rows._meta))
    annotated.to_parquet(str(tmp_path), write_index=False)
    assert read_rows(tmp_path) == first_expected


def test_the_types_that_dask_finds_out_by_itself(annotate: Annotator, texts: Path) -> None:
    rows = read(texts)
    annotated = rows.map_partitions(annotate)
    assert annotated.dtypes.equals(annotate(rows._meta).dtypes)
    assert annotated.partitions[0].compute().dtypes.equals(annotated.dtypes)


def test_the_threads_of_a_worker(scheduler: str, texts: Path) -> None:
    def threads(rows: Any) -> Any:
        import torch  # noqa: PLC0415

        omp = str(os.environ.get("OMP_NUM_THREADS"))
        return rows[:1].assign(id=torch.get_num_threads(), source=omp)

    rows = frames.read_parquet(str(texts), columns=["id", "source"])
    found = rows.map_partitions(threads, meta=rows._meta).compute()
    wanted = {
        "threads": (torch.get_num_threads(), "None"),
        # As many as the machine has cores, in each process: OMP_NUM_THREADS has to be set.
        "processes": (os.cpu_count(), "None"),
        "cluster": (1, "1"),
    }
    assert set(zip(found["id"], found["source"], strict=True)) == {wanted[scheduler]}


def test_the_job(
    surroundings: None,
    model: Path,
    texts: Path,
    expected: dict[int, dict[str, Any]],
    tmp_path: Path,
) -> None:
    run_job("dask", model, texts, tmp_path / "output")
    check_job(tmp_path / "output", expected)
