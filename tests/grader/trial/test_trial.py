"""What tries an exercise: solutions read, small changes made, contracts probed, and what is said of them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from campus_tree import write
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.attempts import Attempt, read_attempts
from tpc_grader.trial.mutants import mutants_of
from tpc_grader.trial.probes import CLASSES, contract_of, right_probes, wrong_probes
from tpc_grader.trial.trial import Exercise, try_exercise

SLUG = "double-data"


def changes(source: str) -> dict[str, str]:
    return {each.what: each.source for each in mutants_of(source)}


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("x = a + b", "a + b -> a - b"),
        ("x = a / b", "a / b -> a * b"),
        ("x = a < b", "a < b -> a <= b"),
        ("x = a == b", "a == b -> a != b"),
        ("x = a and b", "a and b -> a or b"),
        ("x = -a", "-a -> a"),
        ("x = n - 1", "n - 1 -> n - 2"),
        ("x = z * 1.959964", "z * 1.959964 -> z * 1.96"),
        ("x = values.std(ddof=1)", "values.std(ddof=1) -> values.std()"),
        ("x = sorted(a)", "sorted(a) -> list(a)"),
        ("x = min(a, b)", "min(a, b) -> max(a, b)"),
        ("x = np.argmax(a)", "np.argmax(a) -> np.argmin(a)"),
        ("x = abs(a)", "abs(a) -> a"),
        ("x += y", "x += y -> x -= y"),
    ],
)
def test_a_small_mistake_is_made_of_each_kind(source: str, what: str) -> None:
    assert what in changes(source)


def test_each_change_is_made_once_and_is_a_change() -> None:
    source = "def f(x):\n    return (x + 1) * (x + 1) if x > 0 else -x\n"
    made = [each.source for each in mutants_of(source)]
    assert len(made) == len(set(made)) > 8
    assert all(compile(each, "cell", "exec") for each in made)


def answers(source: str, function: str, *given: object) -> object:
    names: dict[str, object] = {}
    exec(source, names)
    return names[function](*given)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("takes", "what", "inside", "outside"),
    [
        ("x numbers 1+", "x: one value", [3.0], [1.0, 2.0]),
        ("x numbers", "x: empty", [], [1.0]),
        ("x numbers 2+", "x: ties", [2.0, 2.0], [1.0, 2.0]),
        ("x numbers 2+", "x: unsorted", [2.0, 1.0], [1.0, 2.0]),
        ("x numbers 2+", "x: as an array", np.array([1.0, 2.0]), [1.0, 2.0]),
        ("x labels 2+", "x: mixed order", ["a", "b", "a"], ["a", "a", "b"]),
        ("x text", "x: punctuation inside a word", "a well-read model", "a model."),
        ("x text", "x: an underscore", "a_b", "ab"),
        ("x share", "x: one", 1.0, 0.5),
        ("x table 2+", "x: one column", [[1.0], [2.0]], [[1.0, 2.0], [2.0, 3.0]]),
    ],
)
def test_a_probe_is_wrong_for_its_class_of_inputs_alone(
    takes: str, what: str, inside: object, outside: object
) -> None:
    source = "import numpy as np\ndef f(x):\n    return float(len(str(x)))\n"
    (probe,) = [each for each in wrong_probes(contract_of("f", takes, "number"), source) if each.what == what]
    assert answers(probe.source, "f", inside) == float(len(str(inside))) + 1
    assert answers(probe.source, "f", outside) == float(len(str(outside)))


def test_words_of_a_contract_leave_classes_out() -> None:
    contract = contract_of("f", "x numbers 2+ sorted distinct positive whole list", "number")
    assert [each.what for each in wrong_probes(contract, "def f(x): ...")] == ["x: as a list"]


def test_right_probes_give_the_same_values_in_other_types() -> None:
    source = "def f(x):\n    return [x, 2 * x]\n"
    found = [answers(each.source, "f", 1.0) for each in right_probes(contract_of("f", "", "numbers"), source)]
    assert [type(each) for each in found] == [list, tuple, np.ndarray]
    assert all(list(each) == [1.0, 2.0] for each in found)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("takes", "gives", "sentence"),
    [
        ("x nombers", "", "no such kind. Use one of: number"),
        ("x numbers often", "", "often is none of: 2\\+"),
        ("x", "", "no such kind"),
        ("x number", "nothing", ":gives: nothing: no such kind"),
    ],
)
def test_a_contract_that_cannot_be_read_is_told(takes: str, gives: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        contract_of("f", takes, gives)


def test_every_class_of_inputs_can_be_asked_for() -> None:
    for kind, classes in CLASSES.items():
        for name, test in classes.items():
            assert compile(test, f"{kind}: {name}", "eval")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[wrong]\n", "not TOML"),
        ('[[wrong]]\nname = "a"\npart = "p"\nold = "x"\nnew = "y"\n', r"wrong.0.why"),
        ('[[wrong]]\nname = "a"\npart = "p"\nold = ""\nnew = "y"\nwhy = "z"\n', r"wrong.0.old"),
        ('[[accepted]]\nchange = "x"\n', r"accepted.0.why"),
        ("[[rwong]]\n", "rwong"),
    ],
)
def test_faults_of_wrong_toml_name_their_place(tmp_path, text: str, sentence: str) -> None:
    write(tmp_path / "wrong.toml", text)
    with pytest.raises(SourceError, match=sentence):
        read_attempts(tmp_path)


def test_files_say_what_they_lose(tmp_path) -> None:
    write(tmp_path / "wrong" / "a.py", '"""Why."""\n\nPART = ["one", "two"]\n')
    (attempt,) = read_attempts(tmp_path)[0]
    assert (attempt.why, attempt.parts) == ("Why.", ("one", "two"))
    write(tmp_path / "right" / "b.py", 'PART = "one"\n')
    with pytest.raises(SourceError, match="a right solution loses no PART"):
        read_attempts(tmp_path)


def test_a_piece_to_change_stands_once() -> None:
    answers = {"one": "x = 1\ny = 1\n", "two": "z = 2\n"}
    assert Attempt("a", "", ("p",), old="z = 2", new="z = 3").applied(answers) == {"two": "z = 3\n"}
    for piece, times in (("= 1", 2), ("= ", 3), ("w", 0)):
        with pytest.raises(ValueError, match=f"stands {times} times"):
            Attempt("a", "", ("p",), old=piece, new="").applied(answers)


def test_trying_leaves_this_process_as_it_was(tree) -> None:
    main = sys.modules["__main__"]
    Exercise(tree, SLUG).lost({})
    assert sys.modules["__main__"] is main


def test_an_exercise_is_told_what_its_tests_miss(tree) -> None:
    path = tree.exercise(SLUG)
    text = path.read_text("utf-8")
    write(
        path,
        text.replace(":name: double", ":name: double\n:takes: x number whole\n:gives: number"),
    )
    write(
        path.with_name("wrong.toml"),
        '[[wrong]]\nname = "trebles"\npart = "test-double"\nold = "2 * x"\nnew = "3 * x"\nwhy = "Three."\n'
        '[[wrong]]\nname = "is right"\npart = "test-double"\nold = "2 * x"\nnew = "x + x"\nwhy = "Twice."\n'
        '[[accepted]]\nchange = "double: gone"\nwhy = "?"\n',
    )
    tried = try_exercise(tree, SLUG)
    assert tried.counts["wrong"] == 7
    assert "is right: it must lose test-double and loses nothing" in tried.faults
    assert any("'double: gone' is noticed, or is no change any more" in fault for fault in tried.faults)
    assert not any("trebles" in fault for fault in tried.faults)
    probed = [fault.partition(": wrong only")[0] for fault in tried.faults if "wrong only" in fault]
    assert probed == ["double: x: zero", "double: x: one"], "a negative number is in the exercise's tests"


def test_what_an_exercise_imports_is_imported_once_for_all_changes(tree, monkeypatch) -> None:
    path = tree.exercise(SLUG)
    write(path, path.read_text("utf-8").replace("    return 2 * x", "    import wave\n    return 2 * x"))
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    assert not try_exercise(tree, SLUG).faults
    assert "wave" in sys.modules


def test_a_contract_is_that_of_the_first_function_of_its_cell(tree) -> None:
    path = tree.exercise(SLUG)
    taken = path.read_text("utf-8").replace(":name: double", ":name: double\n:takes: x number")
    helper = "\n\ndef doub(x, y):\n    return y\n"
    write(path, taken.replace("    ### END SOLUTION\n", "    ### END SOLUTION\n" + helper, 1))
    assert Exercise(tree, SLUG).contracts["double"].function == "double"
    write(
        path, taken.replace("def double(x):", "double = lambda x: (").replace("return 2 * x", "2 * x\n    )")
    )
    with pytest.raises(ValueError, match=":takes: x number stands in a cell without a function"):
        Exercise(tree, SLUG)
