"""What grading gives: outcomes, points."""
