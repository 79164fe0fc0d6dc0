"""What a student reads about their work on an exercise, one sentence for each state that it can be in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from tpc_courses.sources.exercise import Exercise
from tpc_courses.sources.manifest import Course, Results
from tpc_grader.feedback.records import Standing
from tpc_grader.grades.late import Deadline
from tpc_grader.grades.scores import Score
from tpc_grader.queue.progress import Progress
from tpc_grader.results.points import shown, total

from tpc_hub.web.session.times import duration, in_zone, relative


@dataclass(frozen=True)
class Told:
    """One line on where work stands, in a mood (good, warn, bad or empty), and what more there is to say."""

    line: str
    mood: str = ""
    more: str = ""


def where_it_stands(
    progress: Progress, waits: Mapping[str, Score], exercise: Exercise, seen_when: str
) -> Told:
    """Return where the newest submission stands; `waits` are the parts of it that a person has to look at."""
    left = _left(progress)
    outcome = progress.result or progress.public_result
    more = outcome.reason if outcome else ""
    if progress.state == "queued":
        return Told(f"Waiting to be graded: number {progress.position} in the queue{left}.", more=more)
    if progress.state == "running":
        return Told(f"Being graded now{left}.", more=more)
    if progress.state == "failed":
        return Told(progress.reason, "warn")
    if progress.state == "superseded":
        return Told("Newer work of yours took its place, and is graded instead.", more=more)
    hidden = progress.result is None
    fine = hidden or (progress.result is not None and progress.result.outcome == "graded")
    line = _by_a_person(waits, exercise) or ("Graded." if fine else "Graded, as far as it could be.")
    mood = "warn" if waits and fine else "good" if fine else "bad"
    return Told(f"{line} {seen_when}" if hidden else line, mood, more)


def seen_when(policy: Results, due: dt.datetime | None, course: Course) -> str:
    """Return when a student sees a score that is hidden now."""
    if policy == "after-due" and due is not None:
        return f"You see your score after the due date, {in_zone(due, course.zone)}."
    if policy == "on-release":
        return "You see your score when your instructor releases it."
    return "You see your score in a moment."


def due_line(until: Deadline, course: Course, now: dt.datetime) -> str:
    """Return until when a student may hand in on time; empty when there is no such time."""
    if until.due is None:
        return ""
    line = f"due {in_zone(until.due, course.zone)}, {relative(until.due, now)}"
    return f"{line} (your extension)" if until.extended else line


def is_closed(until: Deadline, now: dt.datetime) -> bool:
    """Return whether nothing can be handed in any more."""
    return until.closes is not None and now > until.closes


def overdue_line(until: Deadline, course: Course, now: dt.datetime) -> str:
    """Return what a student may still do after the due date; empty before it."""
    if is_closed(until, now):
        return "This exercise is closed. If you need more time, ask your instructor for an extension."
    if until.due is None or until.closes is None or now <= until.due:
        return ""
    ends = f"{in_zone(until.closes, course.zone)}, {relative(until.closes, now)}"
    cost = f"Each begun day costs {shown(course.late.per_day * 100)} % of the points."
    return f"Late work is accepted until {ends}. {cost}"


def score_line(standing: Standing, waits: Mapping[str, Score], course: Course) -> str:
    """Return the score as a student may read it: what is there, what may still come, and what was taken off."""
    if standing.score is None or standing.max_score is None:
        return ""
    to_come = pending(waits)
    so_far = " so far" if to_come else ""
    line = f"Score{so_far}: {shown(standing.score)} of {shown(standing.max_score - to_come)} points"
    if standing.penalty:
        line += f", {shown(standing.penalty)} taken off because the work was late"
    if not standing.of_newest and standing.scored is not None:
        line += f", for what you submitted {in_zone(standing.scored, course.zone)}"
    return line + (f". Parts that nobody has graded yet are worth {shown(to_come)} more" if to_come else "")


def in_a_row(standing: Standing, seen: bool, course: Course) -> str:
    """Return the state of an exercise for a list of them."""
    if standing.submitted is None:
        return "not submitted"
    when = f"submitted {in_zone(standing.submitted, course.zone)}"
    if standing.score is None or standing.max_score is None:
        return when
    if not seen:
        waits = "your instructor looks at it" if standing.needs_person else "graded, score to come"
        return f"{when}, {waits}" if standing.of_newest else when
    graded = f"graded {shown(standing.score)}/{shown(standing.max_score)}"
    if not standing.of_newest:
        return f"{when}; what you submitted before: {graded}"
    return f"{graded} so far, parts of it wait for your instructor" if standing.needs_person else graded


def waiting_parts(scores: Mapping[str, Score]) -> dict[str, Score]:
    """Return the parts that a person has to look at."""
    return {name: score for name, score in scores.items() if score.needs_person}


def pending(waits: Mapping[str, Score]) -> float:
    """Return the points of parts for which nothing is given yet."""
    return float(total(score.max_score for score in waits.values() if score.points is None))


def _left(progress: Progress) -> str:
    """Return what can be told of the time that is left."""
    quick = progress.public_seconds_left
    tests = f", the visible tests in about {duration(quick)}" if quick else ""
    if progress.seconds_left is not None:
        return f", about {duration(progress.seconds_left)} left{tests}"
    return tests or ", how long is not known yet"


def _by_a_person(waits: Mapping[str, Score], exercise: Exercise) -> str:
    if not waits:
        return ""
    written = len({part.name for part in exercise.parts if part.manual} & set(waits))
    if written < len(waits):
        return "The tests have run, and your instructor looks at what came of it."
    answers = "your answer" if written == 1 else f"{written} answers of yours"
    return f"The tests have run. Your instructor has yet to read {answers}."
