"""Annotated files of other programs to spaCy's binary format, for `spacy seqrnn convert`."""
