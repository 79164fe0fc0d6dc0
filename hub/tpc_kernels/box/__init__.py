"""What one process tree sees and may use, and the process that keeps it."""
