"""The intake decides: whose work, in time, not too often, safe to keep. No HTTP here."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from class_tree import (
    COURSE,
    EXERCISE,
    NOTEBOOK,
    manifest_with,
    released_class,
    released_notebook,
    shift_clock,
    work,
)
from tpc_grader.desk.extensions import grant
from tpc_grader.desk.intake import Intake, Rate
from tpc_grader.feedback.publish import publish_feedback
from tpc_grader.grades.late import deadline, extensions
from tpc_grader.submissions.archive import Refused, pack, unpack
from tpc_grader.versions.releases import all_released, courses, publish, released, version_of, withdraw

DUE = dt.datetime(2099, 1, 29, 17, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def intake(tree):
    return Intake(tree, released_class(tree), rate=Rate(submissions=5, attempts=8))


def receive(intake, student: str = "ada", answer: str = "1"):
    return intake.receive(COURSE, EXERCISE, student, work(answer))


class TestReleases:
    def test_what_is_published_can_be_fetched(self, tree, intake):
        assert unpack(intake.archive(COURSE, EXERCISE)) == {NOTEBOOK: released_notebook(tree)}
        (release,) = all_released(tree.intake, COURSE)
        assert (release.exercise, release.version, release.notebooks) == (EXERCISE, "version1", (NOTEBOOK,))
        assert courses(tree.intake) == [COURSE]

    def test_a_new_version_takes_the_place_of_the_old_one_which_stays(self, tree, intake):
        old = released(tree.intake, COURSE, EXERCISE)
        publish(tree.intake, COURSE, EXERCISE, {NOTEBOOK: b"new"}, "version2")
        assert unpack(intake.archive(COURSE, EXERCISE)) == {NOTEBOOK: b"new"}
        assert old.files() == {NOTEBOOK: released_notebook(tree)}

    def test_a_reader_never_sees_half_a_release(self, tree, intake):
        seen, stop = set(), threading.Event()

        def read() -> None:
            while not stop.is_set():
                found = released(tree.intake, COURSE, EXERCISE)
                seen.add((found.version, *sorted(found.files().items())))

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(50):
            text = f"v{number}".encode()
            publish(tree.intake, COURSE, EXERCISE, {NOTEBOOK: text, "more.txt": text}, f"v{number}")
        stop.set()
        reader.join()
        for version, *files in seen - {("version1", (NOTEBOOK, released_notebook(tree)))}:
            assert dict(files) == {NOTEBOOK: version.encode(), "more.txt": version.encode()}

    def test_the_same_version_again_shows_the_newest_files(self, tree, intake):
        publish(tree.intake, COURSE, EXERCISE, {NOTEBOOK: b"again"}, "version1")
        assert released(tree.intake, COURSE, EXERCISE).files() == {NOTEBOOK: b"again"}

    def test_a_withdrawn_exercise_cannot_be_fetched_or_handed_in(self, tree, intake):
        withdraw(tree.intake, COURSE, EXERCISE)
        for call in (lambda: intake.archive(COURSE, EXERCISE), lambda: receive(intake)):
            with pytest.raises(Refused, match="no released exercise") as refused:
                call()
            assert refused.value.status == 404

    @pytest.mark.parametrize("name", ["../scaling", "", ".", "a/b", "x" * 80, "\0"])
    def test_odd_names_find_nothing(self, tree, intake, name):
        assert released(tree.intake, name, EXERCISE) is None
        assert released(tree.intake, COURSE, name) is None

    def test_the_version_follows_what_an_exercise_is_made_from(self, tmp_path):
        (tmp_path / "a.ipynb").write_text("1")
        first = version_of(tmp_path)
        (tmp_path / ".ipynb_checkpoints").mkdir()
        (tmp_path / ".ipynb_checkpoints" / "a.ipynb").write_text("1")
        assert version_of(tmp_path) == first
        (tmp_path / "a.ipynb").write_text("2")
        assert version_of(tmp_path) != first


class TestReceiving:
    def test_a_submission_is_kept_under_the_version_that_is_out(self, intake):
        submission = receive(intake)
        assert (submission.student, submission.version) == ("ada", "version1")
        assert intake.store.newest(COURSE, EXERCISE, "ada") == submission

    def test_grading_hears_of_it_and_its_failure_loses_nothing(self, tree):
        heard = []
        intake = Intake(tree, released_class(tree), accepted=heard.append)
        assert heard == [receive(intake)]

        def fail(_):
            raise OSError("the queue is gone")

        failing = Intake(tree, intake.courses, accepted=fail)
        assert failing.store.newest(COURSE, EXERCISE, "bob") is None
        assert receive(failing, "bob") == failing.store.newest(COURSE, EXERCISE, "bob")

    @pytest.mark.parametrize(
        "files",
        [{}, {"other.ipynb": b"{}"}, {NOTEBOOK: b"not JSON"}, {NOTEBOOK: b"{}", "../x": b""}],
    )
    def test_what_is_refused_is_not_kept(self, intake, files):
        with pytest.raises(Refused):
            intake.receive(COURSE, EXERCISE, "ada", pack(files))
        assert intake.store.of_student("ada") == []

    def test_nobody_reads_the_feedback_of_another(self, tree, intake):
        submission = receive(intake)
        publish_feedback(tree, submission.id, "double-scaling", "<p>well done</p>")
        assert b"well done" in intake.feedback("ada", submission.id)["double-scaling"]
        for student, id in (("bob", submission.id), ("ada", "unknown"), ("ada", "../" + submission.id)):
            with pytest.raises(Refused, match="no such submission of yours"):
                intake.feedback(student, id)


class TestRates:
    def test_who_hands_in_too_often_waits_and_nobody_else(self, intake):
        for number in range(5):
            receive(intake, answer=str(number))
        with pytest.raises(Refused, match="Submit again in 10 min") as refused:
            receive(intake, answer="6")
        assert refused.value.status == 429
        assert 590 <= refused.value.retry_after <= 601
        assert receive(intake, "bob")

    def test_after_the_wait_work_is_taken_again(self, intake, monkeypatch):
        shift_clock(monkeypatch, DUE - 100 * HOUR)
        for number in range(5):
            receive(intake, answer=str(number))
        shift_clock(monkeypatch, DUE - 99 * HOUR)
        assert receive(intake, answer="6")

    def test_refused_attempts_count_too(self, intake):
        for _ in range(8):
            with pytest.raises(Refused, match="zip"):
                intake.receive(COURSE, EXERCISE, "ada", b"no zip")
        with pytest.raises(Refused, match="You tried to submit 8 times"):
            receive(intake)

    def test_requests_side_by_side_do_not_pass_the_limit_together(self, intake):
        outcomes = []

        def hand_in(number: int) -> None:
            try:
                outcomes.append(receive(intake, answer=str(number)))
            except Refused as e:
                outcomes.append(e.status)

        threads = [threading.Thread(target=hand_in, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes.count(429) == 3
        assert len(intake.store.of_student("ada")) == 5

    def test_a_course_takes_no_more_bytes_than_it_should(self, tree):
        intake = Intake(tree, released_class(tree), rate=Rate(course_bytes=1000))
        receive(intake, answer="#" * 1500)
        with pytest.raises(Refused, match="Ask your instructor"):
            receive(intake)


class TestDueDates:
    def test_work_is_taken_late_and_refused_when_closed(self, intake, monkeypatch):
        shift_clock(monkeypatch, DUE + 71 * HOUR)
        assert receive(intake).received_at > DUE
        shift_clock(monkeypatch, DUE + 73 * HOUR)
        with pytest.raises(Refused, match="closed on Sun 01 Feb 2099 18:00 CET") as refused:
            receive(intake, answer="2")
        assert refused.value.status == 403

    def test_an_extension_is_for_one_student(self, intake, tree, monkeypatch):
        course = intake.courses[COURSE]
        grant(tree, course, EXERCISE, "ada", DUE + 200 * HOUR, "was ill", "teacher")
        shift_clock(monkeypatch, DUE + 199 * HOUR)
        assert receive(intake)
        with pytest.raises(Refused, match="closed"):
            receive(intake, "bob")
        assert deadline(tree, course, EXERCISE, "ada").extended
        assert [(row.student, row.reason, row.granted_by) for row in extensions(tree, COURSE)] == [
            ("ada", "was ill", "teacher")
        ]

    def test_the_newest_extension_counts(self, intake, tree):
        course = intake.courses[COURSE]
        for hours in (200, 100):
            grant(tree, course, EXERCISE, "ada", DUE + hours * HOUR, "", "teacher")
        assert deadline(tree, course, EXERCISE, "ada").due == DUE + 100 * HOUR
        assert len(extensions(tree, COURSE)) == 1

    def test_an_extension_to_before_the_due_date_is_refused(self, intake, tree):
        with pytest.raises(Refused, match="before the due date"):
            grant(tree, intake.courses[COURSE], EXERCISE, "ada", DUE - HOUR, "", "teacher")

    def test_the_manifest_says_how_long_late_work_is_taken(self, tree, monkeypatch):
        released_class(tree)
        course = manifest_with(tree, COURSE, late={"per_day": 0.5, "days": 0})
        intake = Intake(tree, {COURSE: course})
        shift_clock(monkeypatch, DUE)
        assert receive(intake)
        shift_clock(monkeypatch, DUE + dt.timedelta(seconds=1))
        with pytest.raises(Refused, match="closed"):
            receive(intake, answer="2")
