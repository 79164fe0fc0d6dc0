"""What a graded notebook tells its student."""
