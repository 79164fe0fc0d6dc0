"""What a graded notebook tells its student: each test its verdict, and no line of a hidden test.

nbgrader's `generate_feedback` makes the page: `set_feedback` gives it our template and `HideTests`.
"""

from __future__ import annotations

import html
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbgrader.preprocessors import GetGrades, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.exercise import read_exercise
from traitlets.config import Config

from tpc_grader.feedback.numbers import part_facts, total_facts
from tpc_grader.gradebook.penalties import course_at_the_door
from tpc_grader.grades.scores import Score, class_marks, marks_of
from tpc_grader.results.points import shown
from tpc_grader.scoring.differences import found_difference

# What the grader puts into a graded test cell: whether it passed, and the message.
VERDICT = "application/vnd.tpc-campus.verdict+json"
TEMPLATES = Path(__file__).parent / "templates"
MAXIMUM_TEXT = 20_000
_HIDDEN = re.compile(
    r"^[ \t]*### BEGIN HIDDEN TESTS.*?(?:^[ \t]*### END HIDDEN TESTS[^\n]*\n?|\Z)", re.M | re.S
)
# Shorter lines of a hidden test, like `else:`, tell nothing and occur everywhere.
_TELLING = 8


class GetPoints(GetGrades):
    """Gets the grades as nbgrader does, and tells a part that nobody graded yet from one that earned nothing."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook with its grades; `pending` are the points that are still to be given."""
        where = resources["nbgrader"]
        places, course = course_at_the_door(self.config)
        found = class_marks(places, course, where["assignment"], where["student"])
        marks = found.get((where["student"], where["assignment"]))
        self._parts = dict(marks.parts) if marks else {}
        nb, resources = super().preprocess(nb, resources)
        told = total_facts(marks or marks_of(self._parts, Fraction(0)))
        if marks is None:
            # Another gradebook than the course's: what nbgrader itself makes of it.
            told |= {name: where[name] for name in ("score", "max_score", "late_penalty")}
        where.update(told)
        where["title"] = _title(places, where["assignment"])
        return nb, resources

    def _get_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._get_score(cell, resources)
        name = cell.metadata.nbgrader["grade_id"]
        if name not in self._parts:
            grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
            given = (grade.manual_score, grade.max_score, grade.needs_manual_grade, grade.extra_credit)
            self._parts[name] = Score(grade.auto_score, *given)
        cell.metadata.nbgrader.update(part_facts(self._parts[name]))


def _title(places: Places, exercise: str) -> str:
    """Return what people call the exercise; its name when its source is gone."""
    try:
        return read_exercise(places.exercise(exercise)).title
    except (SourceError, OSError):
        return exercise


class HideTests(NbGraderPreprocessor):
    """Takes hidden tests out of a graded notebook and turns each test cell into its verdict."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook as a student may see it."""
        secrets_of_tests = hidden_lines(nb)
        for cell in nb.cells:
            if cell.cell_type == "code":
                _scrub_outputs(cell, secrets_of_tests)
            if is_grade(cell) and not is_solution(cell):
                cell.metadata["verdict"] = _verdict(cell, secrets_of_tests)
                cell.source = shown_test(cell.source)
                cell.outputs = []
            elif cell.cell_type == "code":
                cell.source = scrub(cell.source, secrets_of_tests)
        return nb, resources


class FeedbackExporter(HTMLExporter):
    """Makes pages of feedback only: what is set for it leaves the formgrader its own template."""

    def default_filters(self) -> Any:
        """Yield nbconvert's filters, and the one that writes points."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "points", shown


def set_feedback(config: Config) -> None:
    """Let nbgrader's `generate_feedback` make our pages, whoever calls it."""
    config.GenerateFeedback.exporter_class = f"{__name__}.FeedbackExporter"
    config.GenerateFeedback.preprocessors = [
        "tpc_grader.feedback.page.GetPoints",
        "tpc_grader.feedback.page.HideTests",
    ]
    config.FeedbackExporter.template_name = "feedback"
    config.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES)]


def hidden_lines(nb: NotebookNode) -> list[str]:
    """Return the telling lines, and the texts inside them, of all hidden tests in a notebook, longest first."""
    lines = [
        line.strip()
        for cell in nb.cells
        for block in _HIDDEN.findall(cell.source)
        for line in block.splitlines()
        if not line.strip().startswith("###")
    ]
    texts = [text for line in lines for _, text in re.findall(r"""(["'])(.*?)\1""", line)]
    return sorted({text for text in (*lines, *texts) if len(text) >= _TELLING}, key=len, reverse=True)


def shown_test(source: str) -> str:
    """Return the part of a test that students may read."""
    return _HIDDEN.sub("", source).strip()


def scrub(text: str, hidden: list[str]) -> str:
    """Return a text without control sequences and without the lines of hidden tests, cut to a readable length."""
    text = strip_ansi(text)
    for line in hidden:
        text = text.replace(line, "[hidden test]").replace(html.escape(line), "[hidden test]")
    return text if len(text) <= MAXIMUM_TEXT else f"{text[:MAXIMUM_TEXT]}\n... ({len(text):,} characters)"


def _verdict(cell: NotebookNode, hidden: list[str]) -> dict[str, Any]:
    score, points = cell.metadata.nbgrader.get("score") or 0, cell.metadata.nbgrader.get("points") or 0
    told = next(
        (output.data[VERDICT] for output in cell.get("outputs", []) if VERDICT in output.get("data", {})),
        None,
    )
    if told is None:
        told = {"passed": score >= points > 0, "message": _last_message(cell)}
    show = cell.metadata.get("show", "message")
    both = found_difference(cell.get("outputs", [])) if show == "difference" else None
    return {
        "passed": bool(told.get("passed")),
        "message": scrub(str(told.get("message") or ""), hidden)
        if show != "score" or told.get("passed")
        else "",
        "difference": {side: scrub(text, hidden) for side, text in both.items()} if both else None,
    }


def _last_message(cell: NotebookNode) -> str:
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    if not errors:
        return ""
    kind, said = errors[-1].get("ename", ""), str(errors[-1].get("evalue", "")).strip()
    return said if kind == "AssertionError" and said else f"{kind}: {said}" if said else str(kind)


def _scrub_outputs(cell: NotebookNode, hidden: list[str]) -> None:
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            output.text = scrub(output.text, hidden)
        elif output.output_type == "error":
            output.traceback = [scrub("\n".join(output.traceback), hidden)]
            output.evalue = scrub(output.evalue, hidden)
        for kind in [kind for kind in output.get("data", {}) if kind.startswith("text/")]:
            output.data[kind] = scrub(str(output.data[kind]), hidden)
