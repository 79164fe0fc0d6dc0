"""What one run in the sandbox is asked to do: steps in order, support files, and limits. All of it is plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tpc_grader.sandbox.limits import Limits

# code: runs with the student's code. kernel: tests in the same process. oracle, artefact: tests elsewhere.
# canary: looks like a test and must fail.
StepKind = Literal["code", "kernel", "oracle", "artefact", "canary"]
State = Literal["passed", "failed", "timeout", "ended", "skipped", "unneeded"]


@dataclass(frozen=True)
class Step:
    """One cell to run. `cell` is its index in the rebuilt notebook, -1 for a canary."""

    kind: StepKind
    cell: int
    source: str
    name: str = ""
    # The exercise's own code of this cell: the tests need what it defines, so it runs beside them too.
    given: str = ""
    # What the author's solution imports here: where the student has a thing of that name, tests elsewhere use the
    # author's, not the student's.
    imports: str = ""
    # Names that the author's solution binds anew: from here on they are the student's, whatever tests elsewhere have.
    binds: tuple[str, ...] = ()
    # Types of NumPy's that tests elsewhere want as they come, and not in double precision.
    asked: tuple[str, ...] = ()
    # Files that an artefact step takes out of the sandbox.
    artefacts: tuple[str, ...] = ()
    # What the cell draws from where it runs, and of tests elsewhere what the student's code draws from meanwhile;
    # empty for what draws nothing.
    seed: str = ""
    answers_seed: str = ""
    # The author's solution instead of the student's: no output of a run with one is ever shown.
    author: bool = False
    # Cells of tests: when all of them passed, the step is not needed.
    unless: tuple[int, ...] = ()
    # Changed copies of a kernel step that must fail whatever the step does; one of them runs right after it, and
    # calls nothing of the student's.
    mutants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """Everything one run needs. `files` are the student's and the exercise's, `own_files` the exercise's only."""

    steps: tuple[Step, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    own_files: dict[str, bytes] = field(default_factory=dict)
    # The exercise's own code with the author's answers, as (cell, source): for tests elsewhere to ask what is wanted.
    solution: tuple[tuple[int, str], ...] = ()
    plots: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class StepResult:
    """How a step went. What comes from the sandbox (error, outputs) is hostile until shown otherwise."""

    step: Step
    state: State
    error: str = ""
    line: int = 0
    # What the cell's last expression showed, for partial credit.
    value: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    detail: str = ""
    # Of tests elsewhere, in words for the student: what an answer lacks, or of which kind it should be.
    fault: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Result:
    """How a run went: `ended` says why it stopped early, or is empty."""

    steps: tuple[StepResult, ...]
    ended: Literal["", "timeout", "oom", "crashed", "tampered", "quota"] = ""
    detail: str = ""
    # Limits that the code met without being stopped: "memory", "quota".
    troubles: frozenset[str] = frozenset()
    seconds: float = 0.0
