"""A preloaded process that forks on request, and who asks it."""
