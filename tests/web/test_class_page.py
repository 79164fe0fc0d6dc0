"""The instructor's pages over HTTP: what needs a person, buttons that say what they did, fast for a large class."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from collections.abc import Iterator

import pytest
import quick_grading
from fastapi.testclient import TestClient
from nbgrader.api import Gradebook
from prometheus_client.parser import text_string_to_metric_families
from signed_in import FORM, HUB, signed_in_client
from sqlalchemy import event, update
from test_grading_faults import EXERCISE, release
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import read_course
from tpc_grader.database import audit
from tpc_grader.database.engine import open_database
from tpc_grader.grades import visibility
from tpc_grader.grades.late import deadline
from tpc_grader.grades.scores import cell_scores, class_scores
from tpc_grader.queue import queue
from tpc_grader.queue.jobs import JobRow
from tpc_grader.submissions.store import Store
from tpc_grader.versions import releases
from tpc_grader.worker.classwork import queue_class
from tpc_grader.worker.writer import write_next
from tpc_hub.people import people
from tpc_hub.people.people import Person, enrol
from tpc_hub.settings.secrets import ensure_secret
from tpc_hub.web.app import make_app
from tpc_hub.web.session.identity import SCOPE
from tpc_hub.web.session.times import in_zone

COURSE = "/services/campus/course/scaling"


@pytest.fixture
def campus(tree: Places, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A campus with an instructor, two students and a released exercise."""
    tree.state.mkdir()
    release(tree)
    roles = {"teacher": "instructor", "ada": "student", "bob": "student"}
    with people.transaction(tree) as session:
        for name, role in roles.items():
            session.add(Person(name=name, display_name=f"{name.title()} Example"))
            session.flush()
            enrol(session, "scaling", name, role)
    for name, value in (
        ("CAMPUS_ROOT", str(tree.root)),
        ("CAMPUS_STATE", str(tree.state)),
        *HUB.items(),
    ):
        monkeypatch.setenv(name, value)
    return tree


@pytest.fixture
def teacher(campus: Places) -> Iterator[TestClient]:
    """A browser in which the instructor is signed in."""
    yield from signed_in("teacher", "formgrade-scaling")


@pytest.fixture
def ada(campus: Places) -> Iterator[TestClient]:
    """A browser in which a student is signed in."""
    yield from signed_in("ada", "nbgrader-scaling")


def signed_in(name: str, group: str) -> Iterator[TestClient]:
    """Start the application with a session of somebody whose groups at the hub are right."""
    app = make_app()
    with signed_in_client(app, name, group) as client:
        yield client


def press(client: TestClient, path: str, **fields: str) -> str:
    """Send a form and return the page it leads to."""
    answer = client.post(f"{COURSE}/{path}", data={"form_token": FORM, **fields})
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(page: str) -> str:
    """Return the words of a page."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def hand_in(places: Places, student: str, points: float, words: str = "") -> None:
    """Hand in work that the quick grader scores."""
    from quick_service import notebook

    files = {f"{EXERCISE}.ipynb": notebook(f"points={points:g} {words}")}
    version = releases.released(places.intake, "scaling", EXERCISE).version
    queue.submitted(places, Store(places).add("scaling", EXERCISE, student, version, files))


def work_off(places: Places) -> None:
    """Do what worker and writer do, in this process."""
    store = Store(places)
    while job := queue.claim(places, "test"):
        course = read_course(places.courses / f"{job.course}.yml", places)
        graded = quick_grading.run(
            places, course, store.get(job.submission), version=job.version, public=job.kind == "public"
        )
        queue.finish(places, job, "test", graded)
    while write_next(places, quick_grading.record):
        pass


def set_outcome(places: Places, student: str, **values: object) -> None:
    """Make a student's last full run have ended otherwise."""
    with people.transaction(places) as session:
        session.execute(
            update(JobRow).where(JobRow.student == student, JobRow.kind == "full").values(**values)
        )


