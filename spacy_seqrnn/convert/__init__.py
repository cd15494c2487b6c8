"""Convert other programs' annotated files to spaCy's binary format, for `spacy seqrnn convert`."""
