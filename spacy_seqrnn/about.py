"""The package's name and version, in a file that the build reads without importing torch."""

__title__ = "spacy-seqrnn"
__version__ = "0.1.0"
