"""Benchmarks: each promise of speed as a ratio against a baseline measured in the same run."""
