"""nbgrader course folders, derived from the manifests: configuration, source, release, gradebook.

nbgrader stays the authority; this module only writes what it reads and calls its own API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError, together
from tpc_courses.sources.manifest import Course, read_course
from traitlets.config import Config

from tpc_grader.coursework import tried_notes
from tpc_grader.coursework.refusals import refusal, warnings_with
from tpc_grader.coursework.tried_solution import NOT_TRIED
from tpc_grader.database.attendance import gone
from tpc_grader.exchange.base import select_exchange
from tpc_grader.feedback.page import set_feedback
from tpc_grader.feedback.prose import set_markdown
from tpc_grader.feedback.records import standing
from tpc_grader.gradebook.gradebook import ensure_gradebook
from tpc_grader.gradebook.penalties import set_late_policy, settle, settle_course
from tpc_grader.gradebook.save_cells import set_save_cells
from tpc_grader.grading.preprocessors import set_preprocessors
from tpc_grader.versions.releases import digest_of, released
from tpc_grader.versions.support_files import exercise_files

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What happened to one submission: `error` is empty when nbgrader graded it."""

    student: str
    score: float | None
    max_score: float | None
    error: str = ""


def course_config(places: Places, course: Course) -> Config:
    """Return nbgrader's configuration for one course."""
    config = Config()
    config.CourseDirectory.course_id = course.id
    config.CourseDirectory.root = str(places.nbgrader(course.id))
    config.CourseDirectory.db_url = places.gradebook_url(course.id)
    config.Exchange.root = str(places.intake)
    config.NbGraderAPI.timezone = course.time_zone
    config.NbGraderAPI.timestamp_format = "%a %d %b %Y %H:%M %Z"
    select_exchange(config, "course")
    set_late_policy(config)
    set_feedback(config)
    set_markdown(config)
    set_preprocessors(config, places, course.id)
    set_save_cells(config)
    config.TrySolution.notes = str(tried_notes.path(places))
    config.ExchangeReleaseAssignment.force = True
    config.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
    return config


def prepare_course(places: Places, course: Course, say: Say = lambda line: None) -> list[str]:
    """Write configuration and release of every exercise that changed; returns the slugs released.

    Says which solution could not be tried. Raises RuntimeError, or SourceError where only sources are at fault, with
    the reason of every exercise that was refused; the others are released.
    """
    folder = places.nbgrader(course.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(_CONFIG_FILE, encoding="utf-8")
    ensure_gradebook(places.gradebook(course.id))
    settle_course(places, course)
    made, refused = list[str](), list[SourceError | RuntimeError]()
    for slug in course.exercises:
        try:
            made += [slug] if _release_if_changed(places, course, slug, say) else []
        except (SourceError, RuntimeError) as e:
            refused.append(e)
    # A new version may have other maximum points, and the share of them that late work costs is another.
    settle(places, course.id)
    if refused:
        raise together(refused) from refused[0]
    return made


def grade(places: Places, course: Course, exercise: str, force: bool = False) -> list[Outcome]:
    """Collect and autograde the newest submission of each student; one bad notebook stops no other."""
    course.unit_of(exercise)
    api = _api(places, course)
    _checked(api.collect(exercise, update=True), f"collect {exercise}")
    outcomes = []
    for student in sorted(api.get_submitted_students(exercise) - gone(places, course.id)):
        graded = student in api.get_autograded_students(exercise)
        result = {"success": True} if graded and not force else api.autograde(exercise, student)
        error = "" if result["success"] else refusal(result)
        where = standing(places, course, exercise, student)
        outcomes.append(Outcome(student, where.score, where.max_score, error))
    return outcomes


def release_feedback(places: Places, course: Course, exercise: str) -> tuple[int, tuple[str, ...]]:
    """Generate and release feedback for everything graded; returns for how many students, and for whom not."""
    settle(places, course.id, exercise)
    api = _api(places, course)
    # Its failure is that of some students; who has no page now is told below, and nobody else waits.
    api.generate_feedback(exercise, force=True)
    graded = sorted(api.get_autograded_students(exercise) - gone(places, course.id))
    folder = places.nbgrader(course.id) / "feedback"
    failed = tuple(student for student in graded if not (folder / student / exercise).is_dir())
    if len(failed) < len(graded):
        _checked(api.release_feedback(exercise), f"release feedback {exercise}")
    return len(graded) - len(failed), failed


def _release_if_changed(places: Places, course: Course, slug: str, say: Say) -> bool:
    """Release an exercise when its source, or a file beside it, differs from what was released last."""
    folder = places.nbgrader(course.id)
    files = exercise_files(places, slug)
    stamp = folder / "release" / f"{slug}.sha256"
    digest, *written = stamp.read_text().splitlines() if stamp.exists() else [""]
    if digest == digest_of(files) and released(places.intake, course.id, slug):
        return False
    source = folder / "source" / slug
    # Only what was put there before: an instructor may keep files of their own in nbgrader's folder.
    for name in set(written) - set(files):
        (source / name).unlink(missing_ok=True)
    for name, data in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    api = _api(places, course)
    generated = api.generate_assignment(slug, force=True)
    _checked(generated, f"generate {slug}")
    for line in warnings_with(generated, NOT_TRIED):
        say(f"{slug}: {line}")
    _checked(api.release_assignment(slug), f"release {slug}")
    stamp.write_text("\n".join([digest_of(files), *sorted(files)]))
    return True


def _api(places: Places, course: Course) -> NbGraderAPI:
    config = course_config(places, course)
    return NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)


def _checked(result: dict[str, object], what: str) -> None:
    if not result["success"]:
        raise RuntimeError(f"nbgrader could not {what}: {refusal(result)}")


def config_beside(file: str) -> Config:
    """Return the configuration of the course in whose folder a file lies, wherever the state folder lies now."""
    folder = Path(file).resolve().parent
    try:
        root = Places.find().root
    except FileNotFoundError:
        root = Path(__file__).resolve().parents[3]  # where this package was installed from a checkout
    places = Places(root, folder.parent.parent)
    return course_config(places, read_course(places.courses / f"{folder.name}.yml", places))


# What is kept holds no path: a state folder may be copied.
_CONFIG_FILE = """\
# Written by `campus build`; edits are overwritten. The course's manifest and this folder's place say the rest.
from tpc_grader.coursework.coursework import config_beside

get_config().merge(config_beside(__file__))
"""
