"""The intake over HTTP on a real hub: tokens decide who somebody is, and no folder is shared."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import httpx
import pytest
from campus_tree import make_tree
from class_tree import COURSE, EXERCISE, NOTEBOOK, work
from hub_client import SERVER_SCOPES, add_student, first_sign_in, token_of
from running_campus import RunningCampus, running_campus
from test_erasing import left_over
from tpc_grader.feedback.publish import publish_feedback
from tpc_grader.submissions.archive import LIMITS, pack, unpack
from tpc_grader.submissions.receipt_check import check_receipt
from tpc_grader.submissions.receipts import Receipt
from tpc_grader.submissions.store import Store
from tpc_hub.people.following import tell

pytestmark = [pytest.mark.hub, pytest.mark.timeout(600)]
# As `python -m nbgrader`, in half the time: what makes it slow to import is left out, as on people's servers.
NBGRADER = "import tpc_kernels; from nbgrader.apps.nbgraderapp import main; main()"


@dataclass
class Student:
    """Somebody with a password and the token of their server."""

    campus: RunningCampus
    name: str
    password: str
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.campus.port + 3}/services/campus/intake"

    def client(self, token: str | None = None) -> httpx.Client:
        """Return an HTTP client as the student's server uses one, or with another token."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {token or self.token}"}, timeout=60
        )

    def submit(self, archive: bytes, course: str = COURSE) -> httpx.Response:
        with self.client() as client:
            return client.post(f"/{course}/{EXERCISE}/submissions", content=archive)

    def nbgrader(self, home, *arguments: str) -> str:
        """Run nbgrader as on the student's own machine: a home, a token, an address, nothing shared."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "JUPYTER_CONFIG_PATH": str(self.campus.places.hub_dir / "student-config"),
            "CAMPUS_INTAKE_URL": self.url,
            "JUPYTERHUB_API_TOKEN": self.token,
            "JUPYTERHUB_USER": self.name,
        }
        done = subprocess.run(
            [sys.executable, "-c", NBGRADER, *arguments],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
        )
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("intake")
    with running_campus(make_tree(folder / "root", folder / "state")) as campus:
        yield campus


def student(campus: RunningCampus, name: str, course: str = COURSE) -> Student:
    password = add_student(campus, name, course)
    first_sign_in(campus, name, password)
    return Student(campus, name, password, token_of(campus, name, password, SERVER_SCOPES))


@pytest.fixture(scope="module")
def ada(campus):
    return student(campus, "ada", COURSE)


@pytest.fixture(scope="module")
def mallory(campus):
    return student(campus, "mallory", "data")


class TestIdentity:
    @pytest.mark.parametrize(
        "header", [None, "", "Bearer", "Bearer wrong", "Basic YWRhOmFkYQ==", "Bearer \xff"]
    )
    def test_without_a_token_of_the_hub_nothing_opens(self, ada, header):
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        for path in ("/assignments", "/submissions", f"/{COURSE}/{EXERCISE}/release"):
            assert httpx.get(ada.url + path, headers=headers).status_code in (401, 403)

    def test_a_token_made_for_something_else_opens_nothing(self, campus, ada):
        other = token_of(campus, "ada", ada.password, ["read:users:name!user"])
        with ada.client(other) as client:
            assert client.get("/assignments").status_code == 403

    def test_the_services_own_token_is_no_student(self, campus, ada):
        token = (campus.places.hub_dir / "secrets" / "formgrader-scaling").read_text().strip()
        with ada.client(token) as client:
            assert client.get("/assignments").status_code == 403

    def test_who_is_in_another_course_sees_and_hands_in_nothing(self, mallory):
        with mallory.client() as client:
            assert [each["course"] for each in client.get("/assignments").json()] == ["data"]
            assert client.get(f"/{COURSE}/{EXERCISE}/release").status_code == 404
        assert mallory.submit(work()).status_code == 404

    def test_nothing_in_a_request_says_who_somebody_is(self, campus, ada):
        archive = work("student = 'bob'", **{"bob+double-scaling+2020.txt": b"bob"})
        with ada.client() as client:
            answer = client.post(
                f"/{COURSE}/{EXERCISE}/submissions?student=bob",
                content=archive,
                headers={"X-Forwarded-User": "bob", "Date": "Wed, 01 Jan 2020 00:00:00 GMT"},
            )
        receipt = Receipt.model_validate(answer.json())
        assert receipt.student == "ada"
        assert receipt.received_at.year > 2020

    def test_a_forged_time_is_refused(self, ada):
        answer = ada.submit(work(**{"timestamp.txt": b"2020-01-01 00:00:00 UTC"}))
        assert answer.status_code == 422
        assert "reserved" in answer.json()["detail"]


class TestReceipts:
    def test_a_submission_is_answered_with_a_receipt_that_anybody_can_check(self, campus, ada, mallory):
        answer = ada.submit(work("for the receipt"))
        assert answer.status_code == 201
        assert check_receipt(campus.places, answer.text).student == "ada"
        checked = httpx.post(f"{ada.url}/receipts/verify", content=answer.content)
        assert checked.json()["valid"]
        assert "ada handed in double-scaling.ipynb" in checked.json()["proves"]
        changed = httpx.post(f"{ada.url}/receipts/verify", content=answer.text.replace("ada", "bob"))
        assert (changed.status_code, changed.json()["valid"]) == (422, False)
        assert httpx.get(f"{ada.url}/receipt-key").text.startswith("-----BEGIN PUBLIC KEY-----")

    def test_the_page_checks_a_pasted_receipt_without_an_account(self, ada):
        text = ada.submit(work("for the page")).text
        page = ada.url.replace("/intake", "/receipts")
        assert "The receipt holds" in httpx.post(page, data={"receipt": text}).text
        refused = httpx.post(page, data={"receipt": "<script>alert(1)</script>"})
        assert "does not hold" in refused.text
        assert "<script>alert" not in refused.text
        assert httpx.post(page, content=b"receipt=" + b"x" * 2**20).status_code == 413


class TestLimits:
    def test_a_body_above_the_limit_is_not_read_to_its_end(self, ada):
        sent = 0

        def endless():
            nonlocal sent
            while sent < 10 * LIMITS.archive_bytes:
                sent += 2**16
                yield bytes(2**16)

        with ada.client() as client:
            try:
                answer = client.post(f"/{COURSE}/{EXERCISE}/submissions", content=endless())
                assert answer.status_code == 413
            except httpx.HTTPError:
                pass  # the service hung up, which is as good
        assert sent < 2 * LIMITS.archive_bytes

    def test_a_told_length_above_the_limit_is_refused_at_once(self, ada):
        with socket.create_connection(("127.0.0.1", ada.campus.port + 3)) as connection:
            connection.sendall(
                f"POST /services/campus/intake/{COURSE}/{EXERCISE}/submissions HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {ada.token}\r\nContent-Length: {2**40}\r\n\r\n".encode()
            )
            assert b" 413 " in connection.recv(100)

    def test_one_student_holds_one_upload(self, ada):
        with socket.create_connection(("127.0.0.1", ada.campus.port + 3)) as connection:
            connection.sendall(
                f"POST /services/campus/intake/{COURSE}/{EXERCISE}/submissions HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {ada.token}\r\nContent-Length: 1000\r\n\r\nPK".encode()
            )
            # The campus asks the hub who that is before it counts the upload.
            answers = (ada.submit(work(f"second {number}")) for number in range(15))
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert refused.headers["Retry-After"] == "5"

    @pytest.mark.parametrize(
        ("archive", "status"),
        [
            (b"no zip", 415),
            (pack({"../evil": b""}), 422),
            (pack({NOTEBOOK: b"{}"}), 422),
            (pack({"other.ipynb": b"{}"}), 422),
            (pack({NOTEBOOK: b"{}", "zeros": bytes(2**23 + 1)}), 413),
        ],
    )
    def test_a_refusal_says_why(self, campus, archive, status):
        name = f"hostile-{abs(hash(archive)) % 10**6}"
        answer = student(campus, name, COURSE).submit(archive)
        assert answer.status_code == status
        assert len(answer.json()["detail"]) > 20

    def test_more_submissions_than_a_minute_may_have(self, campus):
        eager = student(campus, "eager", COURSE)
        quiet = student(campus, "quiet", COURSE)
        answers = [eager.submit(work(f"{number}")) for number in range(50)]
        counts = Counter(answer.status_code for answer in answers)
        assert counts == {201: 20, 429: 30}
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert quiet.submit(work("mine")).status_code == 201
        kept = Store(campus.places).all(COURSE, EXERCISE, "eager")
        assert len(kept) == 20
        assert [each.receipt for each in reversed(kept)] == [
            Receipt.model_validate(answer.json()) for answer in answers if answer.status_code == 201
        ]

    def test_many_students_at_once_are_all_answered(self, campus):
        people = [student(campus, f"crowd-{number}", COURSE) for number in range(6)]
        answers = []

        def hand_in(who: Student) -> None:
            answers.extend(who.submit(work(f"{who.name} {number}")) for number in range(5))

        threads = [threading.Thread(target=hand_in, args=(who,)) for who in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [201] * 30
        for answer in answers:
            check_receipt(campus.places, answer.text)


class TestWithoutASharedFolder:
    """nbgrader's own commands on a machine that sees nothing of the campus but its address."""

    def test_fetch_work_submit_and_feedback(self, campus, ada, tmp_path):
        listed = ada.nbgrader(tmp_path, "list")
        assert "scaling double-scaling" in listed
        assert "data" not in listed
        ada.nbgrader(tmp_path, "fetch_assignment", EXERCISE, "--course", COURSE)
        folder = tmp_path / COURSE / EXERCISE
        notebook = json.loads((folder / NOTEBOOK).read_text())
        assert "HIDDEN" not in json.dumps(notebook)
        notebook["cells"][1]["source"] = "def double(x):\n    return x * 2"
        (folder / NOTEBOOK).write_text(json.dumps(notebook))
        said = ada.nbgrader(tmp_path, "submit", EXERCISE, "--course", COURSE)
        assert "Submitted as: scaling double-scaling" in said
        (receipt,) = (folder / "receipts").glob("*.json")
        kept = check_receipt(campus.places, receipt.read_text())
        assert f"Receipt {kept.code} of ada" in said
        newest = Store(campus.places).newest(COURSE, EXERCISE, "ada")
        assert newest.receipt == kept
        assert newest.notebook.read_bytes() == (folder / NOTEBOOK).read_bytes()

        assert "no feedback available" in ada.nbgrader(tmp_path, "list", "--cached")
        publish_feedback(campus.places, newest.id, EXERCISE, "<p>well done</p>")
        assert "feedback ready to be fetched" in ada.nbgrader(tmp_path, "list", "--cached")
        ada.nbgrader(tmp_path, "fetch_feedback", EXERCISE, "--course", COURSE)
        (page,) = (folder / "feedback").glob("*/*.html")
        assert "well done" in page.read_text()
        listed = ada.nbgrader(tmp_path, "list", "--cached")
        assert f"receipt {kept.code} (feedback already fetched)" in listed
        # What the campus sent stays behind when the work is handed in again.
        ada.nbgrader(tmp_path, "submit", EXERCISE, "--course", COURSE)
        assert Store(campus.places).newest(COURSE, EXERCISE, "ada") == newest

    def test_planted_links_stay_on_the_students_machine(self, campus, ada, tmp_path):
        ada.nbgrader(tmp_path, "fetch_assignment", EXERCISE, "--course", COURSE)
        (tmp_path / COURSE / EXERCISE / "loot").symlink_to("/etc/shadow")
        said = ada.nbgrader(tmp_path, "submit", EXERCISE, "--course", COURSE)
        assert "loot: a link" in said
        assert "Submitted as" not in said

    def test_a_refusal_reaches_the_student_in_the_campus_words(self, ada, tmp_path):
        ada.nbgrader(tmp_path, "fetch_assignment", EXERCISE, "--course", COURSE)
        (tmp_path / COURSE / EXERCISE / NOTEBOOK).write_text("{")
        said = ada.nbgrader(tmp_path, "submit", EXERCISE, "--course", COURSE)
        assert "it is not a notebook" in said
        assert "Open it in JupyterLab, save it, then submit again" in said

    def test_another_course_and_a_campus_that_is_away_are_told(self, ada, tmp_path):
        assert "You are in no course called data" in ada.nbgrader(
            tmp_path, "fetch_assignment", "double-data", "--course", "data"
        )
        away = Student(RunningCampus(ada.campus.places, 1, ada.campus.process), "ada", "", ada.token)
        assert "The campus did not answer" in away.nbgrader(tmp_path, "list")

    def test_a_release_holds_what_students_may_have(self, ada):
        with ada.client() as client:
            files = unpack(client.get(f"/{COURSE}/{EXERCISE}/release").content)
        text = files[NOTEBOOK].decode()
        assert list(files) == [NOTEBOOK]
        assert "HIDDEN TESTS" not in text
        assert "return 2 * x" not in text


