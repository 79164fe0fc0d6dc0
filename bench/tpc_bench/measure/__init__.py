"""Hubs, books and figures that benchmarks compare."""
