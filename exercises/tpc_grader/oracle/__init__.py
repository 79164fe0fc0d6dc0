"""Hidden tests, away from the student's code."""
