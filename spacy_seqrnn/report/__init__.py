"""What `spacy seqrnn report` shows of a trained pipeline: learning curves, scores, errors."""
