"""Lessons: a Markdown notebook with front matter that says what it teaches and how long it takes."""

from __future__ import annotations

import copy
import functools
import hashlib
from collections import Counter
from pathlib import Path
from typing import Annotated

import yaml
from nbformat import NotebookNode
from pydantic import Field, ValidationError

from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.base.reading import read_json_text, read_notebook, read_text, short
from tpc_courses.sources.manifest import Frozen, LessonSlug

# The same language, read ten times as fast where there is the one in C.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Keys that belong to jupytext or to the book engine, not to us.
FOREIGN_KEYS = {
    "jupytext",
    "kernelspec",
    "kernel",
    "authors",
    "license",
    "tags",
    "label",
    "thumbnail",
    "exports",
}


class Prerequisite(Frozen):
    """What a learner needs before: a lesson of ours, or a skill in words."""

    lesson: LessonSlug | None = None
    text: str | None = None


class Lesson(Frozen):
    """What the front matter of a lesson declares; `slug` is `topic/name`."""

    slug: LessonSlug
    title: str = Field(min_length=3, max_length=80)
    description: str = Field(default="", max_length=300)
    objectives: Annotated[tuple[str, ...], Field(min_length=2, max_length=4)]
    prerequisites: tuple[Prerequisite, ...] = ()
    minutes: int = Field(ge=5, le=180)

    @property
    def topic(self) -> str:
        return self.slug.split("/")[0]


def read_lesson(path: Path) -> Lesson:
    """Return what a lesson declares about itself; raises SourceError with every problem."""
    slug = f"{path.parent.name}/{path.stem}"
    declared = {key: value for key, value in front_matter(path).items() if key not in FOREIGN_KEYS}
    try:
        return Lesson.model_validate({"slug": slug, **declared})
    except ValidationError as e:
        raise SourceError(front_matter_problems(path, f"notebooks/{slug}{path.suffix}", e, Lesson)) from e


def front_matter(path: Path) -> dict[str, object]:
    """Return the front matter of a Markdown notebook, or the `campus` metadata of an .ipynb."""
    if path.suffix == ".ipynb":
        declared = read_notebook(path, read_json_text(path)).metadata.get("campus", {})
        if not isinstance(declared, dict):
            found = f"campus is {type(declared).__name__}, not keys with values"
            raise SourceError(
                [Problem(short(path), "metadata", found, "Write keys with values, or remove it")]
            )
        return dict(declared)
    text = read_text(path)
    if not text.startswith("---\n") or "\n---\n" not in text[4:]:
        problem = Problem(
            short(path), "line 1", "no front matter", "Begin the file with `---`, its keys, `---`"
        )
        raise SourceError([problem])
    try:
        declared = yaml.load(text[4:].split("\n---\n", 1)[0], Loader=LOADER)
    except yaml.YAMLError as e:
        # Lines of the YAML begin below the first `---`.
        mark = getattr(e, "problem_mark", None)
        where = f"line {mark.line + 2}, front matter" if mark else "front matter"
        found = f"not YAML ({getattr(e, 'problem', None) or ' '.join(str(e).split())})"
        raise SourceError([Problem(short(path), where, found, "Correct it")]) from e
    if not isinstance(declared, dict | None):
        found = f"front matter is {type(declared).__name__}, not keys with values"
        raise SourceError([Problem(short(path), "line 2", found, "Write `key: value` on each line")])
    return dict(declared or {})


def front_matter_problems(
    path: Path, name: str, error: ValidationError, model: type[Frozen]
) -> list[Problem]:
    """Return the problems that pydantic found in the front matter of a file, in our form."""
    lines = read_text(path).splitlines() if path.suffix == ".md" else []
    problems = []
    for item in error.errors():
        key = str(item["loc"][0]) if item["loc"] else ""
        line = next((number for number, text in enumerate(lines, 1) if text.startswith(f"{key}:")), None)
        # A key that is missing would stand among the others.
        where = f"line {line or 1}, front matter " if lines else "front matter "
        where += ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            remedy = (
                f"Remove it or use one of: {', '.join(key for key in model.model_fields if key != 'slug')}"
            )
            problems.append(Problem(name, where, "unknown key", remedy))
        else:
            problems.append(
                Problem(name, where, item["msg"].removeprefix("Value error, "), "Correct the value")
            )
    return problems


def notebook_from(path: Path) -> NotebookNode:
    """Return the notebook of a source, Markdown or .ipynb, without outputs and with stable cell ids.

    Raises SourceError for a file that holds none.
    """
    text = read_text(path) if path.suffix == ".md" else read_json_text(path)
    try:
        return copy.deepcopy(_notebook_of(text, Path(short(path))))
    except ValueError as e:
        if isinstance(e, SourceError):
            raise
        found = f"no notebook in MyST Markdown ({' '.join(str(e).split())[:200]})"
        raise SourceError([Problem(short(path), "", found, "Correct it")]) from e


# The tag by which MyST folds a cell.
FOLDING = "hide-input"
FOLDED = "# Run this cell; then type your answer below it."


def written(cell: NotebookNode) -> str:
    """Return the source of a cell as its author wrote it, without the line that a folded cell shows."""
    return str(cell.source).removeprefix(f"{FOLDED}\n")


@functools.lru_cache(maxsize=256)
def _notebook_of(text: str, path: Path) -> NotebookNode:
    """Return the notebook of a source; a build asks for each several times, and reading takes long."""
    import jupytext  # it loads Jupyter's server, for which commands that read no lesson need not wait

    notebook = jupytext.reads(text, fmt="md:myst") if path.suffix == ".md" else read_notebook(path, text)
    seen = Counter[str]()
    for cell in notebook.cells:
        # nbformat draws random ids. Ids from the content keep rebuilds equal, and an inserted
        # cell leaves the others alone, so that a student's pull merges.
        digest = hashlib.sha1(cell.source.encode("utf-8", "replace")).hexdigest()[:10]
        seen[digest] += 1
        cell["id"] = f"{digest}-{seen[digest]}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            # MyST's wish, in JupyterLab's words: a question must not show its answer above the field.
            # The first line of a folded cell stays in sight, so that must not be the one with the answer.
            if FOLDING in cell.metadata.get("tags", []):
                cell.metadata["jupyter"] = {"source_hidden": True}
                cell.source = f"{FOLDED}\n{cell.source}"
    notebook.metadata = NotebookNode(
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
        language_info={"name": "python"},
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook
