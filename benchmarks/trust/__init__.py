"""Measurements for the promises in docs/trust.md."""
