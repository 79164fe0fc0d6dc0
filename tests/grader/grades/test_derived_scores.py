"""A score follows from what it depends on, in every place that tells it, whatever changes and in which order."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import nbformat
import pytest
from class_tree import COURSE, EXERCISE, NOTEBOOK, manifest_with, result_of, shift_clock
from fastapi.testclient import TestClient
from nbgrader.api import Gradebook
from signed_in import FORM, HUB
from test_class_page import press, signed_in, text_of
from tpc_courses.base.places import Places
from tpc_courses.sources.exercise import source_notebook
from tpc_courses.sources.manifest import Course, current_courses
from tpc_grader.coursework import coursework
from tpc_grader.coursework.recording import record
from tpc_grader.database import audit
from tpc_grader.desk import regrade
from tpc_grader.desk.intake import Intake
from tpc_grader.feedback.records import newest_feedback
from tpc_grader.grades.scores import Score, class_marks, marks_of
from tpc_grader.queue import queue
from tpc_grader.results.points import shown, total
from tpc_grader.results.results import CellScore
from tpc_grader.submissions.archive import pack
from tpc_grader.versions import sources
from tpc_grader.versions.releases import released
from tpc_grader.versions.skeleton import read_skeleton
from tpc_grader.worker.reconcile import WHAT, WHAT_LATE, Reconciler
from tpc_grader.worker.writer import write_next
from tpc_hub.people import people
from tpc_hub.people.people import Person, enrol

DUE = dt.datetime(2099, 1, 29, 17, tzinfo=dt.UTC)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
WRITTEN = """
Why does that work?

+++ {"tags": ["answer"], "name": "why", "points": 3}

Because.
"""
CODE = "def double(x):\n    return 2 * x"


@dataclass
class Campus:
    """A course whose exercise has a test of 2 points and a question of 3, and who looks at it."""

    places: Places
    monkeypatch: pytest.MonkeyPatch
    teacher: TestClient
    ada: TestClient
    released: str = ""

    @property
    def course(self) -> Course:
        return current_courses(self.places)[COURSE]

    def hand_in(
        self,
        why: str,
        points: float = 2.0,
        at: dt.datetime = DUE - 9 * HOUR,
        code: str = CODE,
        added: str = "",
    ) -> None:
        """Let ada hand in, and write down what the sandbox is taken to have found."""
        shift_clock(self.monkeypatch, at)
        intake = Intake(self.places, {COURSE: self.course})
        notebook = nbformat.reads(intake.release(COURSE, EXERCISE).files()[NOTEBOOK].decode(), 4)
        for cell in notebook.cells:
            facts = cell.metadata.get("nbgrader", {})
            if facts.get("solution"):
                cell.source = why if facts["grade"] else code
        if added:
            notebook.cells.append(nbformat.v4.new_markdown_cell(added))
        work = pack({NOTEBOOK: nbformat.writes(notebook).encode()})
        self.points = points
        queue.submitted(self.places, intake.receive(COURSE, EXERCISE, "ada", work))
        self.work_off()

    def work_off(self) -> None:
        store = Intake(self.places, {}).store
        while job := queue.claim(self.places, "test"):
            parts = coursework_parts(self.places, job.version)
            scores = [
                CellScore(name, 0.0, most, False, manual=True)
                if manual
                else CellScore(name, min(self.points, most), most, self.points >= most)
                for name, most, manual in parts
            ]
            submission = store.get(job.submission)
            queue.finish(self.places, job, "test", result_of(self.places, submission, *scores))
        while write_next(self.places, record):
            pass

    def give(self, points: float | None, extra: float | None = None, cell: str = "why") -> None:
        """Save points as the formgrader's page does."""
        with self.book() as book:
            grade = book.find_grade(cell, EXERCISE, EXERCISE, "ada")
            grade.manual_score, grade.extra_credit = points, extra
            grade.needs_manual_grade = points is None and grade.auto_score is None
            book.db.commit()

    def book(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self.places.nbgrader(COURSE) / 'gradebook.db'}", COURSE)

    def told(self) -> dict[str, str]:
        """Return what each place says of ada's score, and check that they all say of the same parts that they wait."""
        Reconciler(self.places).look()
        (row,) = self.teacher.get(f"/services/campus/course/{COURSE}/class.json").json()
        cell = row["exercises"][EXERCISE]
        table = self.teacher.get(f"/services/campus/course/{COURSE}/grades.csv").content.decode("utf-8-sig")
        (line,) = csv.DictReader(io.StringIO(table))
        page = text_of(self.ada.get(f"/services/campus/exercise/{COURSE}/{EXERCISE}").text)
        newest = Intake(self.places, {}).store.newest(COURSE, EXERCISE, "ada").id
        if newest != self.released:
            # Once for each submission: what changes afterwards is on the page all the same.
            coursework.release_feedback(self.places, self.course, EXERCISE)
            self.released = newest
        feedback = self.feedback()
        after = json.loads(audit.entries(self.places, COURSE, student="ada")[-1].after)
        with self.book() as book:
            submission = book.find_submission(EXERCISE, "ada")
            stock = total([submission.score, -submission.late_submission_penalty])
            flagged = {each.name for each in submission.notebooks[0].grades if each.needs_manual_grade}
        assert set(line[f"{EXERCISE} waiting"].split("; ")) - {""} == flagged == set(cell["waiting"])
        assert int(line["waiting"]) == len(flagged)
        to_come = re.search("still to come|nobody has graded yet|your instructor looks", page)
        assert bool(to_come) == bool(flagged)
        return {
            "class.json": repr(cell["score"]).removesuffix(".0"),
            "csv": line[EXERCISE],
            "csv total": line["total"],
            "page": re.search(r"Score(?: so far)?: (\S+) of", page)[1],
            "feedback": re.search(r"([\d.]+) of [\d.]+ points", feedback)[1],
            "audit": shown(total(points for points in after.values() if points is not None)),
            "nbgrader": shown(stock),
        }

    def feedback(self) -> str:
        """Return the words of ada's newest feedback."""
        page = newest_feedback(self.places, self.course, EXERCISE, "ada")[1]
        return text_of(page.partition("<main")[2])

    def everywhere(self) -> str:
        """Return the score that every place tells."""
        told = self.told()
        assert len(set(told.values())) == 1, told
        return told["csv"]


