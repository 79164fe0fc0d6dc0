"""An extension of a student's Jupyter server: nbgrader's list of assignments, which says what its buttons did.

nbgrader's own hands in without a word, is silent when a fetch fails, sorts submissions by their text, and shows
tracebacks. `told` in its answers is what JupyterLab shows (`tpc_hub/lab`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbgrader.server_extensions.assignment_list.handlers import AssignmentList

from tpc_grader.exchange.client import IntakeClient, IntakeError

# The line of a traceback that names the exception; what follows is for people.
_RAISED = re.compile(r"^[\w.]*(?:Error|Exception|Refused|Exit): ?", re.MULTILINE)
# What nbgrader says of every refusal when it lists.
_NO_FOLDER = "exchange directory does not exist"
Said = Mapping[str, Any] | None
_NO_ANSWER = "The campus did not answer. Your files are unchanged: try again in a minute."


class Assignments(AssignmentList):
    """nbgrader's list; each action leaves what is to be said of it for the answer that follows."""

    _told: dict[str, Any] | None = None

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        # What the student's answers were when they were last handed in, by exercise, since this server started.
        self._answers = dict[tuple[str, str], str]()

    def list_assignments(self, course_id: str | None = None) -> dict[str, Any]:
        """List what is released and submitted, with what the action before has to say."""
        answer: dict[str, Any] = super().list_assignments(course_id=course_id)
        if not answer["success"]:
            answer["value"] = _NO_ANSWER if _NO_FOLDER in answer["value"] else sentence(answer["value"])
        if self._told is not None:
            answer["told"], self._told = self._told, None
        return answer

    def list_submitted_assignments(self, course_id: str | None = None) -> dict[str, Any]:
        """List what was submitted, oldest first."""
        answer: dict[str, Any] = super().list_submitted_assignments(course_id=course_id)
        for each in answer["value"] if answer["success"] else ():
            each["submissions"].sort(key=lambda submission: submission["received_at"])
        return answer

    def submit_assignment(self, course_id: str, assignment_id: str) -> dict[str, Any]:
        """Hand in an exercise; what was handed in is told with the list that follows."""
        before, asked = newest(course_id, assignment_id), (course_id, assignment_id)
        answer: dict[str, Any] = super().submit_assignment(course_id, assignment_id)
        if answer["success"]:
            now = newest(course_id, assignment_id)
            answers = answers_in(Path(self.root_dir, *asked), now["files"]) if now else ""
            self._told = handed_in(course_id, assignment_id, before, now, self._answers.get(asked) == answers)
            self._answers[asked] = answers
        else:
            answer["value"] = f"Nothing was handed in. {sentence(answer['value'])}"
        return answer

    def fetch_assignment(self, course_id: str, assignment_id: str) -> dict[str, Any]:
        """Fetch an exercise; a failure is told with the list that follows."""
        return self._tell_failure(
            f"{assignment_id} was not fetched", super().fetch_assignment(course_id, assignment_id)
        )

    def fetch_feedback(self, course_id: str, assignment_id: str) -> dict[str, Any]:
        """Fetch feedback; a failure is told with the list that follows."""
        answer = super().fetch_feedback(course_id, assignment_id)
        return self._tell_failure(f"The feedback on {assignment_id} was not fetched", answer)

    def _tell_failure(self, title: str, answer: dict[str, Any]) -> dict[str, Any]:
        if not answer["success"]:
            self._told = {"title": title, "lines": [sentence(answer["value"])]}
        return answer


def handed_in(
    course: str, exercise: str, before: Said, now: Said, same_answers: bool = False
) -> dict[str, Any]:
    """Return what the campus has `now` of an exercise, and whether that is what it had `before`."""
    told = {
        "title": f"{exercise} was handed in",
        "link": f"{os.environ.get('CAMPUS_URL', '')}/exercise/{course}/{exercise}",
        "label": "See the result on the campus",
    }
    if now is None:
        return told | {"lines": ["The campus has it, and will say more in a minute."]}
    lines = [f"Handed in {now['when']}. Receipt {now['code']}.", f"Files: {', '.join(now['files'])}."]
    if before is not None and before["id"] == now["id"]:
        told["title"] = f"{exercise}: the same as before"
        lines.insert(0, "Nothing has changed since you handed it in, and that stands.")
    elif same_answers:
        lines.append("The answers are the same as before: only outputs and settings of the notebook differ.")
    return told | {"lines": lines}


def newest(course: str, exercise: str) -> Said:
    """Return what the campus says of the student's newest submission, if it says anything."""
    client = IntakeClient.from_environment()
    try:
        found = client.submissions() if client else []
    except IntakeError:
        return None
    return next((each for each in found if (each["course"], each["exercise"]) == (course, exercise)), None)


def answers_in(folder: Path, names: Iterable[str]) -> str:
    """Return a digest of what a student wrote: the cells of notebooks without outputs, other files as they are."""
    digest = hashlib.sha256()
    for name in names:
        data = (folder / name).read_bytes()
        if name.endswith(".ipynb"):
            data = json.dumps(
                [[c["cell_type"], "".join(c["source"])] for c in json.loads(data)["cells"]]
            ).encode()
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def sentence(traceback: str) -> str:
    """Return what the exception at the end of a traceback says, as one paragraph."""
    said = _RAISED.split(traceback)[-1]
    return " ".join(said.split()) or "It did not work. Try again, and ask your instructor if it does not."


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: Any) -> None:
    """Take the place of nbgrader's list, which was loaded before: extensions are, by name."""
    ours = Assignments(parent=app)
    ours.root_dir = app.root_dir
    app.web_app.settings["assignment_list_manager"] = ours
