"""Exercises: the solution is the source. Tags in the Markdown expand to nbgrader's cell metadata.

tag `exercise`   code the student writes (solution between nbgrader's BEGIN/END SOLUTION marks)
tag `grade`      tests worth `points` (hidden part between BEGIN/END HIDDEN TESTS); `show` says what feedback tells
tag `answer`     a written answer worth `points`, graded by a person

A `grade` cell may say at which `level` it is trusted: `oracle` (the default) and `artefact` run the tests where no
student's code is, `kernel` beside it; see CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nbformat import NotebookNode
from pydantic import Field, ValidationError

from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.base.reading import read_json_text, read_notebook
from tpc_courses.sources import foreign
from tpc_courses.sources.clock_seeds import seeds_from_clock
from tpc_courses.sources.lesson import FOREIGN_KEYS, front_matter, front_matter_problems, notebook_from
from tpc_courses.sources.levels import DEFAULT_LEVEL, LEVELS, bound_names, needs_kernel
from tpc_courses.sources.manifest import Frozen, Slug
from tpc_courses.sources.partial_credit import gives_partial_credit

ROLES = ("exercise", "grade", "answer")
# What feedback says of a test: points only, its message too, or also what was expected where students can read it.
SHOWN = ("score", "message", "difference")
# What an answer's numbers may be in beside double precision, where a test asks for it.
DTYPES = (
    "float32",
    "float16",
    "bfloat16",
    "complex64",
    "int32",
    "int16",
    "int8",
    "uint32",
    "uint16",
    "uint8",
)
# What a cell of an exercise says of its function, for probes of its tests.
CONTRACT = ("takes", "gives")
ARTEFACT_ENDINGS = (".json", ".npy", ".safetensors")
# Under this key of a cell's metadata a release says what nbgrader's own metadata has no place for.
OURS = "tpc"
# What says the level of a test where our tags do not.
_IN_METADATA = f'"{OURS}": {{"level": "kernel"}} in the metadata of its cell'
_NAME = re.compile(r"[a-z][a-z0-9-]{0,59}")


class Part(Frozen):
    """One graded cell: `manual` parts are read by a person."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")
    points: float = Field(gt=0, le=foreign.MAXIMUM_POINTS)
    manual: bool = False


class ExerciseFacts(Frozen):
    """What the front matter of an exercise may say."""

    title: str = Field(min_length=3, max_length=80)
    description: str = Field(default="", max_length=300)
    minutes: int = Field(default=45, ge=5, le=600)


class Exercise(ExerciseFacts):
    """An exercise as its source declares it."""

    slug: Slug
    parts: tuple[Part, ...]

    @property
    def points(self) -> float:
        """Return the maximum score."""
        return sum(part.points for part in self.parts)


def read_exercise(path: Path) -> Exercise:
    """Return what an exercise declares; raises SourceError with every problem in its cells."""
    name = f"exercises/{path.parent.name}/{path.name}"
    problems = list(_folder_problems(path))
    declared = {key: value for key, value in front_matter(path).items() if key not in FOREIGN_KEYS}
    from_elsewhere = _foreign_notebook(path)
    if from_elsewhere is not None:
        notebook, found = foreign.upgraded(name, from_elsewhere)
        declared.setdefault("title", foreign.title_of(notebook, path.parent.name))
        problems += [*found, *_foreign_level_problems(name, notebook)]
    else:
        notebook = notebook_from(path)
        problems += _cell_problems(name, notebook)
    try:
        facts = ExerciseFacts.model_validate(declared)
    except ValidationError as e:
        raise SourceError([*problems, *front_matter_problems(path, name, e, ExerciseFacts)]) from e
    if problems:
        raise SourceError(problems)
    parts = _parts(notebook) if from_elsewhere is None else _foreign_parts(notebook)
    return Exercise(slug=path.parent.name, parts=parts, **facts.model_dump())


def _parts(notebook: NotebookNode) -> tuple[Part, ...]:
    return tuple(
        Part(name=cell.metadata.name, points=cell.metadata.points, manual=role_of(cell) == "answer")
        for cell in notebook.cells
        if role_of(cell) in {"grade", "answer"}
    )


def _foreign_parts(notebook: NotebookNode) -> tuple[Part, ...]:
    facts = [
        (foreign.facts_of(cell), foreign.is_manual(cell)) for cell in notebook.cells if foreign.is_part(cell)
    ]
    return tuple(Part(name=each.grade_id, points=each.points, manual=manual) for each, manual in facts)


def is_foreign(path: Path) -> bool:
    """Return whether nbgrader's own metadata, not our tags, say what of an exercise is graded."""
    return _foreign_notebook(path) is not None


def _foreign_notebook(path: Path) -> NotebookNode | None:
    if path.suffix != ".ipynb":
        return None
    notebook = read_notebook(path, read_json_text(path))
    tagged = [cell for cell in notebook.cells if role_of(cell)]
    # A tag like ours may stand in anybody's notebook; one with a name is ours.
    ours = any("name" in cell.metadata for cell in tagged) or (tagged and not foreign.is_foreign(notebook))
    return None if ours else notebook


