"""`spacy seqrnn …`. spaCy imports this on every call, so it imports nothing heavy itself."""

from ..cli import calibrate, convert, init_config, report, train  # noqa: F401  # they add their commands
from .app import seqrnn_cli

__all__ = ["seqrnn_cli"]