class TestLeaving:
    """What the campus decides of people, the hub and the servers that run follow at once."""

    def test_who_is_taken_out_gets_nothing_with_the_token_of_a_running_server(self, campus):
        zoe = student(campus, "zoe")
        assert groups(campus, "zoe") == set(), "the hub hears of groups when somebody is on a campus page"
        campus.run("user", "add", "zoe", "--attends", COURSE)
        assert groups(campus, "zoe") == {f"nbgrader-{COURSE}"}
        receipt = zoe.submit(work("zoe's")).json()
        campus.run("user", "leave", "zoe", COURSE)
        assert groups(campus, "zoe") == set()
        with zoe.client() as client:
            assert client.get("/assignments").json() == []
            assert client.get(f"/{COURSE}/{EXERCISE}/release").status_code == 404
            assert [each["id"] for each in client.get("/submissions").json()] == [receipt["submission"]]
        assert zoe.submit(work("more")).status_code == 404
        campus.run("user", "add", "zoe", "--attends", COURSE)
        with zoe.client() as client:
            assert [each["course"] for each in client.get("/assignments").json()] == [COURSE]

    def test_a_demotion_takes_the_group_that_opens_the_formgrader(self, campus):
        campus.run("user", "add", "zack", "--teaches", "data")
        zack = student_of_password(campus, "zack")
        campus.run("user", "add", "zack", "--teaches", COURSE)
        assert groups(campus, "zack") == {"formgrade-data", f"formgrade-{COURSE}"}
        campus.run("user", "demote", "zack", COURSE)
        assert groups(campus, "zack") == {"formgrade-data", f"nbgrader-{COURSE}"}
        assert zack.token

    def test_another_password_ends_what_was_signed_in_before(self, campus):
        zed = student(campus, "zed")
        campus.run("user", "password", "zed")
        with zed.client() as client:
            assert client.get("/assignments").status_code == 403

    def test_the_hub_forgets_an_erased_person_and_nothing_is_left_of_them(self, campus):
        name = "xerxes-quux"
        receipt = student(campus, name).submit(work("xerxes' own")).json()
        campus.run("grade", COURSE, EXERCISE)
        words = (name, receipt["submission"])
        assert {"hub/jupyterhub.sqlite, table users", "logs/hub.log"} <= places_of(
            left_over(campus.places, words)
        )
        campus.run("user", "erase", name, "--confirm", name)
        assert groups(campus, name) is None
        assert list(left_over(campus.places, words)) == []

    def test_the_hub_forgets_nobody_whom_the_campus_does_not_block(self, campus, ada):
        secret = (campus.places.hub_dir / "secrets" / "operator").read_text()
        assert tell(f"http://127.0.0.1:{campus.port + 1}/hub/api", secret, "ada", forget=True)
        assert groups(campus, "ada") == {f"nbgrader-{COURSE}"}

    @pytest.mark.parametrize("token", ["wrong", "of-ada"])
    def test_nobody_else_makes_the_hub_follow(self, campus, ada, token):
        address = f"http://127.0.0.1:{campus.port + 1}/hub/api/campus/people/ada"
        headers = {"Authorization": f"token {ada.token if token == 'of-ada' else token}"}
        assert httpx.post(address, json={"forget": True}, headers=headers).status_code == 403
        assert groups(campus, "ada") is not None


def places_of(found: Iterable[str]) -> set[str]:
    return {each.removeprefix("the file ").partition(":")[0] for each in found}


def student_of_password(campus: RunningCampus, name: str) -> Student:
    """Return somebody who has signed in with a password that the operator set."""
    password = re.search(r"password (\S+),", campus.run("user", "password", name))[1]
    first_sign_in(campus, name, password)
    return Student(campus, name, password, token_of(campus, name, password, SERVER_SCOPES))


def groups(campus: RunningCampus, name: str) -> set[str] | None:
    """Return a person's groups as the hub keeps them, None for somebody whom it does not know."""
    with sqlite3.connect(campus.places.hub_dir / "jupyterhub.sqlite") as hub:
        if hub.execute("select 1 from users where name = ?", (name,)).fetchone() is None:
            return None
        query = (
            "select groups.name from groups join user_group_map on groups.id = group_id "
            "join users on users.id = user_id where users.name = ?"
        )
        return {group for (group,) in hub.execute(query, (name,))}
