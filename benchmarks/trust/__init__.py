"""Measurements behind the promises on docs/trust.md."""
