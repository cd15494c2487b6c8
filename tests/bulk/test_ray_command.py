"""`spacy seqrnn annotate --engine ray`: the same files as with processes of this machine."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_seqrnn.bulk.engines import run_on_ray
from spacy_seqrnn.bulk.manifest import FILE

from .outputs import expected, files_of, rows_of
from .test_command import REJECTED, annotate

ray = pytest.importorskip("ray", reason="Ray is not installed")
cluster_utils = pytest.importorskip("ray.cluster_utils")
pytestmark = pytest.mark.slow


def work(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen")
    return 2 * number


def test_tasks_and_their_errors() -> None:
    """They are taken as they are needed, and an error ends all."""
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(14):
            taken.append(number)
            yield number

    results = run_on_ray(work, tasks(), workers=2, address=None, gpus=0)
    found = {next(results)}
    assert taken == [0, 1]
    with pytest.raises(ValueError, match="thirteen"):
        found.update(results)
    missing = {2 * number for number in range(13)} ^ found
    assert len(missing) <= 1  # what the other worker runs beside 13, however long it has run
    assert not ray.is_initialized()


def devices(_task: int) -> tuple[str, str]:
    """The cluster of a task, and the GPUs that it sees."""
    address = ray.get_runtime_context().gcs_address
    return address, os.environ.get("CUDA_VISIBLE_DEVICES", "")


def test_a_cluster_that_is_there() -> None:
    """It is used and left running, and a task gets a GPU of its own if it asks for one."""
    cluster = cluster_utils.Cluster(True, head_node_args={"num_cpus": 2, "num_gpus": 2})
    try:
        for gpus, seen in ((0, {""}), (1, {"0", "1"})):
            options: dict[str, Any] = {"workers": None, "address": cluster.address, "gpus": gpus}
            found = list(run_on_ray(devices, range(8), **options))
            assert {address for address, _ in found} == {cluster.address}
            assert {gpu for _, gpu in found} <= seen
    finally:
        cluster.shutdown()


def test_there_is_no_gpu() -> None:
    with pytest.raises(ValueError, match="The Ray cluster has no GPU"):
        list(run_on_ray(work, [1], workers=None, address=None, gpus=1))


def test_nothing_answers(rules: str, texts: Path, tmp_path: Path) -> None:
    options = ("--engine", "ray", "--address", "127.0.0.1:1")
    printed = annotate(rules, texts, tmp_path / "out", *options, code=1)
    assert "No Ray cluster answers at `--address 127.0.0.1:1`" in printed


def test_the_command(rules: str, texts: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "ray", tmp_path / "local"]
    options: list[Any] = ["--id-column", "id", "--part-mb", 0.001]
    annotate(rules, texts, outputs[0], *options, "--engine", "ray")
    annotate(rules, texts, outputs[1], *options, "--workers", 1)
    assert files_of(outputs[0]) == files_of(outputs[1])
    assert rows_of(outputs[0]) == expected(rules)
    manifest = outputs[0] / FILE
    manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[:3]))
    annotate(rules, texts, outputs[0], *options, "--engine", "ray", "--resume", code=REJECTED)
    assert files_of(outputs[0]) == files_of(outputs[1])
