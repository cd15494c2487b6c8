"""Annotate Parquet files with Ray: `python ray_job.py MODEL TEXTS OUTPUT`.

TEXTS is a folder of Parquet files with the columns `id` and `text`. OUTPUT is replaced by two
folders: `failed=false` with the annotation, `failed=true` with rows without it and the reason.
"""

import sys

import ray
from ray.data import SaveMode
from ray.data.expressions import col

from spacy_seqrnn import annotator


def main(model: str, texts: str, output: str) -> None:
    """Run the job on the cluster that RAY_ADDRESS names, or else on this machine's cores."""
    annotate = annotator(model, id_column="id")
    rows = ray.data.read_parquet(texts).select_columns(["id", "text"])
    # Each of Ray's processes loads the pipeline once, for all batches that it gets.
    annotated = rows.map_batches(annotate, batch_format="pyarrow", batch_size=None)
    # In one go: each further `write_parquet` would annotate all texts again.
    annotated = annotated.with_column("failed", col("error").is_not_null())
    annotated.write_parquet(output, partition_cols=["failed"], mode=SaveMode.OVERWRITE)


if __name__ == "__main__":
    main(*sys.argv[1:])
