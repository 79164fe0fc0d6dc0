"""nbgrader's course folders: configuration, release, tried solutions, recorded results."""
