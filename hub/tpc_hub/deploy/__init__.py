"""A campus started: built, configured, checked, kept running."""
