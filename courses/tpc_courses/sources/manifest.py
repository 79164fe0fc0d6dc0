"""Course manifests: `courses/<id>.yml` says what is taught, in which order, until when.

A manifest names lessons and exercises; facts about them live in their own front matter. Models are frozen and
refuse unknown keys, so a misspelled key is an error with its path instead of a silent default.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tpc_courses.base.local_time import YEARS, Unclear, iso, local_moment
from tpc_courses.base.places import Places
from tpc_courses.base.problems import NotThere, Problem, SourceError

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
LessonSlug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$")]
# When students see their scores; the result of the public tests they see at once.
Results = Literal["now", "after-due", "on-release"]


class Frozen(BaseModel):
    """Base of all declarations: immutable, unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LatePolicy(Frozen):
    """What late work costs: `per_day` of the maximum score for each begun day, refused after `days`."""

    per_day: float = Field(default=0.1, ge=0, le=1)
    days: int = Field(default=3, ge=0, le=60)


class Unit(Frozen):
    """One step of a course: a lesson, an exercise, or a lesson with its exercise."""

    lesson: LessonSlug | None = None
    exercise: Slug | None = None
    due: dt.datetime | None = None
    weight: float = Field(default=1.0, ge=0)

    @field_validator("due", mode="before")
    @classmethod
    def _due_names_one_moment(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse local times: whose midnight it is decides who is late; and those that no clock shows."""
        text = value.isoformat() if isinstance(value, dt.date | dt.datetime) else value
        if not isinstance(text, str):
            raise ValueError("expected a date and time like 2027-07-08T18:00:00-05:00")
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError as e:
            raise ValueError(f"{text!r} is not a date and time like 2027-07-08T18:00:00-05:00") from e
        if moment.year not in YEARS:
            raise ValueError(f"{text!r} is not a date and time like 2027-07-08T18:00:00-05:00")
        zone = (info.context or {}).get("zone")
        if moment.tzinfo is None:
            there = f"{zone.key} {iso(local_moment(moment, zone), zone)}" if zone else f"UTC {text}+00:00"
            raise ValueError(f"{text!r} has no offset; write it with one, in {there}")
        if zone is not None:
            _check_clock(moment, zone)
        return moment

    @model_validator(mode="after")
    def _names_something(self) -> Unit:
        if self.lesson is None and self.exercise is None:
            raise ValueError("a unit needs a lesson, an exercise or both")
        if self.due is not None and self.exercise is None:
            raise ValueError("only an exercise can be due; add `exercise:` or remove `due:`")
        return self


class Course(Frozen):
    """A course as its manifest declares it."""

    id: Slug
    title: str = Field(min_length=3, max_length=80)
    summary: str = Field(min_length=10, max_length=300)
    # Where it stands among the courses; those with the same number follow their file names.
    position: int = Field(default=100, ge=1)
    time_zone: str = "UTC"
    approval: bool = False
    results: Results = "on-release"
    late: LatePolicy = LatePolicy()
    units: tuple[Unit, ...] = Field(min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no IANA time zone; use one like Europe/Berlin or America/Chicago")
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def lessons(self) -> tuple[str, ...]:
        return tuple(unit.lesson for unit in self.units if unit.lesson)

    @property
    def exercises(self) -> tuple[str, ...]:
        return tuple(unit.exercise for unit in self.units if unit.exercise)

    def unit_of(self, exercise: str) -> Unit:
        """Return the unit that assigns `exercise`; raises NotThere naming those there are."""
        for unit in self.units:
            if unit.exercise == exercise:
                return unit
        raise NotThere(
            f"Course {self.id} has no exercise {exercise!r}. Use one of: {', '.join(self.exercises) or 'none yet'}."
        )


def load_courses(places: Places) -> tuple[Course, ...]:
    """Return all courses in the order of their positions; raises SourceError with every problem found."""
    courses, problems = [], list[Problem]()
    for path in sorted(places.courses.glob("*.yml")):
        try:
            courses.append(read_course(path, places))
        except SourceError as e:
            problems += e.problems
    problems += _references(courses, places)
    if problems:
        raise SourceError(problems)
    return tuple(sorted(courses, key=lambda course: course.position))


def current_courses(places: Places) -> Mapping[str, Course]:
    """Return the courses by id as their manifests declare them now, read again only when a manifest changed.

    While a manifest has problems, somebody is at work in it: then they are as this process read them last.
    Raises SourceError where that was never.
    """
    stamp = tuple(
        (path.name, found.st_mtime_ns, found.st_size)
        for path in sorted(places.courses.glob("*.yml"))
        if (found := path.stat())
    )
    known = _current.get(places.courses)
    if known is None or known[0] != stamp:
        try:
            courses = {course.id: course for course in load_courses(places)}
        except SourceError:
            if known is None:
                raise
            courses = dict(known[1])
        known = _current[places.courses] = (stamp, courses)
    return known[1]


_current: dict[Path, tuple[tuple[tuple[str, int, int], ...], dict[str, Course]]] = {}


class LiveCourses(Mapping[str, Course]):
    """The courses that were there at the start, each as its manifest declares it now: due dates move at once."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._first = dict(current_courses(places))

    def __getitem__(self, id: str) -> Course:
        return current_courses(self.places).get(id, self._first[id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)


def read_course(path: Path, places: Places) -> Course:
    """Return the course declared in one manifest; raises SourceError with every problem in it."""
    name = path.relative_to(places.root).as_posix()
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise SourceError([Problem(name, "", f"not YAML ({' '.join(str(e).split())})", "Correct it")]) from e
    try:
        course = Course.model_validate(declared, context={"zone": _declared_zone(declared)})
    except ValidationError as e:
        # A unit that is refused also makes `units` too short; that says nothing new.
        errors = [error for error in e.errors() if error["type"] != "too_short" or len(e.errors()) == 1]
        raise SourceError(_problem(name, error) for error in errors) from e
    if course.id != path.stem:
        found = f"is {course.id!r} in a file called {path.name}"
        raise SourceError([Problem(name, "id", found, f"Set it to {path.stem} or rename the file")])
    return course


def _check_clock(moment: dt.datetime, zone: ZoneInfo) -> None:
    """Raise Unclear for what is written as a time of the zone, by its offset, but no clock there ever shows."""
    try:
        local_moment(moment.replace(tzinfo=None), zone)
    except Unclear as e:
        if not e.exists and moment.astimezone(dt.UTC) in e.readings:
            raise


def _declared_zone(declared: Any) -> ZoneInfo | None:
    name = declared.get("time_zone", "UTC") if isinstance(declared, dict) else None
    return ZoneInfo(name) if isinstance(name, str) and name in available_timezones() else None


def _problem(name: str, error: Any) -> Problem:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        model: type[BaseModel] = (
            Unit if where.startswith("units[") else LatePolicy if "late." in where else Course
        )
        return Problem(
            name, where, "unknown key", f"Remove it or use one of: {', '.join(model.model_fields)}"
        )
    if error["type"] == "missing":
        return Problem(name, where, "missing", "Add this key")
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Unclear):
        return Problem(name, where, message, "Write the one that is meant, with its offset")
    return Problem(name, where, message, "Correct the value")


def _references(courses: list[Course], places: Places) -> Iterator[Problem]:
    """Yield a problem for each lesson or exercise that is missing or named twice."""
    known_lessons = sorted(_slugs(places.notebooks))
    known_exercises = sorted(
        folder.name for folder in places.exercises.glob("*") if places.exercise(folder.name).exists()
    )
    for course in courses:
        name = f"courses/{course.id}.yml"
        for index, unit in enumerate(course.units):
            if unit.lesson and not places.lesson(unit.lesson).exists():
                found = f"no notebooks/{unit.lesson}.md"
                yield Problem(
                    name,
                    f"units[{index}].lesson",
                    found,
                    f"Create it, or use one of: {', '.join(known_lessons)}",
                )
            if unit.exercise and not places.exercise(unit.exercise).exists():
                found = f"no exercises/{unit.exercise}/{unit.exercise}.md"
                yield Problem(
                    name,
                    f"units[{index}].exercise",
                    found,
                    f"Create it, or use one of: {', '.join(known_exercises)}",
                )
        for slug, count in Counter((*course.lessons, *course.exercises)).items():
            if count > 1:
                yield Problem(name, "units", f"{slug} appears {count} times", "Keep one")


def _slugs(notebooks: Path) -> Iterator[str]:
    for path in notebooks.glob("*/*"):
        if path.suffix in {".md", ".ipynb"}:
            yield path.relative_to(notebooks).with_suffix("").as_posix()
