"""Lessons run, with their outputs, and what of them runs in a browser."""
