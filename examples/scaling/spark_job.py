"""Annotate Parquet files with Spark: `spark-submit spark_job.py MODEL TEXTS OUTPUT`.

TEXTS is a folder of Parquet files with the columns `id` and `text`. OUTPUT is replaced by two
folders: `failed=false` with the annotation, `failed=true` with rows without it and the reason.
"""

import os
import sys

# Spark's workers take the first `python3` that they find, unless this names theirs.
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)

from pyspark.sql import SparkSession
from pyspark.sql.functions import col
from pyspark.sql.pandas.types import from_arrow_schema

from spacy_seqrnn import annotator


def main(model: str, texts: str, output: str) -> None:
    """Run the job where `spark-submit` says, or else on this machine's cores."""
    spark = SparkSession.builder.appName("annotate").getOrCreate()
    annotate = annotator(model, id_column="id")
    rows = spark.read.parquet(texts).select("id", "text")
    schema = from_arrow_schema(annotate.schema(rows.limit(0).toArrow().schema))
    # Each of Spark's Python processes loads the pipeline once, for all batches that it gets.
    annotated = rows.mapInArrow(annotate, schema)
    # In one go: each further `write` would annotate all texts again.
    annotated = annotated.withColumn("failed", col("error").isNotNull())
    annotated.write.mode("overwrite").partitionBy("failed").parquet(output)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
