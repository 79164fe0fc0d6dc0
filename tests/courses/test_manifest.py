import datetime as dt

import pytest
from campus_tree import write
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import load_courses


def problems_of(tree) -> list[str]:
    with pytest.raises(SourceError) as caught:
        load_courses(tree)
    return [str(problem) for problem in caught.value.problems]


def test_courses_come_in_the_order_of_their_positions_then_of_their_files(tree):
    assert [course.id for course in load_courses(tree)] == ["data", "scaling"]
    path = tree.courses / "scaling.yml"
    write(path, f"position: 1\n{path.read_text()}")
    assert [course.id for course in load_courses(tree)] == ["scaling", "data"]


def test_the_real_manifests_are_right_and_stand_as_the_pathways_go(repository):
    assert [course.id for course in load_courses(repository)][:3] == ["scaling", "data", "evaluation"]


def test_every_problem_is_reported_at_once_with_file_place_and_remedy(tree):
    path = tree.courses / "scaling.yml"
    write(
        path,
        path.read_text()
        .replace("exercise: double-scaling", "excercise: double-scaling")
        .replace("title:", "titel:"),
    )
    found = problems_of(tree)
    assert any(
        "courses/scaling.yml: units[0].excercise: unknown key. Remove it or use one of: lesson, exercise" in p
        for p in found
    )
    assert any("courses/scaling.yml: titel: unknown key" in p for p in found)
    assert any("courses/scaling.yml: title: missing" in p for p in found)


def test_a_due_date_without_offset_is_refused(tree):
    path = tree.courses / "scaling.yml"
    write(path, path.read_text().replace("2099-01-29T18:00:00+01:00", "2099-01-29T18:00:00"))
    assert "units[0].due" in problems_of(tree)[0]
    assert "has no offset" in problems_of(tree)[0]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2099-01-29T18:00:00", ["has no offset", "in Europe/Berlin 2099-01-29T18:00+01:00"]),
        ("2027-07-29T18:00", ["has no offset", "in Europe/Berlin 2027-07-29T18:00+02:00"]),
        (
            "2027-10-31T02:30:00",
            ["exists twice in Europe/Berlin", "2027-10-31T02:30+02:00", "2027-10-31T02:30+01:00"],
        ),
        (
            "2027-03-28T02:30",
            ["does not exist in Europe/Berlin", "2027-03-28T01:30+01:00", "2027-03-28T03:30+02:00"],
        ),
        # With an offset of the zone: still no clock there shows it.
        ("2027-03-28T02:30:00+01:00", ["does not exist in Europe/Berlin", "2027-03-28T03:30+02:00"]),
        ("2027-03-28T02:30:00+02:00", ["does not exist in Europe/Berlin", "2027-03-28T01:30+01:00"]),
        ("next friday", ["is not a date and time like"]),
    ],
)
def test_a_due_date_that_names_no_moment_is_a_problem_with_its_remedy(tree, written, told):
    path = tree.courses / "scaling.yml"
    write(path, path.read_text().replace("2099-01-29T18:00:00+01:00", written))
    (problem,) = problems_of(tree)
    assert problem.startswith("courses/scaling.yml: units[0].due: ")
    for words in told:
        assert words in problem
    assert ("Write the one that is meant, with its offset" in problem) == ("exist" in problem)


@pytest.mark.parametrize(
    "written",
    [
        "2027-10-31T02:30:00+02:00",
        "2027-10-31T02:30:00+01:00",
        # Where the clocks of the course are another's, they are not looked at.
        "2027-03-28T02:30:00+00:00",
        "2027-03-28T02:30:00-05:00",
    ],
)
def test_a_due_date_with_its_offset_is_one_moment(tree, written):
    path = tree.courses / "scaling.yml"
    write(path, path.read_text().replace("2099-01-29T18:00:00+01:00", written))
    (course,) = [each for each in load_courses(tree) if each.id == "scaling"]
    assert course.units[0].due == dt.datetime.fromisoformat(written)


def test_a_wrong_type_is_refused(tree):
    path = tree.courses / "scaling.yml"
    write(path, path.read_text() + "approval: perhaps\n")
    assert "courses/scaling.yml: approval" in problems_of(tree)[0]


def test_a_missing_lesson_names_those_there_are(tree):
    tree.lesson("scaling/first-steps").unlink()
    (found,) = problems_of(tree)
    assert "units[0].lesson: no notebooks/scaling/first-steps.md" in found
    assert "data/first-steps" in found


def test_a_missing_exercise_names_those_there_are(tree):
    tree.exercise("double-scaling").unlink()
    (found,) = problems_of(tree)
    assert "no exercises/double-scaling/double-scaling.md" in found
    assert "double-data" in found


def test_an_id_that_differs_from_its_file_is_refused(tree):
    path = tree.courses / "data.yml"
    write(path, path.read_text().replace("id: data", "id: scaling"))
    assert any("courses/data.yml: id" in found for found in problems_of(tree))


def test_a_unit_that_appears_twice_is_refused(tree):
    path = tree.courses / "data.yml"
    write(path, path.read_text() + "  - lesson: data/first-steps\n")
    assert any("data/first-steps appears 2 times" in found for found in problems_of(tree))


def test_text_that_is_no_yaml_is_refused(tree):
    write(tree.courses / "data.yml", "id: [data\n")
    assert any("courses/data.yml: not YAML" in found for found in problems_of(tree))
