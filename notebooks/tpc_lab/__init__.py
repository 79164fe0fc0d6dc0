"""The library that lessons import."""
