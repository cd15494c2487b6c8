"""Recurrent networks for spaCy: encoders, a BiLSTM-CRF entity recogniser, text classifiers."""

from .about import __version__

__all__ = ["__version__"]