def coursework_parts(places: Places, version: str) -> list[tuple[str, float, bool]]:
    """Return name, points and whether a person grades it, of each part of a version."""
    source = sources.load(places, COURSE, EXERCISE, version)
    cells = read_skeleton(source.source, source.release).cells
    return [(cell.name, cell.points, cell.manual) for cell in cells if cell.points]


@pytest.fixture
def campus(tree: Places, monkeypatch: pytest.MonkeyPatch) -> Iterator[Campus]:
    path = tree.exercise(EXERCISE)
    path.write_text(path.read_text() + WRITTEN)
    course = manifest_with(tree, COURSE, late={"per_day": 0.24, "days": 5}, results="now")
    coursework.prepare_course(tree, course)
    with people.transaction(tree) as session:
        for name, role in (("teacher", "instructor"), ("ada", "student")):
            session.add(Person(name=name, display_name=name.title()))
            session.flush()
            enrol(session, COURSE, name, role)
    for name, value in (
        ("CAMPUS_ROOT", str(tree.root)),
        ("CAMPUS_STATE", str(tree.state)),
        *HUB.items(),
    ):
        monkeypatch.setenv(name, value)
    teacher, ada = signed_in("teacher", f"formgrade-{COURSE}"), signed_in("ada", f"nbgrader-{COURSE}")
    yield Campus(tree, monkeypatch, next(teacher), next(ada))
    teacher.close()
    ada.close()


def set_due(campus: Campus, due: str) -> None:
    path = campus.places.courses / f"{COURSE}.yml"
    path.write_text(re.sub(r"due: .*", f"due: {due}", path.read_text()))


def test_late_work_costs_its_share_of_points_that_a_person_gives_afterwards(campus):
    campus.hand_in("It adds.", points=0.0, at=DUE + HOUR)
    assert campus.everywhere() == "0"
    campus.give(3.0)
    assert campus.everywhere() == "1.8"
    campus.give(1.0)
    assert campus.everywhere() == "0"
    campus.give(3.0, extra=0.5)
    assert campus.everywhere() == "2.3"


