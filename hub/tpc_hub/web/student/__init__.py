"""Pages of a student."""
