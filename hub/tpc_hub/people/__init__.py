"""Who is who, and who is in which course."""
