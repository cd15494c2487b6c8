"""Ray gives the same annotation as one process, with tasks and with actors."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from spacy_seqrnn import Annotator

from .rows import FIRST, check, check_job, read_rows, run_job

ray = pytest.importorskip("ray", reason="Ray is not installed")
data = pytest.importorskip("ray.data", reason="Ray's library of data is not installed")
pytestmark = pytest.mark.slow
N_CPUS, N_ACTORS = 3, 2  # actors keep a core each, and something has to read and write


@pytest.fixture(scope="module", autouse=True)
def _cluster(surroundings: None) -> Iterator[None]:
    """Processes on this machine, as a cluster has them on many."""
    ray.init(
        num_cpus=N_CPUS,
        include_dashboard=False,
        object_store_memory=200_000_000,
        logging_level="error",
        log_to_driver=False,
    )
    data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.mark.parametrize("batch_size", [100, None])
def test_tasks(
    annotate: Annotator,
    texts: Path,
    expected: dict[int, dict[str, Any]],
    tmp_path: Path,
    batch_size: int | None,
) -> None:
    rows = data.read_parquet(str(texts)).repartition(6)
    annotated = rows.map_batches(annotate, batch_format="pyarrow", batch_size=batch_size)
    annotated.write_parquet(str(tmp_path))
    check(tmp_path, annotate, expected)


def test_actors(
    annotate: Annotator, texts: Path, expected: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    rows = data.read_parquet(str(texts)).repartition(6)  # so that both actors have some
    rows.map_batches(
        Annotator,
        fn_constructor_kwargs=asdict(annotate),
        batch_format="pyarrow",
        batch_size=200,
        compute=data.ActorPoolStrategy(size=N_ACTORS),
    ).write_parquet(str(tmp_path))
    check(tmp_path, annotate, expected)


def test_frames(
    annotate: Annotator, texts: Path, expected: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    rows = data.read_parquet(str(texts))
    rows.map_batches(annotate, batch_format="pandas").write_parquet(str(tmp_path))
    check(tmp_path, annotate, expected)


def test_empty_blocks_and_the_last_digit(
    annotate_singly: Annotator,
    texts: Path,
    first_expected: dict[int, dict[str, Any]],
    tmp_path: Path,
) -> None:
    rows = data.read_parquet(str(texts)).repartition(6).filter(expr=f"id < {len(FIRST)}")
    annotated = rows.map_batches(annotate_singly, batch_format="pyarrow", batch_size=60)
    annotated.write_parquet(str(tmp_path))
    assert read_rows(tmp_path) == first_expected


def test_rays_own_batches_are_rejected(annotate: Annotator, texts: Path) -> None:
    rows = data.read_parquet(str(texts)).map_batches(annotate)
    with pytest.raises(Exception, match=r"type dict.*with batch_format='pyarrow'"):
        rows.materialize()


def test_a_worker_has_one_thread() -> None:
    def threads(batch: pa.Table) -> pa.Table:
        import torch  # noqa: PLC0415

        omp = os.environ["OMP_NUM_THREADS"]
        return pa.table({"threads": [torch.get_num_threads()], "omp": [omp]})

    class Threads:
        def __call__(self, batch: pa.Table) -> pa.Table:
            return threads(batch)

    rows = data.range(10)
    actors = {"compute": data.ActorPoolStrategy(size=1)}
    for function, options in ((threads, {}), (Threads, actors)):
        found = rows.map_batches(function, batch_format="pyarrow", **options).take_all()
        assert {(row["threads"], row["omp"]) for row in found} == {(1, "1")}


def test_the_job(
    model: Path, texts: Path, expected: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    run_job("ray", model, texts, tmp_path / "output")
    check_job(tmp_path / "output", expected)
