"""`spacy seqrnn annotate --engine ray`: the same files as with processes of this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_seqrnn.bulk.engines import run_on_ray
from spacy_seqrnn.bulk.manifest import FILE

from .outputs import expected, files_of, rows_of
from .test_command import REJECTED, annotate

ray = pytest.importorskip("ray", reason="Ray is not installed")
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
    found = [next(results)]
    assert taken == [0, 1]
    with pytest.raises(ValueError, match="thirteen"):
        found.extend(results)
    assert set(found) | {24} == {2 * number for number in range(13)}  # 12 runs beside 13
    assert not ray.is_initialized()


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
