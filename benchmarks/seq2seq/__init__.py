"""Benchmarks of what writes texts for texts."""
