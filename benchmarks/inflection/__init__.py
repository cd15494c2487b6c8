"""Benchmarks of inflection."""
