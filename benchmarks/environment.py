"""What a figure depends on besides the code."""

import os
import platform
from importlib.metadata import version
from typing import Any

import torch

PACKAGES = ["spacy-seqrnn", "spacy", "thinc", "torch", "numpy"]


def describe_environment() -> dict[str, Any]:
    """Machine, threads and versions, for the head of every result."""
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    """The processor's name, if the system provides it; `platform` does not on Linux.

    With its family and model: one name often covers machines of different speed.
    """
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            lines = [line.split(":", 1) for line in file if ":" in line]
        of = {name.strip(): value.strip() for name, value in reversed(lines)}
        return f"{of['model name']} (family {of['cpu family']}, model {of['model']})"
    except (OSError, KeyError):
        return platform.processor()
