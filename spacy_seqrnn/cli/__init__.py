"""`spacy seqrnn …`. spaCy imports this at each of its calls, so it imports nothing heavy itself."""

from . import report  # noqa: F401  # adds its command
from .app import seqrnn_cli

__all__ = ["seqrnn_cli"]
