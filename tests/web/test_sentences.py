"""What people read in each state that work can be in: one table, and each sentence in it is true there."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest
from tpc_courses.sources.exercise import Exercise, Part
from tpc_courses.sources.manifest import Course, LatePolicy
from tpc_grader.desk.unread import Unread
from tpc_grader.feedback.records import Standing
from tpc_grader.grades.late import Deadline
from tpc_grader.grades.scores import Score, Total
from tpc_grader.queue.jobs import JobRow
from tpc_grader.queue.progress import Progress
from tpc_grader.results.results import CellScore, Graded
from tpc_grader.scoring.scoring import REASONS
from tpc_hub.web.instructor.classroom import _cell
from tpc_hub.web.student.sentences import (
    due_line,
    in_a_row,
    is_closed,
    overdue_line,
    score_line,
    seen_when,
    waiting_parts,
    where_it_stands,
)

EXERCISE = Exercise(
    slug="fit-a-law",
    title="Fit a scaling law",
    parts=(
        Part(name="test-fit", points=2),
        Part(name="why", points=3, manual=True),
        Part(name="when", points=1, manual=True),
    ),
)
COURSE = Course.model_construct(id="scaling", title="Scaling", time_zone="Europe/Berlin")
FIRST = dt.datetime(2027, 1, 20, 9, 15, 30, 123456, dt.UTC)
SECOND = dt.datetime(2027, 7, 20, 9, 15, 30, 654321, dt.UTC)
BEFORE, NOW = "Wed 20 Jan 2027 10:15 CET", "Tue 20 Jul 2027 11:15 CEST"
DUE = dt.datetime(2027, 7, 29, 16, tzinfo=dt.UTC)
TESTED = Score(2.0, None, 2.0)
READ = {"test-fit": TESTED, "why": Score(None, 2.5, 3.0), "when": Score(None, 0.0, 1.0)}
UNREAD = {"test-fit": TESTED, "why": Score(None, None, 3.0, True), "when": Score(None, None, 1.0, True)}
HALF = {**UNREAD, "why": Score(None, 2.5, 3.0)}
LOOKED_AT = {"test-fit": Score(0.0, None, 2.0, True), **{name: UNREAD[name] for name in ("why", "when")}}


def result(outcome: str = "graded", reason: str = "", public: bool = False) -> Graded:
    return Graded(outcome, reason, "", (CellScore("test-fit", 2.0, 2.0, True),), "v1", public)


def stopped(outcome: str) -> Graded:
    return result(outcome, REASONS[outcome])


@dataclass(frozen=True)
class State:
    """Work in one state: `progress` of the newest, the gradebook's `scores` and of which work they are."""

    progress: Progress | None
    scores: dict[str, Score] = field(default_factory=dict)
    seen: bool = False
    submitted: dt.datetime | None = FIRST
    scored: dt.datetime | None = FIRST
    score: float | None = None
    penalty: float = 0.0
    policy: str = "on-release"


