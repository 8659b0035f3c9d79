"""Benchmarks: each prints its figures beside their limits from the same run."""
