"""Measurements: `python -m benchmarks.NAME`. The tests assert no timing."""
