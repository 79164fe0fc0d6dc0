"""What a person has done and has to do: the rows of a course page, the cards and the next step of the home page."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.lesson import read_lesson
from tpc_courses.sources.manifest import Course
from tpc_grader.database import engine as database
from tpc_grader.feedback.records import may_see_score, standing
from tpc_grader.grades.late import deadline
from tpc_grader.results.points import number, total

from tpc_hub.people import people
from tpc_hub.people.people import LessonVisit
from tpc_hub.web.session.announcing import shown
from tpc_hub.web.session.identity import Visitor
from tpc_hub.web.session.state import Campus
from tpc_hub.web.session.times import in_zone, relative
from tpc_hub.web.student.sentences import in_a_row

# An exercise due so soon comes before the next lesson.
SOON = dt.timedelta(days=3)


def course_rows(campus: Campus, course: Course, who: Visitor) -> list[dict[str, Any]]:
    """Return the lessons and exercises of a course in order, each with its state for this person."""
    with people.session(campus.places) as session:
        query = select(LessonVisit).where(LessonVisit.person == who.name)
        visits = {visit.lesson: visit.done for visit in session.scalars(query)}
    rows: list[dict[str, Any]] = []
    for unit in course.units:
        if unit.lesson:
            rows.append(_lesson_row(campus, unit.lesson, visits))
        if unit.exercise:
            rows.append(_exercise_row(campus, course, unit.exercise, who))
    return rows


def course_card(campus: Campus, course: Course, who: Visitor) -> dict[str, Any]:
    """Return what the home page says of a course; `step` is what to do next in it."""
    rows = course_rows(campus, course, who)
    lessons = [row for row in rows if row["kind"] == "lesson"]
    exercises = [row for row in rows if row["kind"] == "exercise"]
    to_do = [row for row in exercises if row["due_utc"] and row["open"] and not row["submitted"]]
    due = min(to_do, key=lambda row: row["due_utc"], default=None)
    return {
        "course": course,
        "role": who.roles[course.id],
        "done": sum(row["state"] == "done" for row in lessons),
        "lessons": len(lessons),
        "due": due,
        "score": number(total(row["score"] or 0 for row in exercises)),
        "points": number(total(row["points"] for row in exercises)),
        "announcements": shown(campus, course),
        "step": _step(course, lessons, due) if who.roles[course.id] == "student" else None,
    }


def next_step(cards: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the one next thing to do: what is due soonest, else the next lesson of the first course."""
    steps = [card["step"] for card in cards if card["step"]]
    due = [step for step in steps if step["kind"] == "exercise"]
    return min(due, key=lambda step: step["due_utc"]) if due else next(iter(steps), None)


def _step(course: Course, lessons: list[dict[str, Any]], due: dict[str, Any] | None) -> dict[str, Any] | None:
    if due is not None and due["due_utc"] - database.utcnow() < SOON:
        return {"course": course, **due}
    undone = next((row for row in lessons if row["state"] != "done"), None)
    return {"course": course, **undone} if undone else None


def _lesson_row(campus: Campus, slug: str, visits: dict[str, bool]) -> dict[str, Any]:
    lesson = read_lesson(campus.places.lesson(slug))
    state = "not started" if slug not in visits else "done" if visits[slug] else "opened"
    return {
        "kind": "lesson",
        "state": state,
        **lesson.model_dump(include={"slug", "title", "objectives", "minutes"}),
    }


def _exercise_row(campus: Campus, course: Course, slug: str, who: Visitor) -> dict[str, Any]:
    exercise = read_exercise(campus.places.exercise(slug))
    until = deadline(campus.places, course, slug, who.name)
    where = standing(campus.places, course, slug, who.name)
    seen = may_see_score(campus.places, course, slug, who.name)
    now = database.utcnow()
    return {
        "kind": "exercise",
        "slug": slug,
        "title": exercise.title,
        "points": exercise.points,
        "due": f"{in_zone(until.due, course.zone)}, {relative(until.due, now)}" if until.due else None,
        "due_utc": until.due,
        "open": until.closes is None or until.closes > now,
        "submitted": where.submitted is not None,
        "state": in_a_row(where, seen, course),
        "score": where.score if seen else None,
        "feedback": where.feedback,
    }
