"""The files of results of the benchmark of bulk annotation."""

from pathlib import Path
from typing import Any

import srsly

from ..accuracy.results import write_result
from ..environment import describe_environment

RESULTS = Path(__file__).parent / "results"
PAGE = Path("docs/scaling.md")


def keep(name: str, result: dict[str, Any]) -> None:
    """Save a result with the machine and the versions it was measured with."""
    write_result({**result, "environment": describe_environment()}, name, folder=RESULTS)


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = srsly.read_json(RESULTS / f"{name}.json")
    return found
