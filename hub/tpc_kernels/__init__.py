"""Fast, confined processes: a preloaded process that forks, and the boxes it forks into."""
