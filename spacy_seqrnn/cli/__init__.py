"""`spacy seqrnn …`. spaCy imports this on every call, so it imports nothing heavy itself."""

from ..cli import (  # noqa: F401  # they add their commands
    annotate,
    calibrate,
    compare,
    convert,
    generate,
    init_config,
    report,
    train,
    translate,
)
from .app import seqrnn_cli

__all__ = ["seqrnn_cli"]
