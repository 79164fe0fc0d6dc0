"""What people ask of grading: hand in, more time, another look, a regrade, figures."""
