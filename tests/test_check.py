import re
import shutil

from campus_tree import REPOSITORY, write
from tpc_courses.check import check


def test_the_tree_of_tests_has_no_problems(tree):
    assert check(tree) == []


def test_problems_of_all_kinds_come_in_one_report(tree):
    lesson = tree.lesson("scaling/first-steps")
    write(lesson, lesson.read_text() + "\n```{code-cell} ipython3\n" + "x = 1\n" * 16 + "```\n")
    write(tree.courses / "data.yml", (tree.courses / "data.yml").read_text() + "colour: red\n")
    shutil.rmtree(tree.exercises / "double-data" / "wrong")
    report = "\n".join(str(problem) for problem in check(tree))
    assert "notebooks/scaling/first-steps.md: cell" in report
    assert "courses/data.yml: colour: unknown key" in report
    assert "exercises/double-data/wrong: 0 solutions, fewer than 5" in report


def test_the_lock_file_names_versions_only():
    """No address and no path: the file must serve every machine and every registry."""
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    pinned = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[^ ;/]+( ; .*)?", line)] == []
