"""The files of results of the benchmark of language models."""

from pathlib import Path
from typing import Any

import srsly

from ..accuracy.results import write_result
from ..environment import describe_environment

RESULTS = Path(__file__).parent / "results"


def keep(name: str, result: dict[str, Any]) -> None:
    """Save a result with the machine and the versions it was measured with."""
    write_result({**result, "environment": describe_environment()}, name, folder=RESULTS)


def kept(name: str) -> list[dict[str, Any]]:
    """A result, if there is one."""
    path = RESULTS / f"{name}.json"
    return [srsly.read_json(path)] if path.exists() else []
