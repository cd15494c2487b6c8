"""The entity recogniser."""
