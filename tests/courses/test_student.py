import shutil
import subprocess

import pytest
from campus_tree import write
from tpc_courses.sources.manifest import load_courses
from tpc_courses.sources.student import publish_lessons


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


def lose(places):
    shutil.rmtree(places.lessons_git)


def lose_the_work_tree(places):
    shutil.rmtree(places.lessons_tree)


def lose_everything(places):
    shutil.rmtree(places.lessons_git.parent)


def empty(places):
    lose(places)
    places.lessons_git.mkdir()


def put_a_file_there(places):
    lose(places)
    places.lessons_git.write_text("")


def lose_the_head(places):
    (places.lessons_git / "HEAD").unlink()


def break_objects(places):
    for path in (places.lessons_git / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"")


def lose_an_object(places):
    path = next(path for path in (places.lessons_git / "objects").rglob("*") if path.is_file())
    path.unlink()


def leave_locks(places):
    for name in ("HEAD.lock", "index.lock", "refs/heads/main.lock", "packed-refs.lock"):
        (places.lessons_git / name).write_text("")


DAMAGES = [
    lose,
    lose_the_work_tree,
    lose_everything,
    empty,
    put_a_file_there,
    lose_the_head,
    break_objects,
    lose_an_object,
    leave_locks,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lost_or_damaged_repository_is_made_again(tree, tmp_path, damage):
    courses = load_courses(tree)
    publish_lessons(tree, courses)
    damage(tree)
    publish_lessons(tree, courses)
    subprocess.run(["git", "clone", "-q", str(tree.lessons_git), str(tmp_path / "clone")], check=True)
    assert (tmp_path / "clone" / "scaling" / "first-steps.ipynb").exists()
    assert not publish_lessons(tree, courses)


def test_the_repository_of_an_older_campus_goes_on(tree):
    """It committed in the folder of the lessons, and pushed."""
    courses = load_courses(tree)
    publish_lessons(tree, courses)
    old, work = commits(tree), tree.lessons_tree
    subprocess.run(["git", "clone", "-q", str(tree.lessons_git), str(work.with_name("clone"))], check=True)
    work.with_name("clone").joinpath(".git").rename(work / ".git")
    assert not publish_lessons(tree, courses)
    assert commits(tree) == old
    assert not (work / ".git").exists()