@pytest.mark.parametrize(
    ("kind", "scopes"),
    [
        ("user", []),
        ("user", ["access:services!service=formgrader-scaling"]),
        ("user", ["access:servers!server=ada/"]),
        ("service", [SCOPE]),
    ],
)
def test_a_token_for_something_else_signs_nobody_in(campus, kind, scopes):
    with signed_in_client(
        make_app(), "teacher", "formgrade-scaling", scopes, kind, follow_redirects=False
    ) as client:
        assert client.get(f"{COURSE}/class").status_code == 303
        pressed = client.post(f"{COURSE}/grade", data={"form_token": FORM, "exercise": EXERCISE})
        assert pressed.status_code == 403


def test_the_grade_button_queues_and_then_says_for_how_many(campus, teacher):
    hand_in(campus, "ada", 7)
    hand_in(campus, "bob", 3)
    page = text_of(press(teacher, "grade", exercise=EXERCISE))
    assert "Grading Doubling for scaling: 0 of 2 done" in page
    assert "Grade 2 new submissions" in page
    assert "The grader is not running" in page
    work_off(campus)
    page = text_of(teacher.get(f"{COURSE}/class").text)
    assert "Doubling for scaling: graded 2 submissions, 0 failed" in page
    assert "7/10" in page
    assert "3/10" in page
    page = text_of(press(teacher, "grade", exercise=EXERCISE))
    assert "Nothing to grade" in page


def test_failures_are_on_top_with_their_reason_and_the_button_tries_them_again(campus, teacher):
    hand_in(campus, "ada", 7)
    work_off(campus)
    set_outcome(campus, "ada", state="failed", reason="the sandbox was away (5 attempts)")
    page = text_of(teacher.get(f"{COURSE}/class").text)
    assert "1 failed, with reason" in page
    assert "the sandbox was away" in page
    press(teacher, "grade", exercise=EXERCISE)
    work_off(campus)
    assert "Doubling for scaling: graded 1 submission, 0 failed" in text_of(
        teacher.get(f"{COURSE}/class").text
    )


def test_the_table_filters_and_sorts_without_a_script(campus, teacher):
    for points in (1, 2, 3):
        hand_in(campus, "bob", points)
    hand_in(campus, "ada", 9)
    work_off(campus)

    def rows(query: str) -> list[str]:
        page = teacher.get(f"{COURSE}/class{query}").text
        return re.findall(r'<th scope="row"><a [^>]+>(\w+)', page)

    assert rows("") == ["Ada", "Bob"]
    assert rows(f"?sort={EXERCISE}") == ["Bob", "Ada"]
    assert rows("?show=stuck") == ["Bob"]
    assert rows("?show=missing") == []
    assert "3 submissions" in teacher.get(f"{COURSE}/class").text


def test_an_extension_is_given_and_logged(campus, teacher):
    until = "2099-02-05T18:00"
    page = press(teacher, "extend", exercise=EXERCISE, student="ada", until=until, reason="ill")
    assert "Ada Example (ada) may hand in Doubling for scaling until Thu 05 Feb 2099 18:00 CET" in text_of(
        page
    )
    course = read_course(campus.courses / "scaling.yml", campus)
    due = deadline(campus, course, EXERCISE, "ada").due
    assert due == dt.datetime(2099, 2, 5, 17, tzinfo=dt.UTC)
    (entry,) = audit.entries(campus, "scaling")
    assert (entry.who, entry.what, entry.student, entry.note) == ("teacher", "extension", "ada", "ill")
    assert "extension" in text_of(teacher.get(f"{COURSE}/audit").text)


