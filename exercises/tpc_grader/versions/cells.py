"""Cells of an exercise: those of a version, and those of a submission rebuilt on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["given", "answer", "test", "written", "text", "added"]
Level = Literal["kernel", "oracle", "artefact"]


@dataclass(frozen=True)
class Cell:
    """One cell of the exercise. `source` is the author's, hidden tests included; `public` is the student's view.

    given: code of the exercise; answer: the student's code; test: scored code; written: an answer that a person
    reads; text: prose; added: a cell that the student added.
    """

    role: Role
    kind: Literal["code", "markdown", "raw"]
    source: str
    public: str
    id: str
    name: str = ""
    points: float = 0.0
    level: Level = "oracle"
    artefacts: tuple[str, ...] = ()
    # Types of NumPy's that its tests want as they come, and not in double precision.
    asked: tuple[str, ...] = ()
    # Of an answer: as it was released, and the author's.
    released: str = ""
    solution: str = ""
    # Of an answer: what the author's solution imports, which no student may put another thing in the place of.
    imports: str = ""
    # Names that the author's code of a cell binds.
    binds: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    # What the student is told of how this cell was found.
    said: str = ""
    # What a student pasted into text of theirs, as it was in the file.
    attachments: Any = None

    @property
    def manual(self) -> bool:
        """Return whether a person gives the points."""
        return self.points > 0 and self.role != "test"


@dataclass(frozen=True)
class Skeleton:
    """The cells of one version of an exercise."""

    cells: tuple[Cell, ...]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Rebuilt:
    """A submission as it is run: `cells` in order, answers filled in; `notes` say what was repaired."""

    cells: tuple[Cell, ...]
    metadata: dict[str, Any]
    notes: tuple[str, ...] = ()
    # What the student is told of how cells, or files, were found.
    said: tuple[str, ...] = ()
