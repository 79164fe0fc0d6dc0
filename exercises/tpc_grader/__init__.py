"""Intake, sandboxed grading and feedback on top of nbgrader."""
