"""How accurate the project's recipes are, compared with spaCy's own components and same vectors."""