def _folder_problems(path: Path) -> Iterator[Problem]:
    """Yield what keeps a folder from being an exercise: its name, and a second notebook."""
    slug, name = path.parent.name, f"exercises/{path.parent.name}"
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", slug):
        plain = unicodedata.normalize("NFKD", slug).encode("ascii", "ignore").decode().lower()
        plain = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "exercise"
        better = plain if plain[0].isalpha() else f"exercise-{plain}"[:40]
        found = "the folder's name is part of addresses: a letter, then a-z, 0-9 and -, at most 40"
        yield Problem(name, "", found, f"Rename it, to {better} for example")
    others = sorted(
        each.name for each in path.parent.glob("[!.]*.ipynb") if each.stem not in (slug, path.stem)
    )
    if others:
        found = f"{', '.join(others)} beside {path.name}, and an exercise is one notebook"
        yield Problem(name, "", found, "Give each notebook a folder of its own")


def role_of(cell: NotebookNode) -> str | None:
    """Return which of our roles a cell has, or None."""
    return next((role for role in ROLES if role in cell.metadata.get("tags", [])), None)


def source_notebook(path: Path) -> NotebookNode:
    """Return the instructor's notebook with nbgrader metadata, ready for `generate_assignment`."""
    read_exercise(path)
    from_elsewhere = _foreign_notebook(path)
    if from_elsewhere is not None:
        return foreign.upgraded(path.name, from_elsewhere)[0]
    notebook = notebook_from(path)
    for cell in notebook.cells:
        role = role_of(cell)
        if role is None:
            continue
        cell.metadata["nbgrader"] = _nbgrader_metadata(cell, role)
        cell["id"] = cell.metadata.name
        cell.metadata[OURS] = {
            key: cell.metadata[key] for key in ("level", "artefacts", "dtypes") if key in cell.metadata
        }
        # What a function takes and gives is for `campus try`: a release does not change with it.
        for key in ("name", "points", "level", "artefacts", "dtypes", *CONTRACT):
            cell.metadata.pop(key, None)
    return notebook


def contracts_of(path: Path) -> dict[str, tuple[str, str]]:
    """Return answer -> what its function takes and gives, in the words of its cell."""
    if _foreign_notebook(path) is not None:
        return {}
    cells = [cell.metadata for cell in notebook_from(path).cells if role_of(cell) == "exercise"]
    found = {str(each.get("name")): tuple(str(each.get(key, "")) for key in CONTRACT) for each in cells}
    return {name: (takes, gives) for name, (takes, gives) in found.items() if takes or gives}


def _nbgrader_metadata(cell: NotebookNode, role: str) -> dict[str, object]:
    kind = "markdown" if cell.cell_type == "markdown" else "code"
    metadata: dict[str, object] = {
        "schema_version": 3,
        "grade_id": cell.metadata.name,
        "grade": role != "exercise",
        "solution": role != "grade",
        "locked": role == "grade",
        "task": False,
        "cell_type": kind,
    }
    if role != "exercise":
        metadata["points"] = cell.metadata.points
    return metadata


def _cell_problems(name: str, notebook: NotebookNode) -> list[Problem]:
    problems, seen = [], set[str]()
    known = given_names(cell for cell in notebook.cells if role_of(cell) is None)
    for index, cell in enumerate(notebook.cells):
        role = role_of(cell)
        if role is None:
            continue
        where = f"cell {index + 1} ({role})"
        label = cell.metadata.get("name")
        if not label:
            problems.append(Problem(name, where, "no :name:", "Give the cell a name of its own"))
        elif not _NAME.fullmatch(str(label)):
            found = f"name {label!r}"
            problems.append(Problem(name, where, found, "Use a letter, then a-z, 0-9 and -, at most 60"))
        elif label in seen:
            problems.append(Problem(name, where, f"name {label!r} is used twice", "Rename one of the cells"))
        seen.add(str(label or ""))
        if role != "exercise" and not _is_points(cell.metadata.get("points")):
            problems.append(
                Problem(name, where, "no :points:, or not a number above 0", "Say what the part is worth")
            )
        problems += _level_problems(name, where, role, cell.metadata)
        problems += _trust_problems(name, where, role, cell, known, cell.metadata.get("level", DEFAULT_LEVEL))
        if role == "grade" and seeds_from_clock(cell.source):
            found = "takes a seed from the clock, so the same work could get another score"
            remedy = "Draw without a seed: it then follows from the exercise's version"
            problems.append(Problem(name, where, found, remedy))
        if role == "grade" and "AUTOTEST" in cell.source:
            remedy = "Write the tests as assertions"
            problems.append(
                Problem(name, where, "uses nbgrader's AUTOTEST, which tests nothing here", remedy)
            )
        shown = cell.metadata.get("show", "message")
        if role == "grade" and shown not in SHOWN:
            found = f"show is {shown!r}"
            problems.append(Problem(name, where, found, f"Remove it or use one of: {', '.join(SHOWN)}"))
        if role == "exercise" and "### BEGIN SOLUTION" not in cell.source:
            remedy = "Put the solution between `### BEGIN SOLUTION` and `### END SOLUTION`"
            problems.append(
                Problem(name, where, "no solution marks, the release would show the answer", remedy)
            )
    if not any(role_of(cell) == "grade" for cell in notebook.cells):
        problems.append(
            Problem(name, "", "no cell is tagged grade, nothing can be graded", "Add a test cell")
        )
    return problems