GRADED = Progress("graded")
SEEN = Progress("graded", result=result())
# state -> what the exercise's page says of it, of its score, and what the course's page says
TABLE = {
    "nothing handed in": (State(None, submitted=None, scored=None), "", "", "not submitted"),
    "first one waits": (
        State(Progress("queued", 2, 12.0, 3.0), scored=None),
        "Waiting to be graded: number 2 in the queue, about 12 seconds left, the visible tests in about 3 seconds.",
        "",
        f"submitted {BEFORE}",
    ),
    "first one runs": (
        State(Progress("running"), scored=None),
        "Being graded now, how long is not known yet.",
        "",
        f"submitted {BEFORE}",
    ),
    "its public tests were stopped": (
        State(Progress("queued", 1, public_result=stopped("timeout")), scored=None),
        f"Waiting to be graded: number 1 in the queue, how long is not known yet. | {REASONS['timeout']}",
        "",
        f"submitted {BEFORE}",
    ),
    "a second one waits, the first is seen": (
        State(Progress("queued", 1), READ, True, SECOND, FIRST, 4.5),
        "Waiting to be graded: number 1 in the queue, how long is not known yet.",
        f"Score: 4.5 of 6 points, for what you submitted {BEFORE}",
        f"submitted {NOW}; what you submitted before: graded 4.5/6",
    ),
    "a second one waits, the first is hidden": (
        State(Progress("queued", 1), READ, False, SECOND, FIRST, 4.5),
        "Waiting to be graded: number 1 in the queue, how long is not known yet.",
        "",
        f"submitted {NOW}",
    ),
    "a second one waits, the first was not read": (
        State(Progress("running"), UNREAD, True, SECOND, FIRST, 2.0),
        "Being graded now, how long is not known yet.",
        f"Score so far: 2 of 2 points, for what you submitted {BEFORE}. "
        "Parts that nobody has graded yet are worth 4 more",
        f"submitted {NOW}; what you submitted before: graded 2/6",
    ),
    "the first one is graded again": (
        State(SEEN, READ, True, FIRST, FIRST, 4.5),
        "Graded.",
        "Score: 4.5 of 6 points",
        "graded 4.5/6",
    ),
    "hidden, all read": (
        State(GRADED, READ, False, score=4.5),
        "Graded. You see your score when your instructor releases it.",
        "",
        f"submitted {BEFORE}, graded, score to come",
    ),
    "hidden, nobody has read": (
        State(GRADED, UNREAD, False, score=2.0),
        "The tests have run. Your instructor has yet to read 2 answers of yours. "
        "You see your score when your instructor releases it.",
        "",
        f"submitted {BEFORE}, your instructor looks at it",
    ),
    "hidden until the due date": (
        State(GRADED, READ, False, score=4.5, policy="after-due"),
        "Graded. You see your score after the due date, Thu 29 Jul 2027 18:00 CEST.",
        "",
        f"submitted {BEFORE}, graded, score to come",
    ),
    "seen, nobody has read": (
        State(SEEN, UNREAD, True, score=2.0),
        "The tests have run. Your instructor has yet to read 2 answers of yours.",
        "Score so far: 2 of 2 points. Parts that nobody has graded yet are worth 4 more",
        "graded 2/6 so far, parts of it wait for your instructor",
    ),
    "seen, one of two was read": (
        State(SEEN, HALF, True, score=4.5),
        "The tests have run. Your instructor has yet to read your answer.",
        "Score so far: 4.5 of 5 points. Parts that nobody has graded yet are worth 1 more",
        "graded 4.5/6 so far, parts of it wait for your instructor",
    ),
    "seen, late": (
        State(SEEN, READ, True, score=3.9, penalty=0.6),
        "Graded.",
        "Score: 3.9 of 6 points, 0.6 taken off because the work was late",
        "graded 3.9/6",
    ),
    "tampered, hidden": (
        State(GRADED, LOOKED_AT, False, score=0.0),
        "The tests have run, and your instructor looks at what came of it. "
        "You see your score when your instructor releases it.",
        "",
        f"submitted {BEFORE}, your instructor looks at it",
    ),
    "tampered, seen": (
        State(Progress("graded", result=stopped("tampered")), LOOKED_AT, True, score=0.0),
        f"The tests have run, and your instructor looks at what came of it. | {REASONS['tampered']}",
        "Score so far: 0 of 2 points. Parts that nobody has graded yet are worth 4 more",
        "graded 0/6 so far, parts of it wait for your instructor",
    ),
    "stopped, seen": (
        State(Progress("graded", result=stopped("timeout")), READ, True, score=4.5),
        f"Graded, as far as it could be. | {REASONS['timeout']}",
        "Score: 4.5 of 6 points",
        "graded 4.5/6",
    ),
    "invalid, seen": (
        State(
            Progress("graded", result=result("invalid", "The file is no notebook.")),
            {"test-fit": Score(0.0, None, 2.0)},
            True,
            score=0.0,
        ),
        "Graded, as far as it could be. | The file is no notebook.",
        "Score: 0 of 2 points",
        "graded 0/2",
    ),
    "the grader failed": (
        State(Progress("failed", reason="The grader had a fault that is not yours."), scored=None),
        "The grader had a fault that is not yours.",
        "",
        f"submitted {BEFORE}",
    ),
    "superseded": (
        State(Progress("superseded"), scored=None),
        "Newer work of yours took its place, and is graded instead.",
        "",
        f"submitted {BEFORE}",
    ),
}


def sentences_of(state: State) -> tuple[str, str, str]:
    """Return what the two pages say of work in a state."""
    of_newest = state.scored in (None, state.submitted)
    waits = waiting_parts(state.scores if of_newest or state.seen else {})
    told = ""
    if state.progress is not None:
        when = seen_when(state.policy, DUE, COURSE)
        found = where_it_stands(state.progress, waits if of_newest else {}, EXERCISE, when)
        told = f"{found.line} | {found.more}" if found.more else found.line
    most = sum(score.max_score for score in state.scores.values()) if state.score is not None else None
    standing = Standing(
        state.submitted, state.score, most, bool(waits), penalty=state.penalty, scored=state.scored
    )
    line = score_line(standing, waits, COURSE) if state.seen else ""
    return told, line, in_a_row(standing, state.seen, COURSE)


