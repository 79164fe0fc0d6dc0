"""Fast, confined processes for student servers, kernels and grading jobs."""
