"""The real grading with less patience: what hangs is stopped after seconds, in any process that grades."""

from __future__ import annotations

from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course
from tpc_grader.grading import submission as grading
from tpc_grader.results.results import Graded
from tpc_grader.sandbox.limits import Limits
from tpc_grader.submissions.store import Submission

LIMITS = Limits(cell_seconds=2, total_seconds=8)


def run(
    places: Places,
    course: Course,
    submission: Submission,
    *,
    version: str | None = None,
    public: bool = False,
) -> Graded:
    """Grade a submission."""
    return grading.run(places, course, submission, version=version, public=public, limits=LIMITS)
