"""What a button did, told once to who pressed it: at once, or when the jobs it started have ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from tpc_courses.base.places import Places
from tpc_grader.worker.classwork import open_jobs

Key = tuple[str, str]  # who, and in which course


@dataclass(frozen=True)
class Watch:
    """Jobs somebody waits for: what is going on, and what to say in the end."""

    doing: str
    jobs: tuple[int, ...]
    done: Callable[[], str]


class Notices:
    """Kept in memory: what is lost when the service restarts is a message, never an action."""

    def __init__(self) -> None:
        self._said = defaultdict[Key, list[str]](list)
        self._watched = defaultdict[Key, list[Watch]](list)

    def say(self, key: Key, line: str) -> None:
        """Tell something on the next page."""
        self._said[key].append(line)

    def watch(self, key: Key, watch: Watch) -> None:
        """Tell how far some jobs are, until they have ended."""
        self._watched[key].append(watch)

    def take(self, places: Places, key: Key) -> tuple[list[str], list[str]]:
        """Return what is told once, and how far that is which still goes on."""
        lines, going_on, doing = self._said.pop(key, []), list[Watch](), list[str]()
        for each in self._watched.pop(key, []):
            left = open_jobs(places, each.jobs)
            if left:
                going_on.append(each)
                doing.append(f"{each.doing}: {len(each.jobs) - left} of {len(each.jobs)} done")
            else:
                lines.append(each.done())
        if going_on:
            self._watched[key] = going_on
        return lines, doing
