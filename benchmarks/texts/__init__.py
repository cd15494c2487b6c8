"""Text classifiers on many corpora and two sizes of training data, beside spaCy's three."""
