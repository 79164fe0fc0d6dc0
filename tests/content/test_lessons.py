"""Every lesson runs, in time and in memory. Measured by papermill, as for the book."""

import json

import nbformat
import pytest
from campus_tree import REPOSITORY
from test_lab_figures import evaluated
from tpc_book.lessons.execution import executed, run_lessons
from tpc_book.render.widgets import STATE
from tpc_book.site.build import build_book
from tpc_courses.base.places import Places
from tpc_courses.checks.check import check, lesson_paths

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


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_verifies_itself_and_its_questions_name_each_usual_mistake(repository, slug, tmp_path):
    assert run_lessons(repository, [slug], lambda line: None)[slug]["status"] == "ok"
    notebook = nbformat.read(executed(repository, slug), as_version=4)
    states = [kept["state"] for kept in notebook.metadata.widgets[STATE]["state"].values()]
    shown = [
        out.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for out in cell.get("outputs", ())
    ]
    assert [text for text in shown if text.startswith("✗")] == []
    questions = [state for state in states if "answer" in state]
    assert len(questions) == sum("\nask(" in cell.source for cell in notebook.cells)
    for facts in questions:
        known = [f"not yet. {why}" for _, why in facts["wrong"]]
        typed = json.dumps([repr(facts["answer"]), *(repr(value) for value, _ in facts["wrong"]), "no idea"])
        said = evaluated(tmp_path, "question", f"{typed}.map((t) => m.verdict(t, {json.dumps(facts)}))")
        assert [v["right"] for v in said] == [True] + [False] * (len(known) + 1), facts["label"]
        assert {v["said"] for v in said[1:-1]} <= set(known), facts["label"]
        assert "Type a number" in said[-1]["said"]


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
