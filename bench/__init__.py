"""Benchmarks: figures next to a floor measured in the same run, never timed tests."""
