"""Who is asking, and what every page shares."""