@pytest.mark.parametrize(
    ("until", "how", "readings"),
    [
        (
            "2100-03-28T02:30",
            "does not exist",
            ["Sun 28 Mar 2100 01:30 CET", "Sun 28 Mar 2100 03:30 CEST"],
        ),
        ("2100-10-31T02:30", "exists twice", ["Sun 31 Oct 2100 02:30 CEST", "Sun 31 Oct 2100 02:30 CET"]),
    ],
)
def test_a_time_that_clocks_skip_or_repeat_is_asked_back_in_the_form(campus, teacher, until, how, readings):
    fields = {"form_token": FORM, "exercise": EXERCISE, "student": "ada", "reason": "ill & <b>sad</b>"}
    asked = teacher.post(f"{COURSE}/extend", data={**fields, "until": until})
    assert asked.status_code == 422
    assert f"{until.replace('T', ' ')} {how} in Europe/Berlin" in text_of(asked.text)
    assert audit.entries(campus) == []
    buttons = re.findall(r'<button name="until" value="([^"]+)">([^<]+)</button>', asked.text)
    assert [words for _, words in buttons] == readings
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text))
    assert {name: html.unescape(value) for name, value in hidden.items()} == fields
    course = read_course(campus.courses / "scaling.yml", campus)
    for value, words in buttons:
        page = press(teacher, "extend", **{**fields, "until": value})
        assert f"Ada Example (ada) may hand in Doubling for scaling until {words}" in text_of(page)
        due = deadline(campus, course, EXERCISE, "ada").due
        assert due == dt.datetime.fromisoformat(value)


@pytest.mark.parametrize(
    ("path", "fields", "reason"),
    [
        ("extend", {"exercise": EXERCISE, "student": "ada", "until": "soon"}, "not a date"),
        (
            "extend",
            {"exercise": EXERCISE, "student": "ada", "until": "2020-01-01T00:00"},
            "before the due date",
        ),
        ("results", {"policy": "never"}, "no policy"),
        ("answer", {"number": "7", "words": "no"}, "no request 7"),
        ("answer", {"number": "7", "words": "no", "points": "many"}, "no number"),
    ],
)
def test_a_form_that_cannot_be_meant_changes_nothing_and_says_why(campus, teacher, path, fields, reason):
    answer = teacher.post(f"{COURSE}/{path}", data={"form_token": FORM, **fields})
    assert answer.status_code in (400, 404)
    assert reason in answer.text
    assert audit.entries(campus) == []


def test_the_audit_page_says_who_did_what_when_in_the_courses_time(campus, teacher):
    hand_in(campus, "ada", 1)
    work_off(campus)
    hand_in(campus, "ada", 2)
    work_off(campus)
    press(teacher, "extend", student="ada", exercise=EXERCISE, until="2099-02-05T18:00", reason="ill")
    page = teacher.get(f"{COURSE}/audit").text
    folded = re.findall(r"<details>.*?</details>", page, flags=re.S)
    rows = [
        text_of(each) for each in re.split("<tr>", re.sub(r"<details>.*?</details>", "", page, flags=re.S))
    ]
    given, second, first = rows[2:]
    assert "teacher More time given ill ada" in given
    assert "Thu 05 Feb 2099 18:00 CET" in given
    assert re.search(r"\d\d:\d\d CES?T grader Graded graded, version .* ada Doubling for scaling – 1", first)
    assert re.search(r"grader Graded graded, .* ada Doubling for scaling 1 2", second)
    assert not any(mark in row for row in rows for mark in ("{", "+00:00", "UTC"))
    assert [json.loads(html.unescape(text_of(each).split(" kept ")[1]))["what"] for each in folded] == [
        "extension",
        "score",
        "score",
    ]


def test_the_score_beside_waiting_work_is_said_to_be_of_the_work_before(campus, teacher, ada):
    press(teacher, "results", policy="now")
    hand_in(campus, "ada", 2)
    work_off(campus)
    page = f"/services/campus/exercise/scaling/{EXERCISE}"
    assert "for what you submitted" not in text_of(ada.get(page).text)
    zone = read_course(campus.courses / "scaling.yml", campus).zone
    first = in_zone(Store(campus).newest("scaling", EXERCISE, "ada").received_at, zone)
    hand_in(campus, "ada", 3)
    text = text_of(ada.get(page).text)
    assert "Waiting to be graded: number" in text
    assert f"Score: 2 of 10 points, for what you submitted {first}." in text