def test_the_score_follows_the_due_date_the_rule_and_more_time(campus):
    campus.hand_in("It adds.", at=DUE + 25 * HOUR)
    campus.give(3.0)
    assert campus.everywhere() == "2.6"  # two days begun
    set_due(campus, "2099-01-30T18:00:00+01:00")
    assert campus.everywhere() == "3.8"
    set_due(campus, "2099-02-05T18:00:00+01:00")
    assert campus.everywhere() == "5"
    set_due(campus, "2099-01-28T18:00:00+01:00")
    assert campus.everywhere() == "1.4"
    what = [(row.who, row.what) for row in audit.entries(campus.places, COURSE, student="ada")]
    assert what[-3:] == [("due dates", WHAT_LATE)] * 3
    press(campus.teacher, "extend", exercise=EXERCISE, student="ada", until="2099-01-30T18:00")
    assert campus.everywhere() == "3.8"
    path = campus.places.courses / f"{COURSE}.yml"
    path.write_text(path.read_text().replace("0.24", "0.33"))
    assert campus.everywhere() == "3.35"
    path.write_text(path.read_text().replace("due:", "# due:"))
    assert campus.everywhere() == "5"


@pytest.mark.parametrize("broken", ["units: [", "id: scaling\n", "", "\udcff"])
def test_scores_stay_while_somebody_is_at_work_in_the_manifest(campus, broken):
    campus.hand_in("It adds.", at=DUE + HOUR)
    campus.give(3.0)
    assert campus.everywhere() == "3.8"
    path = campus.places.courses / f"{COURSE}.yml"
    before = path.read_text()
    path.write_bytes(broken.encode(errors="surrogateescape"))
    assert campus.everywhere() == "3.8"
    path.write_text(before.replace("0.24", "0.1"))
    assert campus.everywhere() == "4.5"


def test_points_given_to_an_answer_are_not_those_of_another_that_nobody_read(campus):
    campus.hand_in("It adds the number to itself.")
    campus.give(3.0, extra=0.5)
    assert campus.everywhere() == "5.5"
    with campus.book() as book:
        open_page = book.find_grade("why", EXERCISE, EXERCISE, "ada").id
    campus.hand_in("It guesses.", at=DUE + dt.timedelta(seconds=1) - HOUR)
    assert campus.everywhere() == "2"
    with campus.book() as book:
        grade = book.find_grade("why", EXERCISE, EXERCISE, "ada")
        assert (grade.manual_score, grade.extra_credit, grade.needs_manual_grade) == (None, None, True)
        assert grade.id != open_page, "who has the old answer open saves points to nothing"
    campus.give(1.0)
    assert campus.everywhere() == "3"
    campus.hand_in("It adds the number to itself.  \n", at=DUE - HOUR / 2)
    assert campus.everywhere() == "5.5", "the answer that was read is back"
    campus.hand_in("It guesses.", at=DUE - HOUR / 4)
    assert campus.everywhere() == "3"


def test_the_same_answer_keeps_its_points_when_other_parts_change_or_it_is_graded_again(campus):
    campus.hand_in("It adds.", points=0.0, code="def double(x):\n    return x")
    campus.give(2.5)
    campus.hand_in("It adds.", points=2.0, at=DUE - HOUR)
    assert campus.everywhere() == "4.5"
    newest = Intake(campus.places, {}).store.newest(COURSE, EXERCISE, "ada")
    queue.enqueue(campus.places, newest, "full", newest.version, again=True)
    campus.work_off()
    assert campus.everywhere() == "4.5"


def test_feedback_tells_the_points_of_today_part_by_part_and_keeps_those_of_older_work(campus):
    campus.hand_in("It adds.", at=DUE + HOUR)
    coursework.release_feedback(campus.places, campus.course, EXERCISE)
    assert (
        "So far 0.8 of 2 points, 1.2 taken off because the work was late. Parts that nobody"
        in campus.feedback()
    )
    assert "Your answer: why not graded yet, 3 points to earn" in campus.feedback()
    campus.give(2.5)
    assert "3.3 of 5 points, 1.2 taken off" in campus.feedback()
    assert "Your answer: why 2.5 of 3 points" in campus.feedback()
    campus.hand_in("It guesses.", at=DUE + 2 * HOUR)
    assert "So far 0.8 of 2 points" in campus.feedback(), "as it was released"
    assert "It adds." in campus.feedback()


