"""Every published number the lessons quote, stated once, with its source and how far it can be trusted.

Each `*.toml` file beside this module groups numbers by source. A group says what its numbers share; each number
is one line, whose name is its id, and may override what the group says:

    [penedo-2024]
    source = "Penedo et al. (2024), The FineWeb Datasets"
    ref = "arXiv:2406.17557"  # or doi:..., or a URL
    status = "V"              # V: read in the source, S: read in a secondary source, M: from memory

    [penedo-2024.numbers]
    fineweb-lsh-75 = { printed = "77%", unit = "%", where = "App. E.1, similarity 0.75" }

`printed` holds the digits as the source prints them, `where` a table, figure, section or equation. Left out, `value`
is the number in `printed`, `unit` is "" (a pure number), `tolerance` half a unit of the last printed digit,
`what` names the quantity for a reader (else the id does), and `flags`, the notes of an
audit (misprints, rounding traps), are none.
"""

import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Citations", "Published", "cite", "every", "get", "read", "tolerance_of"]

STATUS = {
    "V": "read in the source",
    "S": "read in a secondary source",
    "M": "from memory, not checked",
}
_REQUIRED = {"printed", "source", "where", "ref", "status"}
_OPTIONAL = {"value", "unit", "tolerance", "flags", "what"}
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.(\d+))?(?:[eE]([-+]?\d+))?|[-+]?\.(\d+)")


@dataclass(frozen=True)
class Published:
    """One published number: `value` in `unit`, within `tolerance` of what its source prints."""

    id: str
    value: float
    unit: str
    printed: str
    source: str
    where: str
    ref: str
    status: str
    tolerance: float
    flags: tuple[str, ...] = ()
    what: str = ""

    @property
    def in_units(self) -> str:
        """As printed, with the unit; with the value too, where the source counts in thousands, billions and such."""
        unit = "" if self.unit in ("", "%") or self.printed.endswith(self.unit) else f" {self.unit}"
        number = float(_number_in(self.printed).group().replace(",", ""))
        scaled = not math.isclose(number, self.value, rel_tol=1e-9)
        return f"{self.printed} ({self.value:.4g}{unit})" if scaled else f"{self.printed}{unit}"

    @property
    def citation(self) -> str:
        """Source, place in it and identifier, on one line."""
        return f"{self.source}, {self.where}, {self.ref}"

    def agrees(self, number: float) -> bool:
        """Whether `number` (in `unit`) rounds to what the source prints, give or take float error."""
        return abs(number - self.value) <= self.tolerance * (1 + 1e-9)


class Citations(tuple[Published, ...]):
    """Several published numbers, shown as a table in a notebook."""

    def _repr_markdown_(self) -> str:
        papers = list(dict.fromkeys((p.source, p.ref) for p in self))
        rows = [
            f"| {p.what} | {p.in_units} | {p.where} [{papers.index((p.source, p.ref)) + 1}] | {_trust(p)} |"
            for p in self
        ]
        below = [f"[{number}] {source}, {_link(ref)}" for number, (source, ref) in enumerate(papers, start=1)]
        head = ["| quantity | printed | where | how sure |", "|---|---|---|---|"]
        return "\n".join([*head, *rows]) + "\n\n" + "; ".join(below)

    def __str__(self) -> str:
        return "\n".join(f"{p.id} = {p.printed} ({p.citation}; {_trust(p)})" for p in self)

    __repr__ = __str__


def _trust(entry: Published) -> str:
    return "; ".join((STATUS[entry.status], *entry.flags))


def _link(ref: str) -> str:
    kind, _, rest = ref.partition(":")
    bases = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}
    return f"[{ref}]({bases.get(kind, kind + ':')}{rest})"


def tolerance_of(printed: str, value: float) -> float:
    """Half a unit of the last digit in `printed`, in the unit of `value`.

    A power of ten between the two (printed "1.5T", value 1.5e12) is understood; anything else is refused.

    >>> tolerance_of("77%", 77)
    0.5
    >>> tolerance_of("3.14E23", 3.14e23) == 0.005e23
    True
    """
    found = _number_in(printed)
    number = float(found.group().replace(",", ""))
    if number == 0 or value == 0 or number * value < 0:
        if number == value:
            return 0.5 * 10.0 ** -len(found.group(1) or found.group(3) or "")
        raise ValueError(f"printed {printed!r} and value {value!r} differ; correct one or give tolerance")
    power = math.log10(value / number)
    if abs(power - round(power)) > 1e-9:
        raise ValueError(f"printed {printed!r} and value {value!r} differ by more than a power of ten")
    digits = len(found.group(1) or found.group(3) or "")
    return 0.5 * 10.0 ** (int(found.group(2) or 0) + round(power) - digits)


def _number_in(printed: str) -> re.Match[str]:
    found = _NUMBER.search(printed)
    if not found:
        raise ValueError(f"printed {printed!r} holds no number; give value and tolerance")
    return found


def _entry(name: str, table: dict[str, Any]) -> Published:
    missing, unknown = _REQUIRED - table.keys(), table.keys() - _REQUIRED - _OPTIONAL
    if missing or unknown:
        raise ValueError(f"missing {sorted(missing)}, unknown {sorted(unknown)}")
    if table["status"] not in STATUS:
        raise ValueError(f"status {table['status']!r} is not one of {', '.join(STATUS)}")
    value = float(
        table["value"] if "value" in table else _number_in(table["printed"]).group().replace(",", "")
    )
    tolerance = float(table["tolerance"]) if "tolerance" in table else tolerance_of(table["printed"], value)
    words = {key: str(table.get(key, "")) for key in ("unit", "printed", "source", "where", "ref", "status")}
    words["what"] = str(table.get("what", name.replace("-", " ")))
    return Published(id=name, value=value, tolerance=tolerance, flags=tuple(table.get("flags", ())), **words)


def read(*paths: Path) -> dict[str, Published]:
    """The entries of TOML files by id; a ValueError lists every faulty entry of every file at once."""
    entries: dict[str, Published] = {}
    problems: list[str] = []
    for path in paths:
        for name, table in _tables(path):
            if name in entries:
                problems.append(f"{path.name}: {name}: is already defined; an id lives in one place")
            try:
                entries[name] = _entry(name, table)
            except ValueError as error:
                problems.append(f"{path.name}: {name}: {error}")
    if problems:
        raise ValueError("\n".join(problems))
    return entries


def _tables(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each number of a file with what its group says about it."""
    for group in tomllib.loads(path.read_text(encoding="utf-8")).values():
        shared = {key: value for key, value in group.items() if key != "numbers"}
        for name, table in group.get("numbers", {}).items():
            yield name, {**shared, **table}


@cache
def every() -> dict[str, Published]:
    """All entries shipped with tpc_lab, by id."""
    return read(*sorted(Path(__file__).parent.glob("*.toml")))


def get(id: str) -> Published:
    """The entry `id`; a KeyError names the closest ids."""
    entries = every()
    if id not in entries:
        stem = id.split("-")[0]
        near = [name for name in entries if name.startswith(stem)] or sorted(entries)[:5]
        raise KeyError(f"no published number {id!r}; for instance: {', '.join(near)}")
    return entries[id]


def cite(*ids: str) -> Citations:
    """The entries `ids` as a table that a notebook displays with sources and audit notes."""
    return Citations(get(id) for id in ids)