def test_who_looks_for_what_is_not_there_reads_a_page_and_a_program_json(campus, ada):
    path = f"/services/campus/feedback/scaling/{EXERCISE}"
    shown = ada.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert shown.status_code == 404
    assert "There is nothing to show here There is no feedback for you yet." in text_of(shown.text)
    assert "Back to my courses" in shown.text
    told = ada.get(path, headers={"Accept": "application/json"})
    assert told.json()["detail"].startswith("There is no feedback for you yet.")
    hand_in(campus, "ada", 1)
    work_off(campus)
    refused = ada.post(
        f"/services/campus/exercise/scaling/{EXERCISE}/regrade",
        data={"form_token": FORM, "cell": "no-such-part", "reason": "x"},
        headers={"Accept": "text/html"},
    )
    assert refused.status_code >= 400
    assert "Your score is not released yet" in text_of(refused.text)


def test_the_results_policy_decides_what_students_see_and_is_logged(campus, teacher):
    hand_in(campus, "ada", 7)
    work_off(campus)
    mine = Store(campus).newest("scaling", EXERCISE, "ada").id
    assert queue.progress(campus, mine).result is None
    page = press(teacher, "results", policy="now")
    assert "Students see their scores: as soon as they are graded" in text_of(page)
    assert queue.progress(campus, mine).result.points == 7
    press(teacher, "results", policy="after-due")
    assert queue.progress(campus, mine).result is None
    told = [(row.before, row.after) for row in audit.entries(campus) if row.what == "policy results"]
    assert told == [("on-release", "now"), ("now", "after-due")]


def test_a_regrade_request_is_answered_on_the_page_and_the_manual_score_survives_regrading(
    campus, teacher, ada
):
    from tpc_grader.desk import regrade

    course = read_course(campus.courses / "scaling.yml", campus)
    hand_in(campus, "ada", 4)
    work_off(campus)
    visibility.release(campus, course, EXERCISE, "teacher")
    ask = {"form_token": FORM, "cell": quick_grading.CELL, "reason": "My answer is <b>right</b> too"}
    assert ada.post(f"/services/campus/exercise/scaling/{EXERCISE}/regrade", data=ask).status_code == 200
    page = teacher.get(f"{COURSE}/class").text
    assert "1 regrade request" in text_of(page)
    assert "My answer is &lt;b&gt;right&lt;/b&gt; too" in page
    (row,) = regrade.requests_of(campus, "scaling")
    page = press(teacher, "answer", number=str(row.number), words="Yes, well seen", points="9,5")
    assert "the score was changed" in text_of(page)
    assert "answered regrade request" in text_of(page)
    assert "Yes, well seen" in text_of(ada.get(f"/services/campus/exercise/scaling/{EXERCISE}").text)
    queue_class(campus, course, EXERCISE, again=True)
    work_off(campus)
    assert cell_scores(campus, "scaling", EXERCISE, "ada")[quick_grading.CELL].points == 9.5
    by_hand = [row for row in audit.entries(campus, student="ada") if row.what == "score by hand"]
    assert [(row.who, row.before, row.after) for row in by_hand] == [("teacher", "4.0", "9.5")]
    again = teacher.post(
        f"{COURSE}/answer", data={"form_token": FORM, "number": str(row.number), "words": "x"}
    )
    assert "answered already" in again.text


def test_points_out_of_range_are_refused_and_the_request_stays_open(campus, teacher):
    from tpc_grader.desk import regrade

    course = read_course(campus.courses / "scaling.yml", campus)
    hand_in(campus, "ada", 4)
    work_off(campus)
    visibility.release(campus, course, EXERCISE, "teacher")
    mine = Store(campus).newest("scaling", EXERCISE, "ada")
    number = regrade.request(campus, course, mine, quick_grading.CELL, "please")
    for points in ("-1", "11", "nan", "inf"):
        data = {"form_token": FORM, "number": str(number), "words": "yes", "points": points}
        assert teacher.post(f"{COURSE}/answer", data=data).status_code == 400
    assert cell_scores(campus, "scaling", EXERCISE, "ada")[quick_grading.CELL].points == 4
    assert not regrade.requests_of(campus, "scaling")[0].decision


