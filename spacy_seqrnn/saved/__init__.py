"""Pipelines that are saved whole, and checked when they are loaded."""
