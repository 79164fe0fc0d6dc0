"""Benchmarks: each module measures both sides in one run and returns plain data for JSON."""
