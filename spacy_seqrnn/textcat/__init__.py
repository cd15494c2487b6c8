"""Text categories, beside spaCy's own components for them."""
