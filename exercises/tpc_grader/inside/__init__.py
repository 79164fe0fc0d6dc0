"""What runs in the box with the student's code."""
