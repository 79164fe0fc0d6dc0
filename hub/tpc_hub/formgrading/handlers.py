"""Pages and actions of the formgrader that are other than nbgrader's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbgrader.apps import NbGraderAPI
from nbgrader.server_extensions.formgrader import apihandlers
from nbgrader.server_extensions.formgrader import handlers as pages
from tornado import web
from tpc_courses.base.places import Places
from tpc_courses.sources.manifest import Course
from tpc_grader.database.attendance import gone
from tpc_grader.desk.unread import unread
from tpc_grader.grades import visibility

from tpc_hub.formgrading.names import tell_names
from tpc_hub.people import people

# A student's file may be a page with a script: it is saved, not opened where grades are given.
FILE_POLICY = "sandbox; default-src 'none'"


class ClassApi(NbGraderAPI):
    """What nbgrader's pages list, of those who are in the course."""

    away: frozenset[str] = frozenset()

    def get_submitted_students(self, assignment_id: str) -> set[str]:
        """Return who handed in."""
        return set(super().get_submitted_students(assignment_id)) - self.away

    def get_students(self) -> list[dict[str, Any]]:
        """Return the students."""
        return [each for each in super().get_students() if each["id"] not in self.away]

    def get_submissions(self, assignment_id: str) -> list[dict[str, Any]]:
        """Return the submissions to an exercise."""
        return [each for each in super().get_submissions(assignment_id) if each["student"] not in self.away]

    def _filter_existing_notebooks(self, assignment_id: str, notebooks: list[Any]) -> list[Any]:
        found = super()._filter_existing_notebooks(assignment_id, notebooks)
        return [each for each in found if each.student.id not in self.away]


class Fresh:
    """Lets go of the gradebook after each request: what the grader or a colleague wrote since is seen by the next.

    nbgrader makes paths of the names in an address: none leads out of the folder that it is meant for.
    """

    settings: dict[str, Any]
    current_user: Any
    coursedir: Any
    authenticator: Any
    path_args: list[str | None]
    path_kwargs: dict[str, str | None]

    async def prepare(self) -> None:
        """Refuse who teaches the course no more, and names that climb, which browsers send with escaped slashes.

        The hub is asked for a person's groups once in a while; who teaches is known here at any moment.
        """
        await super().prepare()  # type: ignore[misc]
        if self.current_user is not None and not self._teaches(self.current_user.username):
            raise web.HTTPError(403, "You do not teach this course.")
        names = filter(None, (*self.path_args, *self.path_kwargs.values()))
        if any("//" in each or ".." in each.split("/") for each in names):
            raise web.HTTPError(404, "There is no such page.")

    def _teaches(self, name: str) -> bool:
        course: Course = self.settings["tpc_course"]
        with people.session(self.settings["tpc_places"]) as session:
            return people.roles_of(session, name).get(course.id) == "instructor"

    @property
    def api(self) -> ClassApi:
        """Return nbgrader's way to the course, without those who left it."""
        parent = self.coursedir.parent
        parent.load_config_file()
        made = ClassApi(self.coursedir, self.authenticator, parent=parent)
        made.away = gone(self.settings["tpc_places"], self.settings["tpc_course"].id)
        return made

    def on_finish(self) -> None:
        """End the transaction, and forget what was read in it."""
        book = self.settings["nbgrader_gradebook"]
        if book is not None:
            book.db.rollback()
        super().on_finish()  # type: ignore[misc]


class Start(pages.FormgraderHandler):
    """Where the class page leads: to what waits for a person, with the names that people have on the campus.

    nbgrader's own handler takes a path from the address, and runs the configuration that lies there.
    """

    @web.authenticated
    def get(self) -> None:
        """Lead on to the exercise that was chosen, or to all."""
        course: Course = self.settings["tpc_course"]
        tell_names(self.settings["tpc_places"], course.id, self.gradebook)
        chosen = self.get_argument("exercise", "")
        path = f"/{chosen}/{chosen}" if chosen in course.exercises else ""
        self.redirect(f"{self.base_url}/formgrader/gradebook{path}")


class NotFound(pages.BaseHandler):
    """Says that there is no such page; nbgrader's own fails before it knows who asks."""

    @web.authenticated
    def get(self, *parts: str) -> None:
        """Refuse."""
        raise web.HTTPError(404, "There is no such page.")


class Preview(pages.BaseHandler):
    """Shows an exercise as its author wrote it, or as students get it, and runs nothing."""

    @web.authenticated
    def get(self, kind: str, assignment: str) -> None:
        """Show the notebooks."""
        course: Course = self.settings["tpc_course"]
        if assignment not in course.exercises:
            raise web.HTTPError(404, f"There is no exercise {assignment} in this course.")
        folder = Path(
            self.coursedir.format_path(getattr(self.coursedir, f"{kind}_directory"), ".", assignment)
        )
        exporter = HTMLExporter(config=self.exporter.config, template_name="basic")
        bodies = [exporter.from_filename(str(path))[0] for path in sorted(folder.glob("*.ipynb"))]
        self.write(
            self.render(
                "preview.tpl", kind=kind, assignment_id=assignment, bodies=bodies, base_url=self.base_url
            )
        )


class SubmittedFile(pages.SubmissionFilesHandler):
    """Gives a file that was handed in to save."""

    def set_extra_headers(self, path: str) -> None:
        """Let nothing in the file run on this address."""
        self.set_header("Content-Disposition", "attachment")
        self.set_header("Content-Security-Policy", FILE_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")


class ReadAssignment(apihandlers.AssignmentHandler):
    """An assignment as the manifest has it: nothing is changed from here."""

    @web.authenticated
    def put(self, assignment_id: str) -> None:
        """Refuse."""
        raise web.HTTPError(405, "Exercises and due dates are set in the course's manifest.")


class ReadStudent(apihandlers.StudentHandler):
    """A student as the campus knows them: nothing is changed from here."""

    @web.authenticated
    def put(self, student_id: str) -> None:
        """Refuse."""
        raise web.HTTPError(405, "Students come from the sign-up and the roster of the campus.")


class ReleaseFeedback(apihandlers.BaseApiHandler):
    """Releases feedback as the class page does: with the scores, and telling what nobody has read."""

    @web.authenticated
    def post(self, assignment_id: str, student_id: str | None = None) -> None:
        """Release the feedback of everybody, or of one student."""
        places: Places = self.settings["tpc_places"]
        course: Course = self.settings["tpc_course"]
        waiting = unread(places, course.id, assignment_id)
        done = self.api.release_feedback(assignment_id, student_id)
        if waiting.parts:
            done["log"] = f"Take care: {waiting}.\n\n{done['log']}"
        if done["success"] and student_id is None:
            visibility.release(places, course, assignment_id, self.current_user.username)
        self.write(json.dumps(done))
