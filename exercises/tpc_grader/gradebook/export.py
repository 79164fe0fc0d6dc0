"""`nbgrader export`: nbgrader's own columns, of scores that are up to date and in a file that is safe to open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, Student
from nbgrader.plugins import ExportPlugin
from tpc_courses.sources.manifest import current_courses

from tpc_grader.database.attendance import gone
from tpc_grader.gradebook.penalties import course_at_the_door, settle_course
from tpc_grader.grades.spreadsheet import csv_bytes
from tpc_grader.results.points import exact

COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


class ToldExport(ExportPlugin):
    """Writes what nbgrader's CSV exporter writes, after telling the gradebook what it may not have heard of."""

    def export(self, gradebook: Gradebook) -> None:
        """Write the CSV to where `--to` says, by default `grades.csv`."""
        places, name = course_at_the_door(self.config)
        settle_course(places, current_courses(places)[name])
        gradebook.db.expire_all()
        left = gone(places, name)
        students, exercises = ({str(each) for each in chosen} for chosen in (self.student, self.assignment))
        rows = [
            _row(assignment, student)
            for assignment in gradebook.assignments
            for student in gradebook.students
            if student.id not in left
            and (not exercises or assignment.name in exercises)
            and (not students or student.id in students)
        ]
        path = Path(self.to or "grades.csv")
        path.write_bytes(csv_bytes(rows, COLUMNS))
        self.log.info("Exported %d grades to %s", len(rows), path)


def _row(assignment: Assignment, student: Student) -> dict[str, Any]:
    """Return one line; who handed in nothing has 0 points, as in nbgrader's own exporter."""
    found = next((each for each in student.submissions if each.assignment_id == assignment.id), None)
    raw, penalty = (found.score, found.late_submission_penalty) if found else (0.0, 0.0)
    return {
        "assignment": assignment.name,
        "duedate": assignment.duedate,
        "timestamp": found.timestamp if found else None,
        "student_id": student.id,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "email": student.email,
        "raw_score": raw,
        "late_submission_penalty": penalty,
        "score": max(exact(0.0), exact(raw) - exact(penalty)),
        "max_score": assignment.max_score,
    }
