"""Experiments: notebooks that make the data which lessons ship."""
