"""The files of results of these measurements."""

from pathlib import Path
from typing import Any

import srsly

from ..accuracy.results import write_result
from ..environment import describe_environment

RESULTS = Path(__file__).parent / "results"
PAGE = Path("docs/trust.md")


def keep(result: dict[str, Any], *parts: str | int) -> None:
    """Save a result with the machine and the versions it was measured with."""
    write_result({**result, "environment": describe_environment()}, *parts, folder=RESULTS)


def kept(name: str) -> list[dict[str, Any]]:
    """All results whose file names begin with `name`."""
    return [srsly.read_json(path) for path in sorted(RESULTS.glob(f"{name}-*.json"))]
