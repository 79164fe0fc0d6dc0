"""Every version of an exercise, and a submission rebuilt on it."""
