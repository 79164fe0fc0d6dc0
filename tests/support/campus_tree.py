"""A small campus source tree for tests: two courses, one lesson and one quick exercise each."""

from __future__ import annotations

import os
from pathlib import Path

from tpc_courses.base.places import Places

REPOSITORY = Path(__file__).parents[2]
# What processes of tests find the modules beside this one by.
SUPPORT = os.pathsep.join(str(Path(__file__).parent / name) for name in (".", "cases", "stand_ins", "suites"))

LESSON = """---
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
kernelspec: {{name: python3, display_name: Python 3, language: python}}
title: {title}
description: A lesson for tests.
objectives: [add two numbers, read a sum]
minutes: 10
---

# {title}

How much is six times seven?

```{{code-cell}} ipython3
:tags: [parameters]
effort = "quick"
```

```{{code-cell}} ipython3
answer = 6 * 7
print(f"the answer is {{answer}}")
```
"""

EXERCISE = """---
title: {title}
minutes: 10
---

# {title}

```{{code-cell}} ipython3
:tags: [exercise]
:name: double
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
```

```{{code-cell}} ipython3
:tags: [grade]
:name: test-double
:points: 2
assert double(3) == 6, "double(3) should be twice 3"
### BEGIN HIDDEN TESTS
assert double(-1.5) == -3.0, "double must work for negative numbers"
### END HIDDEN TESTS
```
"""

COURSE = """id: {name}
title: {title}
summary: A course for tests, with one lesson and one exercise.
time_zone: Europe/Berlin
units:
  - lesson: {name}/first-steps
    exercise: {exercise}
    due: 2099-01-29T18:00:00+01:00
"""


def make_tree(root: Path, state: Path) -> Places:
    """Write the tree under `root` and return its places; hub and npm parts are those of the repository."""
    for name, title in (("scaling", "Scaling"), ("data", "Data")):
        exercise = f"double-{name}"
        write(
            root / "courses" / f"{name}.yml",
            COURSE.format(name=name, title=f"{title} course", exercise=exercise),
        )
        write(root / "notebooks" / name / "first-steps.md", LESSON.format(title=f"First steps in {name}"))
        write(root / "exercises" / exercise / f"{exercise}.md", EXERCISE.format(title=f"Doubling for {name}"))
        for kind, count, text in (
            ("wrong", 5, '"""Forgets."""\n\nPART = "test-double"\n\ndef double(x):\n    return x\n'),
            ("right", 2, '"""Adds."""\n\ndef double(x):\n    return x + x\n'),
        ):
            for index in range(count):
                write(root / "exercises" / exercise / kind / f"way_{index}.py", text)
    write(root / "pyproject.toml", "")
    for name in ("hub", "node_modules", "book"):
        if (REPOSITORY / name).exists():
            (root / name).symlink_to(REPOSITORY / name)
    return Places(root, state)


def give_profile(places: Places, name: str, text: str) -> None:
    """Give a tree a profile of its own, beside those of the repository."""
    hub = places.root / "hub"
    hub.unlink()
    (hub / "profiles").mkdir(parents=True)
    for each in (*(REPOSITORY / "hub").glob("*"), *(REPOSITORY / "hub" / "profiles").glob("*")):
        if each.name != "profiles":
            (hub / each.relative_to(REPOSITORY / "hub")).symlink_to(each)
    write(hub / "profiles" / f"{name}.toml", text)


def write(path: Path, text: str) -> None:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