def test_points_for_a_task_belong_to_what_was_written_for_it(campus):
    path = campus.places.exercise(EXERCISE)
    source = source_notebook(path)
    part = {"grade": False, "solution": False, "locked": False, "task": True, "grade_id": "essay"}
    task = nbformat.v4.new_markdown_cell("Write an essay.")
    task.metadata["nbgrader"] = {**part, "points": 4, "schema_version": 3}
    source.cells.append(task)
    path.unlink()
    path.with_suffix(".ipynb").write_text(nbformat.writes(source))
    coursework.prepare_course(campus.places, campus.course)
    campus.hand_in("It adds.", added="An essay.")
    campus.give(3.0)
    campus.give(4.0, cell="essay")
    assert campus.everywhere() == "9"
    campus.hand_in("It adds.", at=DUE - 2 * HOUR, added="Another essay.")
    assert class_marks(campus.places, COURSE)["ada", EXERCISE].total.waiting == ("essay",)
    assert campus.everywhere() == "5"
    campus.hand_in("It adds.", at=DUE - HOUR, added="An essay.")
    assert campus.everywhere() == "9"


def test_who_answers_a_request_gives_no_points_to_newer_work(campus):
    campus.hand_in("It adds.")
    campus.give(1.0)
    mine = Intake(campus.places, {}).store.newest(COURSE, EXERCISE, "ada")
    number = regrade.request(campus.places, campus.course, mine, "why", "It is all there.")
    campus.hand_in("It guesses.", at=DUE - HOUR)
    answer = {"form_token": FORM, "number": str(number), "words": "Right.", "points": "3"}
    refused = campus.teacher.post(f"/services/campus/course/{COURSE}/answer", data=answer)
    assert refused.status_code == 409
    assert "ada handed in newer work since" in refused.text
    assert campus.everywhere() == "2"
    told = press(campus.teacher, "answer", number=str(number), words="I read what you handed in since.")
    assert "the score was kept" in text_of(told)


def test_a_comment_belongs_to_the_answer_too(campus):
    def comment(text: str | None = None) -> str | None:
        with campus.book() as book:
            found = book.find_comment("why", EXERCISE, EXERCISE, "ada")
            if text is not None:
                found.manual_comment = text
                book.db.commit()
            return found.manual_comment

    campus.hand_in("It adds.")
    comment("Well said.")
    campus.hand_in("It guesses.", at=DUE - HOUR)
    assert comment() is None
    campus.hand_in("It adds.", at=DUE - HOUR / 2)
    assert comment() == "Well said."


def test_points_given_against_a_test_wait_when_the_code_is_another(campus):
    campus.hand_in("It adds.", points=0.0, code="def double(x):\n    return x + x + 0")
    campus.give(0.0)
    campus.give(1.5, cell="test-double")
    assert campus.everywhere() == "1.5"
    campus.hand_in("It adds.", points=0.5, at=DUE - HOUR, code="def double(x):\n    return x")
    marks = class_marks(campus.places, COURSE)["ada", EXERCISE]
    assert marks.total.waiting == ("test-double",)
    assert campus.everywhere() == "0.5"
    newest = Intake(campus.places, {}).store.newest(COURSE, EXERCISE, "ada")
    queue.enqueue(campus.places, newest, "full", newest.version, again=True)
    campus.work_off()
    assert class_marks(campus.places, COURSE)["ada", EXERCISE].total.waiting == ("test-double",)
    campus.give(None, cell="test-double")
    assert class_marks(campus.places, COURSE)["ada", EXERCISE].total.waiting == ()
    campus.hand_in("It adds.", points=0.0, at=DUE - HOUR / 2, code="def double(x):\n    return x + x + 0")
    assert campus.everywhere() == "1.5"


