"""Spark gives the same annotation as one process, by way of Arrow and of pandas."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_seqrnn import Annotator

from .rows import FIRST, check, check_job, read_rows, run_job

sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed")
types = pytest.importorskip("pyspark.sql.pandas.types")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("java") is None and "JAVA_HOME" not in os.environ,
        reason="Spark needs Java (Debian: openjdk-17-jre-headless)",
    ),
]


@pytest.fixture(scope="module")
def spark(surroundings: None) -> Iterator[Any]:
    """Processes on this machine, as a cluster has them on many, in an odd time zone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = (
            sql.SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "localhost")
            .config("spark.sql.session.timeZone", "Asia/Kathmandu")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "300")
            # By default Spark writes times without their zone.
            .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
            .getOrCreate()
        )
        yield session
        session.stop()


def schema_of(annotate: Annotator, rows: Any) -> Any:
    return types.from_arrow_schema(annotate.schema(rows.limit(0).toArrow().schema))


@pytest.mark.parametrize("way", ["mapInArrow", "mapInPandas"])
def test_both_ways(
    spark: Any,
    annotate: Annotator,
    texts: Path,
    expected: dict[int, dict[str, Any]],
    tmp_path: Path,
    way: str,
) -> None:
    rows = spark.read.parquet(str(texts))
    annotated = getattr(rows, way)(annotate, schema_of(annotate, rows))
    annotated.write.parquet(str(tmp_path / "output"))
    check(tmp_path / "output", annotate, expected)


def test_empty_partitions_and_the_last_digit(
    spark: Any,
    annotate_singly: Annotator,
    texts: Path,
    first_expected: dict[int, dict[str, Any]],
    tmp_path: Path,
) -> None:
    rows = spark.read.parquet(str(texts)).where(f"id < {len(FIRST)}")  # leaves partitions empty
    rows = rows.union(rows.where("id < 0"))
    annotated = rows.mapInArrow(annotate_singly, schema_of(annotate_singly, rows))
    annotated.write.parquet(str(tmp_path / "output"))
    assert read_rows(tmp_path / "output") == first_expected


def test_spark_finds_its_way_in_the_annotation(
    spark: Any, annotate: Annotator, texts: Path, expected: dict[int, dict[str, Any]]
) -> None:
    rows = spark.read.parquet(str(texts))
    rows.mapInArrow(annotate, schema_of(annotate, rows)).createOrReplaceTempView("annotated")
    found = spark.sql(
        "SELECT entity.label, count(*) AS number, max(cats['GOOD']) AS most FROM annotated "
        "LATERAL VIEW explode(entities) AS entity GROUP BY entity.label"
    ).collect()
    labels = [span["label"] for row in expected.values() for span in row["entities"] or []]
    assert {row["label"]: row["number"] for row in found} == {
        label: labels.count(label) for label in set(labels)
    }
    assert all(0 <= row["most"] <= 1 for row in found)


def test_offsets_are_those_of_sql(spark: Any, annotate: Annotator, texts: Path) -> None:
    with_texts = replace(annotate, kept=("id", "text"))
    rows = spark.read.parquet(str(texts))
    annotated = rows.mapInArrow(with_texts, schema_of(with_texts, rows))
    annotated.createOrReplaceTempView("with_texts")
    (found,) = spark.sql(
        "SELECT count(*) AS number, "
        "sum(int(substring(text, entity.start + 1, entity.end - entity.start) = entity.text)) "
        "AS equal FROM with_texts LATERAL VIEW explode(entities) AS entity"
    ).collect()
    assert found["number"] == found["equal"] > 1000


def test_a_worker_has_one_thread(spark: Any) -> None:
    def threads(frames: Any) -> Any:
        import pandas  # noqa: PLC0415
        import torch  # noqa: PLC0415

        for _ in frames:
            omp = os.environ["OMP_NUM_THREADS"]
            yield pandas.DataFrame({"threads": [torch.get_num_threads()], "omp": [omp]})

    found = spark.range(100).mapInPandas(threads, "threads int, omp string").collect()
    assert {(row["threads"], row["omp"]) for row in found} == {(1, "1")}


def test_the_job(
    spark: Any, model: Path, texts: Path, expected: dict[int, dict[str, Any]], tmp_path: Path
) -> None:
    run_job("spark", model, texts, tmp_path / "output")
    check_job(tmp_path / "output", expected)
