"""Ways through the lessons: for whom, and for how much time. All facts come from the front matter of lessons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from tpc_courses.base.places import Places
from tpc_courses.sources.exercise import read_exercise
from tpc_courses.sources.lesson import Lesson, read_lesson
from tpc_courses.sources.manifest import Course

# A day of six hours of work and a week of five such days: people also eat.
BUDGETS = {"An hour": 60, "A day": 6 * 60, "A week": 5 * 6 * 60}


@dataclass(frozen=True)
class Step:
    """One thing to do: a lesson, or the exercise that belongs to one."""

    slug: str
    title: str
    minutes: int
    is_exercise: bool = False
    course: str = ""


@dataclass(frozen=True)
class Catalogue:
    """What can be learned here: lessons in the order of their courses, and the exercise of each."""

    lessons: Mapping[str, Lesson]
    exercises: Mapping[str, Step]

    def closure(self, slug: str, done: Sequence[str] = ()) -> list[str]:
        """Return a lesson after those that it needs, without what is done; a circle is cut where it closes."""
        needed: list[str] = []
        self._collect(slug, needed, {*done})
        return needed

    def _collect(self, slug: str, needed: list[str], seen: set[str]) -> None:
        if slug in seen or slug not in self.lessons:
            return
        seen.add(slug)
        for prerequisite in self.lessons[slug].prerequisites:
            if prerequisite.lesson:
                self._collect(prerequisite.lesson, needed, seen)
        needed.append(slug)


def read_catalogue(places: Places, courses: Sequence[Course]) -> Catalogue:
    """Return the lessons of all courses and their exercises."""
    lessons, exercises = {}, {}
    for course in courses:
        for unit in course.units:
            if unit.lesson:
                lessons[unit.lesson] = read_lesson(places.lesson(unit.lesson))
            if unit.lesson and unit.exercise:
                exercise = read_exercise(places.exercise(unit.exercise))
                exercises[unit.lesson] = Step(
                    unit.exercise, exercise.title, exercise.minutes, is_exercise=True, course=course.id
                )
    return Catalogue(lessons, exercises)


def plan(catalogue: Catalogue, topics: Sequence[str], minutes: int) -> list[Step]:
    """Return what fits into `minutes`: lessons by turns from each topic, each after what it needs.

    A lesson that does not fit is passed over, and shorter ones may follow. What time is left goes to exercises.
    """
    chosen: list[str] = []
    left = minutes
    for slug in _by_turns(catalogue, topics):
        needed = catalogue.closure(slug, chosen)
        cost = sum(catalogue.lessons[other].minutes for other in needed)
        if cost <= left:
            chosen += needed
            left -= cost
    steps = []
    for slug in chosen:
        lesson = catalogue.lessons[slug]
        steps.append(Step(slug, lesson.title, lesson.minutes))
        exercise = catalogue.exercises.get(slug)
        if exercise and exercise.minutes <= left:
            steps.append(exercise)
            left -= exercise.minutes
    return steps


def _by_turns(catalogue: Catalogue, topics: Sequence[str]) -> Iterator[str]:
    """Yield the first lesson of each topic, then the second of each, and so on."""
    by_topic = [
        [slug for slug, lesson in catalogue.lessons.items() if lesson.topic == topic] for topic in topics
    ]
    for turn in zip_longest(*by_topic):
        yield from filter(None, turn)
