"""Calls of Linux that Python has no function for."""
