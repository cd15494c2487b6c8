"""How accurate the project's recipes are, beside spaCy's own components with the same vectors."""
