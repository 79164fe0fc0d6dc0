"""Reads the data files in `book/data` and says, with file, line and key, what is wrong in them.

Scalars reach pydantic as the text that stands in the file: YAML would read `10:30` as the number 630.
"""

from __future__ import annotations

import re
import typing
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from tpc_courses.base.problems import Problem, SourceError

# The one in C is ten times as fast; a build reads each file several times.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Location = tuple[str | int, ...]
# What to do about a key that is missing; other keys have no advice beyond adding them.
ADVICE = {
    "time_zone": "Add the IANA time zone of the place, like Europe/Berlin or America/Chicago",
    "end": "Add when it ends; the last day for an event of whole days",
    "updated": "Add the date of the last change, like 2026-11-24",
}


def read_declared(path: Path, root: Path, annotation: Any, prepare: Callable[[Any], Any]) -> Any:
    """Return the file at `path` as an instance of `annotation`; raises SourceError with every problem in it.

    `prepare` may add what the file does not say itself, such as the key of an entry as its id.
    """
    name = path.relative_to(root).as_posix()
    lines: dict[Location, int] = {}
    problems: list[Problem] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, LOADER)):
            raise yaml.YAMLError("aliases (*name) are not read, write the value out")
        node = yaml.compose(text, LOADER)
        value = _plain(name, node, (), lines, problems) if node is not None else {}
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as e:
        raise SourceError([Problem(name, "", f"not YAML ({' '.join(str(e).split())})", "Correct it")]) from e
    try:
        declared = TypeAdapter(annotation).validate_python(prepare(value))
    except ValidationError as e:
        found = [_problem(name, dict(error), lines, annotation) for error in e.errors()]
        raise SourceError([*problems, *found]) from e
    if problems:
        raise SourceError(problems)
    return declared


def _plain(
    name: str, node: yaml.Node, where: Location, lines: dict[Location, int], problems: list[Problem]
) -> Any:
    """Return the text, lists and mappings under a node; note lines and keys that stand twice."""
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(name, item, (*where, index), lines, problems) for index, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)
    result: dict[str, Any] = {}
    for key, value in node.value:
        place = (*where, str(key.value))
        if key.value in result:
            found = f"stands twice, first in line {lines[place]}"
            at = f"line {key.start_mark.line + 1}, {_dotted(place)}"
            problems.append(Problem(name, at, found, "Keep one, or give the other its own name"))
        lines[place] = key.start_mark.line + 1
        result[str(key.value)] = _plain(name, value, place, lines, problems)
    return result


def _problem(name: str, error: dict[str, Any], lines: dict[Location, int], annotation: Any) -> Problem:
    # A union or a key check adds parts to the place that are not in the file.
    location = tuple(part for part in error["loc"] if part != "[key]")
    known = next(location[:length] for length in range(len(location), -1, -1) if location[:length] in lines)
    where = f"line {lines[known]}, {_dotted(location)}".rstrip(", ")
    if error["type"] == "missing":
        return Problem(name, where, "missing", ADVICE.get(str(location[-1]), "Add this key"))
    if location[-1:] in {("id",), ("year",)} and error["input"] is None:
        found = "follows from the key of the entry or the name of the file"
        return Problem(name, where, found, "Remove it here")
    if error["type"] == "extra_forbidden":
        keys = ", ".join(_keys_at(annotation, location[:-1]))
        return Problem(name, where, "unknown key", f"Remove it or use one of: {keys}")
    if error["type"] == "string_pattern_mismatch":
        found = f"{error['input']!r} is not of the form {error['ctx']['pattern']}"
        return Problem(name, where, found, "Correct the value")
    return Problem(name, where, error["msg"].removeprefix("Value error, "), "Correct the value")


def _dotted(location: Location) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _keys_at(annotation: Any, location: Location) -> list[str]:
    """Return the keys that the model at a place knows."""
    for part in location:
        annotation = _inner(annotation, part)
    fields = getattr(_bare(annotation), "model_fields", {})
    # Ids come from the key of an entry, years from the name of a file.
    return [key for key in fields if key not in {"id", "year"}]


def _inner(annotation: Any, part: str | int) -> Any:
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        field = bare.model_fields.get(str(part))
        return field.annotation if field else None
    return typing.get_args(bare)[-1 if isinstance(part, str) else 0] if typing.get_args(bare) else None


def _bare(annotation: Any) -> Any:
    """Return an annotation without Annotated and Optional around it."""
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    members = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
    is_optional = len(members) == 1 and type(None) in typing.get_args(annotation)
    return _bare(members[0]) if is_optional else annotation


def one_line(text: str) -> str:
    """Return text without line breaks and runs of blanks, as YAML's folded text needs it.

    Raises ValueError for characters that XML and calendars cannot hold.
    """
    line = re.sub(r"\s+", " ", text).strip()
    if bad := sorted(
        {character for character in line if unicodedata.category(character) in ("Cc", "Cs", "Cn")}
    ):
        raise ValueError(f"holds characters that cannot be shown: {', '.join(map(ascii, bad))}")
    return line
