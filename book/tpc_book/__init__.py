"""Lessons to book pages: execution, rendering, feeds, checks."""
