"""The frame around a page."""
