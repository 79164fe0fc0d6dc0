"""What the forms of an instructor share: who may send them, where they lead, and what is told afterwards."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.manifest import Course
from tpc_grader.submissions.archive import Refused

from tpc_hub.people import people
from tpc_hub.people.leaving import called
from tpc_hub.people.people import PeopleError, Person, members
from tpc_hub.web.session.identity import PREFIX, Visitor, campus_of, course_for
from tpc_hub.web.session.notices import Notices
from tpc_hub.web.session.state import Campus

AGAIN_SECONDS = 3
notices = Notices()
T = TypeVar("T")


def authorised(
    request: Request, who: Visitor, course_id: str, exercise: str | None = None
) -> tuple[Campus, Course]:
    """Return the campus and a course that the visitor teaches; 404 otherwise, also for an unknown exercise."""
    campus = campus_of(request)
    course = course_for(campus, who, course_id, "instructor")
    if exercise is not None:
        check_exercise(course, exercise)
    return campus, course


def check_exercise(course: Course, exercise: str) -> None:
    """Refuse an exercise that is not in the course."""
    if exercise not in course.exercises:
        raise PeopleError(f"There is no exercise {exercise} in this course.", "exercise", 404)


def title_of(campus: Campus, exercise: str) -> str:
    """Return what people call an exercise."""
    return read_exercise(campus.places.exercise(exercise)).title


def check_student(campus: Campus, course: Course, name: str) -> None:
    """Refuse a person who is no student of the course."""
    with people.session(campus.places) as session:
        if name not in members(session, course.id, "student"):
            raise PeopleError(f"{name} has not signed up for this course.", "student", 404)


def shown_name(campus: Campus, name: str) -> str:
    """Return how a person is named to instructors."""
    with people.session(campus.places) as session:
        person = session.get(Person, name)
        return called(person) if person else name


def back(course: Course) -> Response:
    """Lead back to the class page."""
    return RedirectResponse(f"{PREFIX}/course/{course.id}/class", status_code=303)


async def in_thread(work: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Run what waits for disk and database without holding up other requests; refusals become a page."""
    try:
        return await anyio.to_thread.run_sync(functools.partial(work, *arguments, **named))
    except Refused as e:
        raise PeopleError(str(e), e.field, 400 if e.status == 422 else e.status) from e
