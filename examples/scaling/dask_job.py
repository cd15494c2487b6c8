"""Annotate Parquet files with Dask: `python dask_job.py MODEL TEXTS OUTPUT [SCHEDULER]`.

TEXTS is a folder of Parquet files with the columns `id` and `text`. OUTPUT is replaced by two
folders: `failed=False` with the annotation, `failed=True` with rows without it and the reason.
"""

import gc
import sys

import dask
import dask.dataframe as dd
from distributed import Client

from spacy_seqrnn import annotator


def main(model: str, texts: str, output: str, scheduler: str | None = None) -> None:
    """Run the job on the cluster of a scheduler, or else on this machine's cores.

    scheduler: address of the scheduler, such as tcp://host:8786.
    """
    # Else a worker looks at what it computes every 10 ms, which takes time.
    dask.config.set({"distributed.worker.profile.enabled": False})
    client = Client(scheduler) if scheduler else Client(threads_per_worker=1)
    # Else they often search the whole pipeline for cycles of objects.
    client.run(gc.set_threshold, 10_000)
    annotate = annotator(model, id_column="id")
    rows = dd.read_parquet(texts, columns=["id", "text"], split_row_groups="adaptive")
    # Each of Dask's processes loads the pipeline once, for all partitions that it gets. The types
    # of the output are those of an empty frame: Dask would find them out with invented texts.
    annotated = rows.map_partitions(annotate, meta=annotate(rows._meta))
    # In one go: each further `to_parquet` would annotate all texts again.
    annotated = annotated.assign(failed=annotated["error"].notnull())
    annotated.to_parquet(output, partition_on="failed", write_index=False, overwrite=True)
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