def test_a_corrected_exercise_is_tried_shown_and_applied(campus, teacher):
    hand_in(campus, "ada", 4)
    hand_in(campus, "bob", 5)
    work_off(campus)
    assert "Try the corrected version" not in teacher.get(f"{COURSE}/class").text
    files = {f"{EXERCISE}.ipynb": b"{}"}
    releases.publish(campus.intake, "scaling", EXERCISE, files, "corrected")
    assert "Try the corrected version on 2 submissions" in text_of(teacher.get(f"{COURSE}/class").text)
    page = text_of(press(teacher, f"regrade/{EXERCISE}/try"))
    assert "0 of 2 done" in page
    work_off(campus)
    page = text_of(teacher.get(f"{COURSE}/regrade/{EXERCISE}").text)
    assert "2 students' scores change" in page.replace("&#39;", "'")
    assert "ada test-double 4 5" in page
    assert class_scores(campus, "scaling")["ada", EXERCISE].points == 4, "looking writes nothing"
    press(teacher, f"regrade/{EXERCISE}/apply", version="corrected")
    work_off(campus)
    assert "Doubling for scaling: applied the corrected version to 2 submissions" in text_of(
        teacher.get(f"{COURSE}/class").text
    )
    assert class_scores(campus, "scaling")["ada", EXERCISE].points == 5
    written = [(row.before, row.after) for row in audit.entries(campus, student="bob") if row.what == "score"]
    assert written == [("", '{"test-double": 5.0}'), ('{"test-double": 5.0}', '{"test-double": 6.0}')]
    press(teacher, f"regrade/{EXERCISE}/apply", version="corrected")
    assert len([row for row in audit.entries(campus) if row.what == "regrade applied"]) == 1


def test_a_class_of_200_costs_as_many_queries_as_a_class_of_two(campus, teacher):
    from tpc_hub.web.instructor.classroom import class_rows

    course = read_course(campus.courses / "scaling.yml", campus)
    state = teacher.app.state.campus
    few = count_queries(campus, state, course)
    with people.transaction(campus) as session:
        for index in range(200):
            session.add(Person(name=f"s{index}", display_name=f"S {index}"))
            session.flush()
            enrol(session, "scaling", f"s{index}")
    for index in range(200):
        hand_in(campus, f"s{index}", index % 10)
    assert count_queries(campus, state, course) == few
    assert len(class_rows(state, course)) == 202


def count_queries(places: Places, state: object, course: object) -> int:
    """Return how many statements the class table takes."""
    from tpc_hub.web.instructor.classroom import class_rows

    engine = open_database(places.database_url)
    seen = list[str]()
    listen = lambda conn, cursor, statement, *rest: seen.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    class_rows(state, course)
    event.remove(engine, "before_cursor_execute", listen)
    return len(seen)


@pytest.mark.parametrize("path", ["class", "class.json", "grades.csv", "audit", f"regrade/{EXERCISE}"])
def test_students_see_no_page_of_the_instructor(campus, ada, path):
    assert ada.get(f"{COURSE}/{path}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "grade",
        "feedback",
        "extend",
        "results",
        "answer",
        "approve-all",
        "person/bob/approve",
        "person/bob/erase",
        "person/bob/refuse",
        "person/bob/leave",
        "person/bob/shown-name",
        "person/bob/sign-in-name",
        "person/bob/move",
        "person/bob/enrol-again",
        "person/bob/password-link",
        "person/teacher/demote",
        "formgrader",
        f"regrade/{EXERCISE}/apply",
    ],
)
def test_students_can_press_no_button_of_the_instructor(campus, ada, path):
    fields = {"exercise": EXERCISE, "student": "ada", "until": "2099-02-05T18:00", "policy": "now"}
    more = {"number": "1", "words": "x", "person": "ada", "names": "ada", "version": "x", "form_token": FORM}
    assert ada.post(f"{COURSE}/{path}", data=fields | more).status_code == 404
    assert audit.entries(campus) == []


