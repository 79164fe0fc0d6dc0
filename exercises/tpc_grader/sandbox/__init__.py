"""Confined processes for one submission, and what they say, bounded and cleaned."""
