"""The same work gets the same score: what tests draw without a seed follows from the exercise's version alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from honest_cases import Row, answer, checks, given
from nbformat.v4 import new_code_cell
from test_honest import handed_in, source_of
from tpc_grader.grading.submission import grade_files
from tpc_grader.results.results import Graded
from tpc_grader.sandbox import run as sandbox
from tpc_grader.sandbox.bundle import Bundle, Step
from tpc_grader.versions.sources import Source

# Ways in which a test draws a number between 0 and 1 without a seed, each written as one expression.
KINDS = {
    "random": "__import__('random').random()",
    "Random": "__import__('random').Random().random()",
    "reseeded": "(lambda r: [r.seed(), r.random()][1])(__import__('random'))",
    "SystemRandom": "__import__('random').SystemRandom().random()",
    "secrets": "__import__('secrets').randbelow(1000) / 1000",
    "urandom": "__import__('os').urandom(1)[0] / 256",
    "getrandom": "__import__('os').getrandom(1)[0] / 256",
    "uuid4": "__import__('uuid').uuid4().int / 2**128",
    "numpy-rand": "np.random.rand()",
    "numpy-reseeded": "[np.random.seed(), np.random.rand()][1]",
    "RandomState": "np.random.RandomState().rand()",
    "default_rng": "np.random.default_rng().random()",
    "MT19937": "np.random.Generator(np.random.MT19937()).random()",
    "SeedSequence": "np.random.default_rng(np.random.SeedSequence().spawn(1)[0]).random()",
    "scipy": "__import__('scipy.stats').stats.uniform.rvs()",
    "jax": "float(__import__('jax').random.uniform(__import__('jax').random.key(np.random.randint(2**31))))",
    "given": "given_rng.random()",
    "given-state": "given_state.rand()",
    "given-random": "given_random.random()",
    "answer": "draw()",
}
TIMES = 4
GIVEN = given(
    "import random\nimport numpy as np\n"
    "given_rng, given_state, given_random = np.random.default_rng(), np.random.RandomState(), random.Random()\n"
    "data = given_rng.normal(size=3)"
)
WRITE = answer("write", "def draw():\n    return float(np.random.default_rng().random())")
DRAWING = Row(
    "tests that draw",
    (
        GIVEN,
        WRITE,
        *(
            checks(f"{kind}-{time}", "assert draw() < 2", f"assert {draw} < 0.5, 'too large'")
            for kind, draw in KINDS.items()
            for time in range(TIMES)
        ),
    ),
)
# What students may do beside an honest answer; none of it may change what tests draw.
HABITS = {
    "nothing": "",
    "seeds": "np.random.seed(0)\nrandom.seed(0)",
    "draws": "np.random.rand(7), random.random(), np.random.default_rng().random(), given_rng.random(9)",
    "draws from what is given": "given_state.rand(3), given_random.random(), given_rng.random()",
    "uses other bits": "np.random.set_bit_generator(np.random.PCG64(1))",
    "replaces generators": (
        "np.random.default_rng = lambda *_: np.random.Generator(np.random.PCG64(1))\n"
        "random.random = np.random.rand = lambda *_: 0.1\n"
        "random.Random.seed = random.seed = lambda *_: None\n"
        "import os\nos.urandom = os.getrandom = random._urandom = bytes"
    ),
}


@pytest.fixture(scope="module", params=["kernel", "oracle"])
def drawing(request, tmp_path_factory) -> Source:
    return source_of(DRAWING, request.param, tmp_path_factory.mktemp("drawing"))


def grade(source: Source, row: Row = DRAWING, seed: str | None = None) -> Graded:
    graded = grade_files(source, handed_in(row, source), {}, backend="box", seed=seed)
    assert graded.outcome == "graded", graded.detail
    return graded


def patterns(graded: Graded) -> dict[str, str]:
    """Return kind of draw -> which of its parts passed, as a word of 0 and 1."""
    return {
        kind: "".join("01"[each.passed] for each in graded.cells if each.name.rpartition("-")[0] == kind)
        for kind in KINDS
    }


def test_the_same_work_gets_the_same_score_and_another_version_draws_otherwise(drawing):
    first = grade(drawing)
    assert patterns(first) == patterns(grade(drawing))
    assert grade(drawing, seed=first.seed).cells == first.cells
    others = [patterns(grade(drawing, seed=f"{number:064x}")) for number in range(1, 6)]
    same = [kind for kind in KINDS if len({each[kind] for each in [patterns(first), *others]}) == 1]
    assert same == []


def with_habit(habit: str) -> Row:
    """Return a row whose student does something in a cell of their own and in the answer."""

    def add(notebook):
        cell = dict(new_code_cell(habit), id="own", outputs=[], metadata={})
        notebook["cells"].insert(2, cell)

    plain = "def draw():\n    return float(np.random.default_rng().random())"
    return replace(DRAWING, answers={"write": f"{habit}\n{plain}"}, change=add)


@pytest.mark.parametrize("habit", [name for name in HABITS if name != "nothing"])
def test_what_a_student_does_changes_no_draw_of_a_test(drawing, habit):
    # What the answer itself draws is the student's own affair.
    tests = [kind for kind in KINDS if kind != "answer"]
    expected, found = (patterns(grade(drawing, with_habit(HABITS[name]))) for name in ("nothing", habit))
    assert {kind: found[kind] for kind in tests} == {kind: expected[kind] for kind in tests}


FORETELLS = """
import random as _random
from os import urandom as _urandom
foretold = [_random.random(), np.random.rand(), np.random.default_rng().random(), _urandom(8), given_rng.random()]
def known():
    return [_random.random(), np.random.rand(), np.random.default_rng().random(), _urandom(8), given_rng.random()]