@pytest.mark.parametrize("state", TABLE)
def test_each_state_has_its_own_true_sentences(state):
    found, expected = sentences_of(TABLE[state][0]), TABLE[state][1:]
    assert found == expected


@pytest.mark.parametrize("state", TABLE)
def test_no_sentence_names_a_slug_or_tells_a_time_without_its_zone(state):
    for text in sentences_of(TABLE[state][0]):
        assert EXERCISE.slug not in text
        assert not re.search(r"UTC|\d\.\d{3}|\+00:00|T\d\d:", text)
        assert all(re.match(r" CES?T\b", text[found.end() :]) for found in re.finditer(r"\d\d:\d\d", text))


def test_every_outcome_of_grading_and_every_state_of_a_job_is_in_the_table():
    rows = [row[0] for row in TABLE.values()]
    assert {row.progress.state for row in rows if row.progress} == {
        "queued",
        "running",
        "graded",
        "failed",
        "superseded",
    }
    assert {"graded", "timeout", "tampered", "invalid"} <= {
        found.outcome for row in rows if row.progress and (found := row.progress.result)
    }


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (Unread(1, 1), "1 part of 1 student still waits for a person to grade"),
        (Unread(3, 2), "3 parts of 2 students still wait for a person to grade"),
    ],
)
def test_who_releases_reads_how_much_is_unread(waiting, words):
    assert str(waiting) == words


LATE = Course.model_construct(
    id="scaling", title="Scaling", time_zone="Europe/Berlin", late=LatePolicy(per_day=0.15, days=2)
)
UNTIL = Deadline(DUE, DUE + dt.timedelta(days=2))
DUE_WORDS = "due Thu 29 Jul 2027 18:00 CEST"
# until when, how long after the due date -> when it is due, and what may still be done
TIMES = {
    "no due date": (Deadline(None, None), dt.timedelta(), "", ""),
    "before": (UNTIL, -dt.timedelta(days=3), f"{DUE_WORDS}, in 3 days", ""),
    "extended": (Deadline(DUE, None, True), -dt.timedelta(hours=2), f"{DUE_WORDS}, in 2 hours (your extension)", ""),
    "late": (
        UNTIL,
        dt.timedelta(days=1),
        f"{DUE_WORDS}, 1 day ago",
        "Late work is accepted until Sat 31 Jul 2027 18:00 CEST, in 1 day. Each begun day costs 15 % of the points.",
    ),
    "closed": (
        UNTIL,
        dt.timedelta(days=3),
        f"{DUE_WORDS}, 3 days ago",
        "This exercise is closed. If you need more time, ask your instructor for an extension.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TIMES)
def test_until_when_work_is_taken_is_told_by_the_clock(case):
    until, after, due, overdue = TIMES[case]
    now = DUE + after
    assert (due_line(until, LATE, now), overdue_line(until, LATE, now)) == (due, overdue)
    assert is_closed(until, now) == (case == "closed")


# a job's state and outcome, the score -> what the instructor's table of a class says, and in which mood
CELLS = {
    "no job": (None, None, "waits to be graded", "warn"),
    "queued": (JobRow(state="queued"), None, "waits to be graded", "warn"),
    "running": (JobRow(state="running"), None, "being graded", "warn"),
    "being written down": (JobRow(state="recording"), Total(2.0, 6.0), "being graded", "warn"),
    "the grader failed": (JobRow(state="failed", reason="no sandbox"), None, "grader failed", "bad"),
    "graded": (JobRow(state="graded", outcome="graded"), Total(4.5, 6.0), "graded", "good"),
    "to read": (JobRow(state="graded", outcome="graded"), Total(2.0, 6.0, 0.0, ("why",)), "to grade by hand", "warn"),
    "stopped": (JobRow(state="graded", outcome="timeout", reason="slow"), Total(0.0, 6.0), "timeout", "bad"),
    "tampered": (JobRow(state="graded", outcome="tampered"), Total(0.0, 6.0, 0.0, ("why",)), "tampered", "warn"),
}  # fmt: skip


@pytest.mark.parametrize("case", CELLS)
def test_the_instructors_table_says_where_each_work_stands(case):
    job, total, state, mood = CELLS[case]
    cell = _cell(job, total, attempts=1)
    assert (cell.state, cell.mood) == (state, mood)
    assert cell.failed == (mood == "bad" or case == "tampered")


def test_a_course_tells_times_by_its_own_clocks():
    assert COURSE.zone == ZoneInfo("Europe/Berlin")
