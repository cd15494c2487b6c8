"""The same work with each engine: read Parquet, annotate, write Parquet, with two workers."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from spacy_seqrnn import Annotator
from spacy_seqrnn.bulk.engines import OBJECTS_BETWEEN_SEARCHES, run_locally
from spacy_seqrnn.bulk.run import Request, annotate_files

WORKERS = 2


@dataclass(frozen=True)
class Engine:
    """How an engine is started, and how it annotates.

    start: from nothing to what a job needs, which ends with the context.
    run: annotates the texts of a folder into another one, with what `start` gives.
    packages: those whose versions a result names.
    """

    start: Callable[[], AbstractContextManager[Any]]
    run: Callable[[Any, Annotator, Path, Path], None]
    packages: tuple[str, ...]


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _one_process(_: None, annotate: Annotator, texts: Path, output: Path) -> None:
    output.mkdir()
    for path in sorted(texts.iterdir()):
        pq.write_table(annotate(pq.read_table(path)), output / path.name)


def _own_workers(_: None, annotate: Annotator, texts: Path, output: Path) -> None:
    """As the command does it; each time, the workers start and load the pipeline."""
    request = Request(annotate.model, (str(texts),), output, id_column=annotate.kept[0])
    engine = partial(run_locally, workers=WORKERS)
    annotate_files(request, engine, resume=False, max_errors=None)


@contextmanager
def _ray() -> Iterator[None]:
    import ray  # noqa: PLC0415

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=WORKERS, include_dashboard=False, logging_level="error")
    yield
    ray.shutdown()


def _with_ray(_: None, annotate: Annotator, texts: Path, output: Path) -> None:
    from ray.data import read_parquet  # noqa: PLC0415

    # Else Ray gives small files to one worker.
    rows = read_parquet(str(texts)).repartition(4 * WORKERS)
    rows.map_batches(annotate, batch_format="pyarrow").write_parquet(str(output))


@contextmanager
def _spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession  # noqa: PLC0415

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master(f"local[{WORKERS}]").getOrCreate()
    yield session
    session.stop()


def _with_spark(spark: Any, annotate: Annotator, texts: Path, output: Path) -> None:
    from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415

    rows = spark.read.parquet(str(texts))
    schema = from_arrow_schema(annotate.schema(rows.limit(0).toArrow().schema))
    rows.mapInArrow(annotate, schema).write.parquet(str(output))


@contextmanager
def _dask() -> Iterator[None]:
    import dask  # noqa: PLC0415
    from distributed import Client  # noqa: PLC0415

    # Both as docs/scaling.md advises
    dask.config.set({"distributed.worker.profile.enabled": False})
    with Client(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as client:
        client.run(gc.set_threshold, OBJECTS_BETWEEN_SEARCHES)
        yield


def _with_dask(_: None, annotate: Annotator, texts: Path, output: Path) -> None:
    from dask.dataframe import read_parquet  # noqa: PLC0415

    rows = read_parquet(str(texts))
    annotated = rows.map_partitions(annotate, meta=annotate(rows._meta))
    annotated.to_parquet(str(output), write_index=False)


OWN = "2 workers of `annotate`"
ENGINES = {
    "one process": Engine(_nothing, _one_process, ()),
    OWN: Engine(_nothing, _own_workers, ()),
    "Ray": Engine(_ray, _with_ray, ("ray",)),
    "Spark": Engine(_spark, _with_spark, ("pyspark",)),
    "Dask": Engine(_dask, _with_dask, ("dask", "distributed", "pandas")),
}
