import re
import shutil

import pytest
from campus_tree import REPOSITORY, write
from tpc_courses.checks.check import check


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


GOOD = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {name: python3, display_name: Python 3, language: python}
title: A lesson of half an hour
objectives: [count apples, weigh apples]
prerequisites: [{lesson: data/first-steps}]
minutes: 30
---

# A lesson of half an hour

An orchard sells 1,200 apples, and one in twenty is bad. How many good ones can a customer hope to take home from it?
Write your guess down before you go on, because we will count them together and then look at the answer again.

```{code-cell} ipython3
good = 1200 * 19 // 20
print(good)
```

## Look

The figure shows how many good apples there are among all of them, and the next one lets you change their number.

```{code-cell} ipython3
plt.subplots()
AppleFigure(good)
```

```{code-cell} ipython3
plt.subplots()
check("all apples", good < 1200, "Some are bad.")
```

**Checkpoint.** How many of them are good?

```{code-cell} ipython3
:tags: [hide-input]
ask("good apples", 1140, "Count the bad ones first.")
```

The share that is bad was printed as 4.9% by [Orchard and others](https://doi.org/10.1000/apples.7), who counted more.

## Again

```{code-cell} ipython3
:tags: [hide-input]
ask("bad apples", 60, "Divide by twenty.")
```

See also [the first steps](../data/first-steps.md#top) and [more](https://doi.org/10.1000/more).

## References

- Orchard (2020), *Apples*, [doi:10.1000/apples.7](https://doi.org/10.1000/apples.7)
"""

BAD_LESSONS = {
    "a long cell": ("print(good)\n", "print(good)\n" * 15, "16 lines, more than 15"),
    "many imports": ("print(good)\n", "import x\n" * 9, "9 imports, more than 8"),
    "mostly code": (
        "print(good)\n",
        "all_of_this_is_code_and_not_prose = 0\n" * 13,
        "of its words are prose, fewer than 50%",
    ),
    "few figures": ("plt.subplots()\ncheck", "check", "figures: 1 in 30 minutes, fewer than one for each 15"),
    "no interactive figure": ("AppleFigure(good)", "plt.plot(good)", "figures: none is interactive"),
    "few checkpoints": ('ask("bad', 'print("bad', "checkpoints: 1 questions in 30 minutes, fewer than one"),
    "a checkpoint that answers itself": (
        "## Again",
        '**Checkpoint.** Is it so?\n\n```{code-cell} ipython3\ncheck("bad", good == 1140, "Count.")\n```\n\n## Again',
        "cell 8: a checkpoint that does not ask the reader",
    ),
    "a checkpoint without code": (
        "## References",
        "## Checkpoint 3\n\nWhat is left?\n\n## References",
        "cell 10: a checkpoint that does not ask the reader",
    ),
    "an answer in sight": (
        ':tags: [hide-input]\nask("bad',
        'ask("bad',
        "cell 9: a question whose code, with the answer, is in sight. Begin the cell with `:tags: [hide-input]`",
    ),
    "an unknown key": ("minutes: 30", "minutes: 30\ncolour: red", "front matter colour: unknown key"),
    "too few objectives": ("[count apples, weigh apples]", "[count]", "front matter objectives: "),
    "an unknown prerequisite": (
        "data/first-steps}",
        "data/none}",
        "prerequisites.0.lesson: no notebooks/data/none.md",
    ),
    "a dead link": ("first-steps.md#top", "gone.md", "[the first steps](../data/gone.md) leads nowhere"),
    "plain http": (
        "https://doi.org/10.1000/more",
        "http://a.org/x",
        "(http://a.org/x) is not https",
    ),
    "an arXiv link": (
        "https://doi.org/10.1000/more",
        "https://arxiv.org/abs/2411.00640",
        "is not a DOI. Write https://doi.org/10.48550/arXiv.",
    ),
    "a DOI without a prefix": (
        "(https://doi.org/10.1000/more",
        "(https://doi.org/apples",
        "(https://doi.org/apples) is not a DOI",
    ),
    "two DOIs": ("[doi:10.1000/apples.7]", "[doi:10.1000/apples.8]", "names another DOI than it links to"),
    "a bare address": ("who counted", "https://a.org who counted", "https://a.org is no link"),
    "no references": (
        "[doi:10.1000/apples.7](https://doi.org/10.1000/apples.7)",
        "a book",
        "no reference with a DOI",
    ),
    "a share without a source": (
        "one in twenty",
        "5.1%",
        "section 'A lesson of half an hour': 5.1% looks quoted",
    ),
    "thousands without a source": ("sells 1,200", "sells 7,300", "7,300 looks quoted and has no source"),
    "millions without a source": ("sells 1,200", "sells 3 million", "3 million looks quoted"),
    "a power of ten without a source": ("sells 1,200", "sells 3e25", "3e25 looks quoted"),
    "a power of ten in a formula": ("sells 1,200", "sells $3.8\\times10^{25}$", "3.8e25 looks quoted"),
    "a power of ten with raised digits": ("sells 1,200", "sells 4·10²⁵", "4e25 looks quoted"),
    "a letter for billions": ("sells 1,200", "sells 70B", "70B looks quoted"),
    "a whole number of three digits": ("sells 1,200", "sells 969", "969 looks quoted"),
    "a power of ten alone": ("sells 1,200", "sells 10^25", "1e25 looks quoted"),
    "a power of ten alone with raised digits": ("sells 1,200", "sells 10²⁵", "1e25 looks quoted"),
    "a power of ten alone in a formula": ("sells 1,200", "sells $10^{25}$", "1e25 looks quoted"),
    "a number in code font": ("one in twenty", "a share of `0.34`", "0.34 looks quoted"),
    "a fraction in code font": ("one in twenty", "`2/7` of them", "2/7 looks quoted"),
    "a fraction": ("one in twenty", "2/3", "2/3 looks quoted"),
    "a fraction in words": ("one in twenty", "two thirds", "2/3 looks quoted"),
    "a fraction with a hyphen": ("one in twenty", "two-thirds", "2/3 looks quoted"),
    "trillions in words": ("sells 1,200", "sells fifteen trillion", "15 trillion looks quoted"),
    "thousands in words": ("sells 1,200", "sells Twenty-Five thousand", "25 thousand looks quoted"),
    "hundreds in words": ("sells 1,200", "sells three hundred", "300 looks quoted"),
    "a share in words": ("one in twenty", "seven per cent", "7 per cent looks quoted"),
    "a small number with a unit": ("one in twenty", "a load of 84 GB", "84 GB looks quoted"),
    "a number of a cell in another unit": ("sells 1,200", "sells 20 trillion", "20 trillion looks quoted"),
    "a range": ("one in twenty", "20-43%", "43% looks quoted"),
    "a number below zero": ("one in twenty", "a rise of -5.17", "5.17 looks quoted"),
    "a number in a note": (
        "Write your guess",
        "\n```{note}\nIt scores 71.3 points.\n```\n\nWrite your guess",
        "71.3 points looks quoted",
    ),
    "a number in a table": (
        "Write your guess",
        "\n| model | score |\n|---|---|\n| A | 71.3 |\n\nWrite your guess",
        "71.3 looks quoted",
    ),
    "a decimal in a formula": ("sells 1,200", "sells $x=3.7$", "3.7 looks quoted"),
    "a count in a displayed formula": (
        "sells 1,200",
        "sells\n$$ n = \\frac{z^2}{2} + 7300. $$\n",
        "7300 looks quoted",
    ),
    "a number above a cited paragraph": (
        "The share that is bad was",
        "It is 61.7% elsewhere.\n\nThe share that is bad was",
        "61.7% looks quoted",
    ),
    "an item below a cited one": (
        "who counted more.",
        "who counted more:\n\n- in 2019 it was 4.8% by [them](https://doi.org/10.1000/apples.8),\n- in 2020 61.7%.",
        "61.7% looks quoted",
    ),
    "a row below a cited one": (
        "## Again",
        "| year | share |\n|---|---|\n| 2019 | 4.8% [them](https://doi.org/10.1000/apples.8) |\n"
        "| 2020 | 61.7% |\n\n## Again",
        "61.7% looks quoted",
    ),
}


@pytest.mark.parametrize("case", BAD_LESSONS)
def test_a_bad_lesson_is_told_what_is_wrong(tree, case):
    old, new, expected = BAD_LESSONS[case]
    path = tree.notebooks / "data" / "apples.md"
    write(path, GOOD)
    assert check(tree) == []
    assert GOOD.count(old) >= 1
    write(path, GOOD.replace(old, new, 1))
    found = [str(problem) for problem in check(tree)]
    assert len(found) == 1, found
    assert found[0].startswith("notebooks/data/apples.md: ")
    assert expected in found[0]


def test_the_line_that_a_folded_cell_shows_is_not_its_authors(tree):
    path, question = tree.notebooks / "data" / "apples.md", 'ask("bad'
    write(path, GOOD.replace(question, "x = 1\n" * 14 + question))
    assert check(tree) == []
    write(path, GOOD.replace(question, "x = 1\n" * 15 + question))
    assert ["16 lines, more than 15" in str(problem) for problem in check(tree)] == [True]


@pytest.mark.parametrize(
    "prose",
    [
        "It keeps its promise at the 95% level, in 2024 and in chapter 3.",
        "The formula $x_{0.025} \\le \\frac{1}{7}\\cdot 24Ld^2 - 3/7$ and the code `x = 3.7` are not prose.",
        "Others ([2019](https://doi.org/10.1000/apples.8)) saw 4.8%,\nand 5.17 in $3.7$ or $10^{25}$.",
        "- It was 4.8% by [them](https://doi.org/10.1000/apples.8)\n  and 5.17 later.",
        "One formula:\n\n$$ x =\n- 3/7 + y. $$\n\nThat is all.",
        "Two lines:\n\n```python\nx = 3.7\n\ny = 5.17\n```\n\nThat is all.",
        "Of `20` apples `19/20` are good by `x = 3.7`, which is `1.14` thousand.",
        "Of twenty apples nineteen are good, of 1.2 thousand 1200 * 19/20.",
        "Two of the three models in twenty-five runs have a third of a million, a hundred or a thousand apples.",
        "A difference of one percent is half of the 5 percent level, and one of 12-16 in four is bad.",
        "On 2026/11/28 it went from A/2 to B/3.",
        "Of them 1140 are good, which is 1.14 thousand.",
        "The paper prints 969 items at a difference of 13.2%.",
        "In the years 1945 and 2024 it was 12 of 20, a seventh or $T/6d$.",
    ],
)
def test_numbers_of_conventions_formulas_cells_and_the_registry_need_no_more(tree, prose):
    write(
        tree.notebooks / "tpc_lab" / "published" / "evaluation.toml",
        '[miller]\nsource = "M"\n[miller.numbers]\nx = { printed = "13.2%", where = "sec. 5" }\n'
        'y = { printed = "969", where = "sec. 5" }\n',
    )
    write(tree.notebooks / "data" / "apples.md", GOOD.replace("one in twenty is bad.", prose, 1))
    assert check(tree) == []


def test_an_exercise_quotes_with_a_source_but_may_make_up_a_case(tree):
    path = tree.exercise("double-data")
    made_up = (
        "\n## Judge\n\nA colleague finds 71.3% on 443 items.\n\n"
        '+++ {"tags": ["answer"], "name": "judge", "points": 1}\n\nToo few.\n'
    )
    write(path, path.read_text() + made_up)
    assert check(tree) == []
    write(path, path.read_text().replace("\n## Judge", "\nIt is known that 62.4% do.\n\n## Judge"))
    assert ["62.4% looks quoted" in str(problem) for problem in check(tree)] == [True]


BAD_GATES = {
    "wrong/way_0.py": {
        '"""Forgets."""\ndef double(x):\n    return x\n': "PART: missing. Say which test it must fail",
        '"""F."""\nPART = "test-triple"\ndef double(x):\n    return x\n': "no test 'test-triple'. Use one of",
        'PART = "test-double"\ndef double(x):\n    return x\n': "line 1: no docstring",
        "def double(x:\n": "line 1: not Python",
    },
    "wrong.toml": {
        '[[wrong]]\nname = "halves"\npart = "test-triple"\nold = "2"\nnew = "1"\nwhy = "W."\n': "no test 'test-triple'",
        '[[wrong]]\nname = "halves"\npart = "test-double"\nold = "2"\nnew = "1"\n': "wrong.0.why: Field required",
    },
    "right/way_0.py": {
        '"""Adds."""\nPART = "test-double"\ndef double(x):\n    return x\n': "a right solution loses nothing",
    },
}


@pytest.mark.parametrize(("file", "text"), [(f, t) for f, texts in BAD_GATES.items() for t in texts])
def test_a_solution_that_the_gate_cannot_grade_is_named(tree, file, text):
    write(tree.exercises / "double-data" / file, text)
    found = [str(problem) for problem in check(tree)]
    assert len(found) == 1, found
    assert found[0].startswith(f"exercises/double-data/{file}: ")
    assert BAD_GATES[file][text] in found[0]


@pytest.mark.parametrize(("kind", "least"), [("wrong", 5), ("right", 2)])
def test_an_exercise_without_its_gate_fails(tree, kind, least):
    next((tree.exercises / "double-data" / kind).iterdir()).unlink()
    assert [str(p) for p in check(tree)] == [
        f"exercises/double-data/{kind}: {least - 1} solutions, fewer than {least}. "
        "Add solutions: `make test` grades them, wrong ones must lose points, right ones must not."
    ]


def test_mistakes_that_wrong_toml_declares_count(tree):
    next((tree.exercises / "double-data" / "wrong").iterdir()).unlink()
    declared = (
        '[[wrong]]\nname = "halves"\npart = "test-double"\nold = "2 * x"\nnew = "x / 2"\nwhy = "Halves."\n'
    )
    write(tree.exercises / "double-data" / "wrong.toml", declared)
    assert check(tree) == []


def test_the_lock_file_names_versions_only():
    """No address and no path: the file must serve every machine and every registry."""
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    pinned = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[^ ;/]+( ; .*)?", line)] == []
