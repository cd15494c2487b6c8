"""What a tensor passes through: Thinc layers without Doc or spaCy component."""
