"""What waits to be graded, who is next, how long it takes."""
