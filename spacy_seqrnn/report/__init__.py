"""What `spacy seqrnn report` shows of a trained pipeline: curves, scores, errors."""
