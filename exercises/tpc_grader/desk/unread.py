"""What of an exercise nobody has read yet, for who is about to release it, or just did."""

from __future__ import annotations

from dataclasses import dataclass

from tpc_courses.base.places import Places
from tpc_courses.base.words import counted

from tpc_grader.database.attendance import gone
from tpc_grader.grades.scores import class_scores


@dataclass(frozen=True)
class Unread:
    """How many parts wait for a person, and of how many students."""

    parts: int = 0
    students: int = 0

    def __str__(self) -> str:
        """Return it in words."""
        parts, students = counted(self.parts, "part"), counted(self.students, "student")
        return f"{parts} of {students} still {'waits' if self.parts == 1 else 'wait'} for a person to grade"


def unread(places: Places, course: str, exercise: str) -> Unread:
    """Return what waits for a person in an exercise."""
    left = gone(places, course)
    waiting = [
        total.by_hand
        for (student, slug), total in class_scores(places, course).items()
        if slug == exercise and total.by_hand and student not in left
    ]
    return Unread(sum(waiting), len(waiting))