def _foreign_level_problems(name: str, notebook: NotebookNode) -> Iterator[Problem]:
    """Yield what is wrong with where the tests of a notebook from elsewhere run."""
    known = given_names(cell for cell in notebook.cells if not foreign.facts_of(cell).get("solution"))
    for number, cell in enumerate(notebook.cells, 1):
        ours = cell.metadata.get(OURS, {})
        where = f"cell {number} ({foreign.facts_of(cell).get('grade_id', '')})"
        if not isinstance(ours, dict):
            yield Problem(
                name,
                where,
                f"{OURS!r} in its metadata is {ours!r}",
                'Write {"level": "kernel"}, or remove it',
            )
            continue
        role = "grade" if foreign.is_test(cell) else "other"
        yield from _level_problems(name, where, role, NotebookNode(ours))
        if role == "grade" and cell.cell_type == "code":
            for each in _trust_problems(name, where, role, cell, known, ours.get("level", DEFAULT_LEVEL)):
                yield replace(each, remedy=each.remedy.replace(":level: kernel", _IN_METADATA))


def _level_problems(name: str, where: str, role: str, metadata: NotebookNode) -> list[Problem]:
    level, artefacts, dtypes = (metadata.get(key) for key in ("level", "artefacts", "dtypes"))
    if dtypes is not None and not (
        isinstance(dtypes, list) and dtypes and set(map(str, dtypes)) <= set(DTYPES)
    ):
        remedy = f"Remove them, or name some of: {', '.join(DTYPES)}, like [float32]"
        return [Problem(name, where, f":dtypes: {dtypes!r}", remedy)]
    if dtypes is not None and (role != "grade" or level == "kernel"):
        remedy = "Remove them: only tests away from the student's code read numbers in double precision"
        return [Problem(name, where, ":dtypes: where answers come as they are", remedy)]
    if level is None and artefacts is None:
        return []
    if role != "grade":
        return [Problem(name, where, "only a cell tagged grade has :level: and :artefacts:", "Remove them")]
    if level not in LEVELS:
        return [Problem(name, where, f"level {level!r}", f"Use one of: {', '.join(LEVELS)}")]
    names = artefacts if isinstance(artefacts, list) else []
    good = names and all(isinstance(each, str) and _is_artefact(each) for each in names)
    if level == "artefact" and not good:
        endings = " or ".join(ARTEFACT_ENDINGS)
        return [
            Problem(name, where, "no list of :artefacts:", f"Name files like [predictions.npy], {endings}")
        ]
    if level != "artefact" and artefacts is not None:
        return [Problem(name, where, f":artefacts: at level {level}", "Set :level: artefact, or remove them")]
    return []


def _trust_problems(
    name: str, where: str, role: str, cell: NotebookNode, known: set[str], level: str
) -> list[Problem]:
    if role == "grade" and level == "kernel" and gives_partial_credit(cell.source):
        found = "the last line is a value, which is the score (partial credit), and the student's code could forge it"
        return [Problem(name, where, found, "Set :level: oracle, or end the cell with an assertion")]
    reason = needs_kernel(cell.source, known) if role == "grade" and level == "oracle" else ""
    if not reason:
        return []
    remedy = (
        "Write it otherwise; or set :level: kernel, where code that walks Python's frames can beat the tests"
    )
    return [Problem(name, where, f"{reason}, which tests at level oracle (the default) cannot", remedy)]


def kernel_cells(path: Path) -> list[str]:
    """Return the names of the tests of an exercise that run beside the student's code."""
    from_elsewhere = _foreign_notebook(path)
    if from_elsewhere is not None:
        cells = foreign.upgraded(path.name, from_elsewhere)[0].cells
        found = [cell for cell in cells if foreign.is_test(cell)]
        levels = [(str(foreign.facts_of(cell).grade_id), cell.metadata.get(OURS, {})) for cell in found]
        return [name for name, ours in levels if ours.get("level") == "kernel"]
    return [
        str(cell.metadata.name)
        for cell in notebook_from(path).cells
        if role_of(cell) == "grade" and cell.metadata.get("level") == "kernel"
    ]


def given_names(cells: Iterable[NotebookNode]) -> set[str]:
    """Return the names that cells of the exercise's own code give a meaning to."""
    found = set[str]()
    for cell in cells:
        if cell.cell_type == "code":
            with suppress(SyntaxError, ValueError):
                found |= bound_names(ast.parse(cell.source))
    return found


def _is_artefact(name: str) -> bool:
    return name.endswith(ARTEFACT_ENDINGS) and not name.startswith("/") and ".." not in name.split("/")


def _is_points(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
