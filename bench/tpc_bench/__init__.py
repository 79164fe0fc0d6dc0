"""Benchmarks and experiments. Not in the wheel."""
