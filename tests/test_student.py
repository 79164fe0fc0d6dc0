import subprocess

from campus_tree import write
from tpc_courses.manifest import load_courses
from tpc_courses.student import publish_lessons


def commits(places) -> list[str]:
    log = subprocess.run(
        ["git", "log", "--format=%H", "main"],
        cwd=places.lessons_git,
        capture_output=True,
        text=True,
        check=True,
    )
    return log.stdout.split()


def test_unchanged_lessons_make_no_commit(tree):
    courses = load_courses(tree)
    assert publish_lessons(tree, courses)
    first = commits(tree)
    assert not publish_lessons(tree, courses)
    assert commits(tree) == first


def test_a_changed_lesson_makes_one_commit(tree):
    courses = load_courses(tree)
    publish_lessons(tree, courses)
    path = tree.lesson("data/first-steps")
    write(path, path.read_text().replace("six times seven", "seven times six"))
    assert publish_lessons(tree, courses)
    assert len(commits(tree)) == 2


def test_students_can_clone_over_plain_files(tree, tmp_path):
    publish_lessons(tree, load_courses(tree))
    assert (tree.lessons_git / "info" / "refs").exists()
    subprocess.run(["git", "clone", "-q", str(tree.lessons_git), str(tmp_path / "clone")], check=True)
    assert (tmp_path / "clone" / "scaling" / "first-steps.ipynb").exists()
