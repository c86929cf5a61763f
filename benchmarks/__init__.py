"""Benchmarks: one file a hot path, each prints ratios within one run."""
