"""nbgrader's gradebook: opened, kept in step with our scores, exported."""
