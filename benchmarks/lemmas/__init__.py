"""Lemmas, compared with spaCy's edit trees and Stanza's lemmatizer trained on the same treebank."""
