import pytest
from campus_tree import write
from tpc_courses.exercise import read_exercise, source_notebook
from tpc_courses.lesson import notebook_from, read_lesson
from tpc_courses.problems import SourceError


def test_points_and_parts_come_from_the_cells(tree):
    exercise = read_exercise(tree.exercise("double-scaling"))
    assert exercise.points == 2
    assert [part.name for part in exercise.parts] == ["test-double"]


def test_tags_expand_to_nbgrader_metadata(tree):
    cells = [c for c in source_notebook(tree.exercise("double-scaling")).cells if "nbgrader" in c.metadata]
    solution, test = (cell.metadata["nbgrader"] for cell in cells)
    assert (solution["solution"], solution["grade"], solution["grade_id"]) == (True, False, "double")
    assert (test["solution"], test["grade"], test["points"]) == (False, True, 2)


def test_a_directive_that_would_test_nothing_is_refused(tree):
    path = tree.exercise("double-scaling")
    write(
        path,
        path.read_text().replace("assert double(3) == 6", "### AUTOTEST double(3)\nassert double(3) == 6"),
    )
    with pytest.raises(SourceError, match="AUTOTEST, which tests nothing here"):
        read_exercise(path)


def test_all_problems_of_an_exercise_are_reported(tree):
    path = tree.exercise("double-scaling")
    text = (
        path.read_text()
        .replace(":points: 2\n", "")
        .replace("### BEGIN SOLUTION", "")
        .replace(":name: test-double", ":name: double")
    )
    write(path, text)
    with pytest.raises(SourceError) as caught:
        read_exercise(path)
    report = str(caught.value)
    assert "no :points:" in report
    assert "no solution marks" in report
    assert "used twice" in report


def test_a_lesson_says_what_it_teaches(tree):
    lesson = read_lesson(tree.lesson("scaling/first-steps"))
    assert lesson.slug == "scaling/first-steps"
    assert lesson.minutes == 10
    assert len(lesson.objectives) == 2


def test_unknown_front_matter_is_refused(tree):
    path = tree.lesson("scaling/first-steps")
    write(path, path.read_text().replace("minutes: 10", "minuts: 10"))
    with pytest.raises(SourceError, match=r"front matter minuts: unknown key") as caught:
        read_lesson(path)
    assert "front matter minutes" in str(caught.value)


def test_cell_ids_follow_the_content_so_that_pulls_merge(tree):
    path = tree.lesson("scaling/first-steps")
    before = [cell.id for cell in notebook_from(path).cells]
    write(path, path.read_text() + "\n+++\n\nOne more paragraph.\n")
    after = [cell.id for cell in notebook_from(path).cells]
    assert after[: len(before)] == before
    assert len(set(after)) == len(after)
