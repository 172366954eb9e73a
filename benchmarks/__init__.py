"""Benchmarks: `python -m benchmarks` runs all, `python -m benchmarks engine` one; never part of the tests."""
