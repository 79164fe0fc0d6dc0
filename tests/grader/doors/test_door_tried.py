"""What was tried as it is, is not tried again; any change of an exercise makes the note void."""

from __future__ import annotations

import json

import pytest
from campus_tree import REPOSITORY, write
from click.testing import CliRunner
from tpc_courses.base.places import Places
from tpc_courses.checks.check import exercise_paths
from tpc_courses.sources.manifest import Course
from tpc_grader.coursework import tried_notes, tried_solution
from tpc_grader.coursework.coursework import prepare_course
from tpc_grader.trial.generation import generate
from tpc_hub.cli import main

SLUG = "double-data"
COURSE = Course(id="data", title="Data", summary="One exercise to try.", units=[{"exercise": SLUG}])


@pytest.fixture
def tried(tree, monkeypatch) -> list[str]:
    """The exercises whose solutions were run."""
    found: list[str] = []
    run = tried_solution.try_solution

    def counted(*given):
        found.append(SLUG)
        return run(*given)

    monkeypatch.setattr(tried_solution, "try_solution", counted)
    monkeypatch.setenv("CAMPUS_ROOT", str(tree.root))
    monkeypatch.setenv("CAMPUS_STATE", str(tree.state))
    return found


def test_a_solution_is_tried_once_while_nothing_changes(tree, tried):
    output = CliRunner().invoke(main, ["try", SLUG]).output
    assert output.startswith(f"{SLUG}: 1 author"), output
    assert tried_notes.is_tried(tree, SLUG), output
    assert prepare_course(tree, COURSE) == [SLUG]
    assert tried == []


def test_notes_are_whole_whenever_they_are_read(tree):
    path = tried_notes.path(tree)
    write(path, "{}")
    with open(path) as before:
        generate(tree, SLUG)
        assert before.read() == "{}", "who had them open reads on in the old ones"
    assert tried_notes.is_tried(tree, SLUG)
    assert [each.name for each in path.parent.iterdir() if "tried" in each.name] == [path.name]


@pytest.mark.parametrize("changed", ["the source", "a file beside it", "the notes"])
def test_any_change_is_tried_again(tree, tried, changed):
    generate(tree, SLUG)
    path = tree.exercise(SLUG)
    if changed == "the source":
        write(path, path.read_text("utf-8").replace("return 2 * x", "return x + x"))
    elif changed == "a file beside it":
        write(path.with_name("helper.py"), "x = 1\n")
    else:
        write(tried_notes.path(tree), "[]")
    assert not tried_notes.is_tried(tree, SLUG)
    assert prepare_course(tree, COURSE) == [SLUG]
    assert tried == [SLUG] * 2


def test_a_solution_that_fails_is_not_noted_and_keeps_its_old_note_no_more(tree, tried):
    generate(tree, SLUG)
    path = tree.exercise(SLUG)
    right = path.read_text("utf-8")
    write(path, right.replace("return 2 * x", "return 3 * x"))
    answer = CliRunner().invoke(main, ["try"])
    assert answer.exit_code == 1
    assert "double-data: test-double: the author's own solution does not pass" in answer.output
    assert json.loads(tried_notes.path(tree).read_text()).keys() == {"double-scaling"}
    assert "There is no exercise 'x'" in CliRunner().invoke(main, ["try", "x"]).output


def test_the_exercises_of_the_repository_were_tried_as_they_are(tmp_path):
    places = Places(REPOSITORY, tmp_path)
    stale = [path.stem for path in exercise_paths(places) if not tried_notes.is_tried(places, path.stem)]
    assert stale == [], "run `campus try` and commit exercises/tried.json"
