"""Jupyter Book's engine: from a folder of sources to syntax trees."""
