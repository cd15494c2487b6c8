"""The package's name and version, kept where the build can read them without importing torch."""

__title__ = "spacy-seqrnn"
__version__ = "0.1.0"
