"""Brings lessons into a person's home and keeps what they changed."""