def test_metrics_need_the_token_and_tell_queue_waits_and_outcomes(campus, teacher):
    hand_in(campus, "ada", 4)
    work_off(campus)
    hand_in(campus, "bob", 5)
    address = "/services/campus/metrics"
    assert teacher.get(address).status_code == 401
    assert teacher.get(address, headers={"Authorization": "Bearer wrong"}).status_code == 401
    token = {"Authorization": f"Bearer {ensure_secret(campus, 'metrics-token')}"}
    text = teacher.get(address, headers=token).text
    for line in (
        'campus_grading_jobs{kind="full",state="queued"} 1.0',
        'campus_grading_outcomes_total{kind="full",outcome="graded"} 1.0',
        'campus_grading_run_seconds_count{kind="public"} 1.0',
        'campus_grading_wait_seconds_count{kind="full"} 1.0',
        "campus_grading_submissions_total 2.0",
        "campus_grading_worker_up 0.0",
    ):
        assert line in text.splitlines(), line
    families = list(text_string_to_metric_families(text))
    assert all(each.documentation and each.type != "unknown" for each in families)
    for each in families:
        if each.type == "histogram":
            counts = [sample.value for sample in each.samples if sample.labels.get("kind") == "full"]
            buckets, (total, _) = counts[:-2], counts[-2:]
            assert buckets == sorted(buckets), each.name
            assert buckets[-1] == total == 1.0, each.name


def test_an_announcement_is_on_the_students_home_page_until_it_is_taken_down(campus, teacher, ada):
    page = press(teacher, "announcements", text=" Room <b>2</b> tomorrow\nat 9:00 ")
    assert "Announced" in text_of(page)
    home = ada.get("/services/campus/").text
    assert "Room &lt;b&gt;2&lt;/b&gt; tomorrow\nat 9:00</span>" in home
    assert "Teacher Example, " in text_of(home)
    number = re.search(r'name="number" value="(\d+)"', page)[1]
    assert "taken down" in text_of(press(teacher, "announcements/remove", number=number))
    assert "Room" not in ada.get("/services/campus/").text


def test_only_who_teaches_a_course_tells_it_something_and_not_too_much(campus, teacher, ada):
    fields = {"form_token": FORM, "text": "free pizza"}
    assert ada.post(f"{COURSE}/announcements", data=fields).status_code == 404
    assert teacher.post("/services/campus/course/data/announcements", data=fields).status_code == 404
    assert teacher.post(f"{COURSE}/announcements", data={"text": "forged"}).status_code in (403, 422)
    for text in ("", "  ", "x" * 1001):
        answer = teacher.post(f"{COURSE}/announcements", data={**fields, "text": text})
        assert "1 to 1000 characters" in answer.text
    assert 'class="told"' not in ada.get("/services/campus/").text


def test_the_home_page_needs_no_answer_of_the_hub(campus, ada):
    answer = ada.get("/services/campus/")
    assert answer.status_code == 200
    assert "Your JupyterLab" not in answer.text


def test_a_student_reads_what_being_late_cost(campus, teacher, ada):
    hand_in(campus, "ada", 7)
    work_off(campus)
    press(teacher, "results", policy="now")
    page = f"/services/campus/exercise/scaling/{EXERCISE}"
    assert "taken off" not in ada.get(page).text
    with Gradebook(f"sqlite:///{campus.nbgrader('scaling') / 'gradebook.db'}", "scaling") as book:
        # A day and an hour late; each begun day costs a tenth of the 10 points.
        book.find_submission(EXERCISE, "ada").timestamp = dt.datetime(2099, 1, 30, 18)
        book.db.commit()
    assert "Score: 5 of 10 points, 2 taken off because the work was late" in text_of(ada.get(page).text)
