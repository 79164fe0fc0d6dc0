"""Derives everything a campus serves from its sources; unchanged sources cost nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import tpc_grader
from jinja2 import Environment, FileSystemLoader
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError, together
from tpc_courses.base.tokens import LOOK
from tpc_courses.sources.manifest import Course, load_courses
from tpc_courses.sources.student import publish_lessons

Say = Callable[[str], None]
_HERE = Path(__file__).parents[1]
_LAB_EXTENSIONS = _HERE / "lab"
_GRADER = Path(tpc_grader.__file__).parent


def build(places: Places, say: Say = print) -> tuple[Course, ...]:
    """Bring lessons, coursework and server configuration up to date; returns the courses."""
    courses = load_courses(places)
    if publish_lessons(places, courses):
        say("Lessons: student repository updated")
    if _changed(places, "coursework", _coursework_sources(places)):
        # nbgrader takes seconds to import, so only when an exercise, a manifest or the grader changed.
        from tpc_grader.coursework.coursework import prepare_course

        refused = list[SourceError | RuntimeError]()
        for course in courses:
            try:
                released = prepare_course(places, course, say)
                say(f"Exercises: {course.id}: {', '.join(released) or 'unchanged'}")
            except (SourceError, RuntimeError) as e:
                refused.append(e)
        if refused:
            raise together(refused) from refused[0]
        _remember(places, "coursework", _coursework_sources(places))
    write_server_configuration(places)
    return courses


def write_server_configuration(places: Places) -> None:
    """Write the Jupyter configuration of student and formgrader servers: each role sees its tools only."""
    # A student's server shows JupyterLab; the formgrader's serves its pages and nothing else.
    student = {
        "tpc_courses.pulling.extension": True,
        "nbgrader.server_extensions.assignment_list": True,
        "nbgrader.server_extensions.validate_assignment": True,
        "nbgrader.server_extensions.course_list": False,
        "nbgrader.server_extensions.formgrader": False,
        "tpc_grader.exchange.assignment_list": True,
        "tpc_kernels.jupyter.presence": True,
    } | _NOT_SERVED
    instructor = {"tpc_hub.formgrading": True} | dict.fromkeys(_NOT_FOR_GRADING, False)
    for role, extensions in (("student", student), ("instructor", instructor)):
        folder = places.hub_dir / f"{role}-config"
        server = {
            "ServerApp": {"jpserver_extensions": extensions, **_SERVING.get(role, {})},
            "LabApp": _LAB_APP | {"app_settings_dir": str(folder / "lab" / "settings")},
            "FileContentsManager": _FILES,
            "LabServerApp": {"extra_labextensions_path": [str(folder / "labextensions")]},
        }
        _copy_lab_extension(folder / "labextensions")
        _write_json(folder / "jupyter_server_config.json", server)
        _write_json(folder / "labconfig" / "page_config.json", {"disabledExtensions": _HIDDEN_IN_LAB})
        _write_json(folder / "lab" / "settings" / "overrides.json", _LAB_SETTINGS)
    _write(places.hub_dir / "student-config" / "nbgrader_config.py", _STUDENT_NBGRADER)
    _write(places.hub_dir / "student-config" / "lesson.html", _lesson_page())


def _lesson_page() -> str:
    """Return what a person's server says before a lesson opens, in the look of the campus; it does not see the rest."""
    folders = [_HERE / "templates", _HERE / "static", LOOK]
    environment = Environment(loader=FileSystemLoader(folders), trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("lesson.html").render(
        font_folder="[[campus]]/fonts/", home_url="[[campus]]/"
    )


_STUDENT_NBGRADER = """\
import os
from tpc_grader.exchange.base import select_exchange

c = get_config()
select_exchange(c, "student")
c.CourseDirectory.student_id = os.environ.get("JUPYTERHUB_USER", "*")
"""

_HIDDEN_IN_LAB = {
    "@jupyter/nbgrader:create-assignment": True,
    "@jupyter/nbgrader:course-list": True,
    "@jupyter/nbgrader:formgrader": True,
    "@jupyterlab/apputils-extension:announcements": True,
}

# Cells out of sight stay drawn: whoever scrolls fast sees what is there, not a blank page.
_LAB_SETTINGS = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "defer"}}

# Each start would run npm to look for language servers, of which there are none here.
_NOT_SERVED = {"jupyter_lsp": False}
_SERVING = {"instructor": {"contents_manager_class": "tpc_hub.formgrading.no_files.NoFiles"}}
# What packages that are installed for students turn on for every server.
_NOT_FOR_GRADING = (
    "jupyter_lsp",
    "jupyter_server_terminals",
    "jupyterlab",
    "jupyterlab_jupytext",
    "nbgrader.server_extensions.assignment_list",
    "nbgrader.server_extensions.course_list",
    "nbgrader.server_extensions.formgrader",
    "nbgrader.server_extensions.validate_assignment",
    "notebook",
    "notebook_shim",
)
# Software is read-only for everybody; the other manager opens a connection to PyPI at each start.
_LAB_APP = {"extension_manager": "readonly"}
# A trash that JupyterLab does not show would keep a full home full.
_FILES = {"delete_to_trash": False, "pre_save_hook": "tpc_kernels.box.full_home.refuse_to_save"}


def _copy_lab_extension(folder: Path) -> None:
    """Put our extension of JupyterLab where servers see it; they do not see this package."""
    for source in (path for path in _LAB_EXTENSIONS.rglob("*") if path.is_file()):
        _write(folder / source.relative_to(_LAB_EXTENSIONS), source.read_text(encoding="utf-8"))


def _coursework_sources(places: Places) -> Iterable[Path]:
    yield from sorted(places.courses.glob("*.yml"))
    for path in sorted(places.exercises.glob("[!.]*/**/*")):
        slug, *inside = path.relative_to(places.exercises).parts
        apart = {"__pycache__", "wrong", "right"} & {*inside} or any(name.startswith(".") for name in inside)
        if slug != "tpc_grader" and path.is_file() and not apart:
            yield path
    # A new version of the grader may set nbgrader up otherwise.
    yield from sorted(_GRADER.rglob("*.py"))


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _stamp(places: Places, step: str) -> Path:
    return places.state / "build" / f"{step}.sha256"


def _changed(places: Places, step: str, paths: Iterable[Path]) -> bool:
    stamp = _stamp(places, step)
    return not stamp.exists() or stamp.read_text() != _digest(paths)


def _remember(places: Places, step: str, paths: Iterable[Path]) -> None:
    stamp = _stamp(places, step)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(_digest(paths))


def _write_json(path: Path, value: object) -> None:
    _write(path, json.dumps(value, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
