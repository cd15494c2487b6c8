"""The files of results of the speed benchmark."""

from pathlib import Path
from typing import Any

from ..accuracy.results import write_result
from ..environment import describe_environment

RESULTS = Path(__file__).parent / "results"


def keep(name: str, result: dict[str, Any]) -> None:
    """Save a result with the machine and the versions it was measured with."""
    write_result({**result, "environment": describe_environment()}, name, folder=RESULTS)