def test_a_version_with_other_points_lets_nothing_count_beyond_its_maximum(campus):
    campus.hand_in("It adds.", at=DUE + HOUR)
    campus.give(3.0)
    assert campus.everywhere() == "3.8"
    path = campus.places.exercise(EXERCISE)
    path.write_text(path.read_text().replace('"points": 3}', '"points": 2}'))
    assert coursework.prepare_course(campus.places, campus.course) == [EXERCISE]
    assert campus.everywhere() == "3.04"  # 4, of which a day costs 0.96
    newest = Intake(campus.places, {}).store.newest(COURSE, EXERCISE, "ada")
    queue.enqueue(campus.places, newest, "full", released(campus.places.intake, COURSE, EXERCISE).version)
    campus.work_off()
    assert campus.everywhere() == "3.04"
    with campus.book() as book:
        assert book.find_submission(EXERCISE, "ada").score == 4.0
    path.write_text(path.read_text()[: path.read_text().index("Why does that work?")])
    coursework.prepare_course(campus.places, campus.course)
    queue.enqueue(campus.places, newest, "full", released(campus.places.intake, COURSE, EXERCISE).version)
    campus.work_off()
    assert campus.everywhere() == "1.52"  # the question is gone, with its points


def test_a_new_part_waits_for_the_regrade_and_for_no_person(campus):
    campus.hand_in("It adds.")
    campus.give(3.0)
    path = campus.places.exercise(EXERCISE)
    path.write_text(path.read_text() + WRITTEN.replace('"why"', '"how"').replace("Why does", "How does"))
    coursework.prepare_course(campus.places, campus.course)
    assert class_marks(campus.places, COURSE)["ada", EXERCISE].total.waiting == ()
    assert campus.everywhere() == "5"


def test_what_another_door_gives_is_told_to_nbgrader_and_noted_once(campus):
    campus.hand_in("It adds.", at=DUE + HOUR)
    campus.give(3.0)
    look = Reconciler(campus.places)
    assert look.look() == 1
    assert look.look() == 0
    (entry,) = [row for row in audit.entries(campus.places) if row.what == WHAT]
    assert json.loads(entry.after) == {"test-double": 2.0, "why": 3.0, "late work": -1.2}
    with campus.book() as book:
        assert book.find_submission(EXERCISE, "ada").late_submission_penalty == 1.2


def test_nbgraders_export_is_up_to_date_without_anybody_looking(campus):
    campus.hand_in("It adds.", points=0.0, at=DUE + HOUR)
    campus.give(3.0)
    with campus.book() as book:
        book.update_or_create_student("ada", last_name="=HYPERLINK(1)", first_name='Ünal, "A"')
    folder = campus.places.nbgrader(COURSE)
    subprocess.run([sys.executable, "-m", "nbgrader", "export"], cwd=folder, check=True, capture_output=True)
    text = (folder / "grades.csv").read_bytes().decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["raw_score"], row["late_submission_penalty"], row["score"]) == ("3", "1.2", "1.8")
    assert (row["last_name"], row["first_name"], row["max_score"]) == ("'=HYPERLINK(1)", 'Ünal, "A"', "5")


@pytest.mark.parametrize(
    ("parts", "late", "points", "penalty"),
    [
        ({"a": Score(3.0, None, 6.0)}, "0.2", "1.8", "1.2"),
        (
            {"a": Score(0.1, None, 0.1), "b": Score(0.1, None, 0.1), "c": Score(0.1, None, 0.1)},
            "0",
            "0.3",
            "0",
        ),
        ({"a": Score(1 / 3, None, 1 / 3), "b": Score(2 / 3, None, 2 / 3)}, "0.33", "0.67", "0.33"),
        ({"a": Score(None, 5.0, 3.0)}, "0", "3", "0"),
        ({"a": Score(5.0, None, 3.0, extra=0.5)}, "0", "3.5", "0"),
        ({"a": Score(1.0, 3.0, 3.0, needs_person=True)}, "0", "1", "0"),
        ({"a": Score(None, 3.0, 3.0, needs_person=True)}, "0", "0", "0"),
        ({"a": Score(2.0, None, 0.0), "b": Score(1.0, None, 2.0)}, "0", "2", "0"),
        ({"a": Score(float("nan"), None, 3.0), "b": Score(1.0, float("inf"), 2.0)}, "0", "0", "0"),
        ({"a": Score(-1.0, None, 3.0, extra=-2.0), "b": Score(2.0, None, 3.0)}, "0", "2", "0"),
        ({"a": Score(2.0, None, 3.0)}, "7", "0", "2"),
    ],
)
def test_what_parts_come_to(parts: Any, late: str, points: str, penalty: str):
    found = marks_of(parts, Fraction(late)).total
    assert (shown(found.points), shown(found.penalty)) == (points, penalty)
