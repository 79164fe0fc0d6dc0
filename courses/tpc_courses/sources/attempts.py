"""Solutions that try an exercise: wrong ones, which must lose a part, and right ones written differently.

Most wrong solutions differ from the author's in a line or two and stand in `exercises/<slug>/wrong.toml`:

    [[wrong]]
    name = "divides by n"
    part = "test-standard-error"
    old = "ddof=1"
    new = "ddof=0"
    why = "Divides by n, not n - 1, so that few scores look too sure."

What is written differently is a file, `wrong/*.py` (with PART, and why as its docstring) or `right/*.py`. A change that
the tests rightly accept is noted with its reason, in the words of `campus try`:

    [[accepted]]
    change = "write-answers: answers.mean(axis=1) -> answers.mean(axis=-1)"
    why = "..."
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.sources.manifest import Frozen

Texts = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
]


@dataclass(frozen=True)
class Attempt:
    """A solution to be tried. It must lose `parts`, and is right when there are none."""

    name: str
    why: str
    parts: tuple[str, ...]
    code: str = ""
    old: str = ""
    new: str = ""

    def applied(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Return the answers (cell name -> the author's code) that differ; raises ValueError with a sentence."""
        if self.old:
            return self._edited(answers)
        ours = functions_in(self.code)
        cells = [name for name, source in answers.items() if ours & functions_in(source)]
        if not cells:
            raise ValueError(f"{self.name}: it defines no function of the exercise")
        # All of it stands where the first of its functions does.
        return dict.fromkeys(cells, "") | {cells[0]: self.code}

    def _edited(self, answers: Mapping[str, str]) -> dict[str, str]:
        found = {name: source for name, source in answers.items() if self.old in source}
        if len(found) != 1 or (count := next(iter(found.values())).count(self.old)) != 1:
            times = sum(source.count(self.old) for source in found.values())
            raise ValueError(
                f"{self.name}: {self.old!r} stands {times} times in the solutions. Give a piece that stands there once."
            )
        assert count == 1
        return {name: source.replace(self.old, self.new) for name, source in found.items()}


class _Wrong(Frozen):
    name: str = Field(min_length=1)
    part: Texts
    old: str = Field(min_length=1)
    new: str
    why: str = Field(min_length=1)


class _Accepted(Frozen):
    change: str = Field(min_length=1)
    why: str = Field(min_length=1)


class _Declared(Frozen):
    wrong: tuple[_Wrong, ...] = ()
    accepted: tuple[_Accepted, ...] = ()


def read_attempts(folder: Path) -> tuple[tuple[Attempt, ...], dict[str, str]]:
    """Return the solutions of an exercise's folder, and accepted change -> why; raises SourceError."""
    edits, accepted = read_edits(folder)
    files = [_from_file(path) for kind in ("wrong", "right") for path in sorted((folder / kind).glob("*.py"))]
    return (*edits, *files), accepted


def read_edits(folder: Path) -> tuple[tuple[Attempt, ...], dict[str, str]]:
    """Return what `wrong.toml` says of them; raises SourceError."""
    declared = _declared(folder / "wrong.toml")
    edits = (Attempt(each.name, each.why, each.part, old=each.old, new=each.new) for each in declared.wrong)
    return tuple(edits), {each.change: each.why for each in declared.accepted}


def functions_in(source: str) -> set[str]:
    """Return the functions that code defines, at any depth."""
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


def _from_file(path: Path) -> Attempt:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    parts = claimed_parts(tree)
    if (path.parent.name == "wrong") != bool(parts):
        what = (
            "a wrong solution names the PART that it loses" if not parts else "a right solution loses no PART"
        )
        name = f"exercises/{path.parent.parent.name}/{path.parent.name}/{path.name}"
        raise SourceError([Problem(name, "PART", what, "Correct it, or move the file")])
    return Attempt(path.stem, ast.get_docstring(tree) or "", parts, code=text)


def claimed_parts(tree: ast.Module) -> tuple[str, ...]:
    """Return the parts that a solution names in `PART`, a string or a list of strings."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PART":
            value = ast.literal_eval(node.value)
            return (value,) if isinstance(value, str) else tuple(value)
    return ()


def _declared(path: Path) -> _Declared:
    if not path.exists():
        return _Declared()
    name = f"exercises/{path.parent.name}/{path.name}"
    try:
        return _Declared.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as e:
        raise SourceError([Problem(name, "", f"not TOML ({e})", "Correct it")]) from e
    except ValidationError as e:
        raise SourceError(
            Problem(
                name, ".".join(map(str, error["loc"])), error["msg"], "See CONTRIBUTING.md, Write an exercise"
            )
            for error in e.errors()
        ) from e
