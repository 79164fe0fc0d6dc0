import pytest
from campus_tree import write
from tpc_courses.base.problems import SourceError
from tpc_courses.checks.check import notes
from tpc_courses.sources.exercise import read_exercise, source_notebook
from tpc_courses.sources.lesson import notebook_from, read_lesson


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


@pytest.mark.parametrize("last", ["2 * (double(3) == 6)", "score", "check(double)", "score;"])
def test_a_score_that_the_students_code_could_forge_is_refused(tree, last):
    path = tree.exercise("double-scaling")
    text = path.read_text()
    write(path, text.replace("### END HIDDEN TESTS", f"{last}\n### END HIDDEN TESTS"))
    assert read_exercise(path).points == 2
    write(path, path.read_text().replace(":points: 2", ":points: 2\n:level: kernel"))
    with pytest.raises(SourceError, match=r"partial credit.*Set :level: oracle"):
        read_exercise(path)


@pytest.mark.parametrize("last", ["(1, 2)", "'done'", "True", "double(3) == 6", "f'{double(3)}'", "print(3)"])
def test_a_value_that_is_no_score_may_end_a_test_beside_the_code(tree, last):
    path = tree.exercise("double-scaling")
    text = path.read_text().replace(":points: 2", ":points: 2\n:level: kernel")
    write(path, text.replace("### END HIDDEN TESTS", f"{last}\n### END HIDDEN TESTS"))
    assert read_exercise(path).points == 2


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("import time, numpy as np\nrng = np.random.default_rng(time.time_ns())", True),
        ("import random, time\nrandom.seed(a=int(time.time()) % 100)", True),
        (
            "import random, datetime\nnow = datetime.datetime.now().microsecond\nrng = random.Random(now)",
            True,
        ),
        ("import jax, os\nkey = jax.random.key(os.getpid())", True),
        ("import time, numpy as np\nbegan = time.time()\nrng = np.random.default_rng(7)", False),
        ("import numpy as np\nrng = np.random.default_rng()", False),
    ],
)
def test_a_test_that_takes_its_seed_from_the_clock_is_refused(tree, line, refused):
    path = tree.exercise("double-scaling")
    write(path, path.read_text().replace("### END HIDDEN TESTS", f"{line}\n### END HIDDEN TESTS"))
    if not refused:
        assert read_exercise(path).points == 2
        return
    with pytest.raises(SourceError, match=r"seed from the clock.*Draw without a seed"):
        read_exercise(path)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("assert double(lambda: 3)() == 6", "hands a function"),
        ("def three(): return 3\nassert apply(double, to=three) == 6", "hands a function"),
        ("class Three: pass\ndouble(Three)", "hands a function"),
        ("x = !ls", "IPython's"),
        ("%precision 3", "IPython's"),
        ("get_ipython().run_line_magic('precision', '3')", "asks the notebook's own kernel"),
    ],
)
def test_a_test_that_works_beside_the_code_only_must_say_so(tree, line, found):
    path = tree.exercise("double-scaling")
    write(path, path.read_text().replace("### END HIDDEN TESTS", f"{line}\nx = 1\n### END HIDDEN TESTS"))
    with pytest.raises(SourceError, match=f"{found}.*level oracle .the default. cannot.*set :level: kernel"):
        read_exercise(path)
    if not line.startswith(("x = !", "%")):
        write(path, path.read_text().replace(":points: 2", ":points: 2\n:level: kernel"))
        assert read_exercise(path).points == 2
        assert "test-double is at level kernel: its tests run beside" in "\n".join(notes(tree))


@pytest.mark.parametrize(
    "line",
    [
        "assert sorted([3, 1], key=lambda n: double(n)) == [1, 3]",
        "values = [1, 2]\nvalues.sort(key=lambda n: -n)",
        "import numpy as np\nnp.testing.assert_raises(TypeError, double, None)",
        "def near(a, b): return abs(a - b) < 1e-9\nassert near(double(1), 2)",
        "assert list(map(lambda n: double(n), [1])) == [2]",
    ],
)
def test_functions_for_our_own_calls_need_no_level(tree, line):
    path = tree.exercise("double-scaling")
    write(path, path.read_text().replace("### END HIDDEN TESTS", f"{line}\n### END HIDDEN TESTS"))
    assert read_exercise(path).points == 2
    assert notes(tree) == []


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (":dtypes: [float31]", "dtypes.*float31.*name some of: float32"),
        (":dtypes: float32", "dtypes.*float32"),
        (":dtypes: [float32]\n:level: kernel", "answers come as they are"),
    ],
)
def test_types_that_a_test_asks_for_are_checked(tree, lines, found):
    path = tree.exercise("double-scaling")
    text = path.read_text()
    write(path, text.replace(":points: 2", ":points: 2\n:dtypes: [float32, bfloat16]"))
    cells = [cell for cell in source_notebook(path).cells if "dtypes" in cell.metadata.get("tpc", {})]
    assert [cell.metadata.tpc.dtypes for cell in cells] == [["float32", "bfloat16"]]
    write(path, text.replace(":points: 2", f":points: 2\n{lines}"))
    with pytest.raises(SourceError, match=found):
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
