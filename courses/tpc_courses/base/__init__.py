"""Where things lie, how a problem is told, what a local time means."""
