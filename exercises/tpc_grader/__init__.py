"""Release, collection, grading and feedback on top of nbgrader."""
