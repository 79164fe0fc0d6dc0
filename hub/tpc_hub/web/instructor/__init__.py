"""Pages of an instructor."""