"""
KEPT = (
    "import os\n_drawn = [random.random(), np.random.rand(), np.random.default_rng().random(), os.urandom(8), "
    "given_rng.random()]\n"
    "assert not set(foretold) & set(_drawn), 'the answer knew'"
)


def test_code_cannot_work_out_what_a_test_draws(tmp_path):
    """Neither before, nor elsewhere at the same moment, nor in the run whose outputs are seen."""
    for level, asked in (("kernel", ""), ("oracle", "\nassert not set(known()) & set(_drawn), 'it knew'")):
        row = Row(
            "foretell", (GIVEN, answer("write", FORETELLS), checks("test", "assert foretold", KEPT + asked))
        )
        source = source_of(row, level, tmp_path / level)
        assert grade(source, row).points == 1, grade(source, row).cells


def test_a_public_test_draws_in_the_seen_run_what_no_hidden_test_draws(tmp_path):
    """Else an output of the seen run would tell what the hidden part draws on from there."""
    shows = "def seen(x):\n    print('SEEN', x)\n    return x > 2"
    public = "_x = np.random.default_rng().random()"
    hidden = "assert seen(_x), f'{_x}'"
    row = Row(
        "shown", (GIVEN, answer("write", shows), checks("test", f"{public}\nassert not seen(_x)", hidden))
    )
    source = source_of(row, "oracle", tmp_path)
    graded = grade(source, row)
    # The public part passes, the hidden one fails with what it drew, which its instructor reads.
    drawn = graded.detail.rpartition("AssertionError: ")[2].strip()
    printed = [each["text"] for group in graded.outputs.values() for each in group if "text" in each]
    assert drawn.startswith("0.")
    assert any("SEEN 0." in text for text in printed)
    assert not any(drawn in text for text in printed)


def test_given_data_are_the_same_beside_the_code_and_beside_the_tests(tmp_path):
    keeps = "def own():\n    return [float(each) for each in data]"
    row = Row("data", (GIVEN, answer("write", keeps), checks("test", "assert own() == list(data)")))
    assert grade(source_of(row, "oracle", tmp_path), row).points == 1


def test_a_test_that_has_a_seed_keeps_it(tmp_path):
    fixed = (
        "_rng, _old, _plain = np.random.default_rng(7), np.random.RandomState(7), random.Random(7)\n"
        "assert (_rng.random(), _old.rand(), _plain.random()) == (0.625095466604667, 0.07630828937395717, "
        "0.32383276483316237)\n"
        "np.random.seed(7)\nassert np.random.rand() == 0.07630828937395717\n"
        "assert kept.random() == 0.625095466604667"
    )
    cells = (GIVEN, given("kept = np.random.default_rng(7)"), WRITE, checks("test", fixed))
    for level in ("kernel", "oracle"):
        source = source_of(Row("seeded", cells), level, tmp_path / level)
        assert grade(source, Row("seeded", cells)).points == 1


def test_sets_have_one_order_however_python_was_started():
    code = "print([f'w{n}' for n in range(9)], list({f'w{n}' for n in range(9)}), hash('word'))"
    found = [
        sandbox.run(Bundle((Step("code", 0, code),), plots=True), backend).steps[0].outputs[0]["text"]
        for backend in ("box", "none")
    ]
    assert found[0] == found[1]


def test_a_seed_is_of_the_hidden_tests_and_not_of_what_students_know(tmp_path):
    """A version's name and its released notebook are public, and say nothing of the draws."""
    seeds = set[str]()
    for number, hidden in enumerate(("assert 1 < 2", "assert 1 < 3")):
        row = Row("secret", (WRITE, checks("test", "assert draw", hidden)))
        source = source_of(row, "oracle", Path(tmp_path / str(number)))
        seeds.add(source.seed)
        assert source.seed == source_of(row, "oracle", Path(tmp_path / f"again-{number}")).seed
    assert len(seeds) == 2
