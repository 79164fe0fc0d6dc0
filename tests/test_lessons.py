"""Every lesson runs, in time and in memory. Measured by papermill, as for the book."""

import pytest
from campus_tree import REPOSITORY
from tpc_book.build import build_book
from tpc_book.execution import run_lessons
from tpc_courses.check import check, lesson_paths
from tpc_courses.places import Places

LESSONS = [
    f"{path.parent.name}/{path.stem}" for path in lesson_paths(Places(REPOSITORY, REPOSITORY / ".campus"))
]
MAXIMUM_MIB = 1024


def test_the_sources_have_no_problems(repository):
    assert check(repository) == []


@pytest.mark.parametrize("slug", LESSONS)
def test_the_lesson_runs_within_its_memory(repository, slug):
    record = run_lessons(repository, [slug], lambda line: None)[slug]
    assert record["status"] == "ok", record.get("error")
    assert record["peak_memory_mib"] <= MAXIMUM_MIB


@pytest.mark.timeout(600)
def test_the_real_book_is_built_from_all_lessons_without_their_exercises_secrets(repository):
    site = build_book(repository, "http://campus.test", say=lambda line: None)
    for slug in LESSONS:
        assert "Last run" in (site / "lessons" / slug / "index.html").read_text(encoding="utf-8")
    for path in site.rglob("*"):
        if path.suffix in {".html", ".json", ".ipynb"}:
            text = path.read_text(encoding="utf-8")
            assert "BEGIN SOLUTION" not in text
            assert "BEGIN HIDDEN" not in text
