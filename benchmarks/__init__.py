"""Measurements: `python -m benchmarks.NAME`. Timing is asserted nowhere in the tests; it lives here."""
