"""nbgrader's exchange, over HTTP instead of a shared folder."""
