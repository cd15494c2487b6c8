"""What a figure depends on beside the code."""

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
    """The processor's name where the system tells it, which `platform` does not on Linux."""
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.processor()
