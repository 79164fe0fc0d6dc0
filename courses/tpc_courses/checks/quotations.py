"""What a lesson says that others found: its links, its references, and numbers that look quoted.

A number looks quoted when prose gives it with a decimal point, three digits or more, a power of ten, a fraction (2/3,
two thirds) or a unit (percent, million, M, GB, tokens), in digits, in words or alone in code font; in a formula, when
it has a decimal point or three digits, or is a power of ten. It then needs a source: an entry in tpc_lab/published,
a DOI in its own paragraph, list item or row of a table, or a cell of the lesson that works with it.

Limits: years and code do not look quoted, nor do whole numbers of one or two digits without a unit, fractions and
indices in formulas, "a third" and "a thousand". A number is taken to be the one that some cell works with, or some
entry holds, when it equals it in any unit. Outputs are not read: of what a cell prints, prose says what it shows.
The same holds for exercises, but for the cases that they make up for written answers.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
_BARE = re.compile(r"(?<![(<\[\w])https?://[^\s)>]+")
_DOI = re.compile(r"https://doi\.org/10\.\d{4,9}/\S+")
_ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/", re.IGNORECASE)
# Paragraphs, items of lists and rows of tables: what one citation covers.
_PARAGRAPH = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+\.)\s)|\n(?=\s*\|)")
_COUNTS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_LETTERS = {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
_MEASURES = r"[kMGTP]i?B|[kMG]?Wh?|[MGTP]?FLOPs?|PF-days?|GPU-hours?|tokens?|parameters?|points?"
_UNIT = rf"(?:\s?\\?%|[\s-]?(?:percent|per cent|{'|'.join(_COUNTS)}|{_MEASURES})\b|[{''.join(_LETTERS)}]\b)"
# A number alone in code font, `0.34`, is prose.
_CODED = re.compile(rf"(?<!`)`(-?\d[\d.,]*(?:e-?\d+|/\d+)?{_UNIT}?)`(?!`)")
# The text of a directive such as {note} or {figure} is prose, that of any other fence is code.
_FENCE = re.compile(r"```(?!\{(?!code|math)).*?```", re.DOTALL)
_NOT_PROSE = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$|(?<!`)`[^`\n]+`|\]\([^)]*\)|https?://\S+", re.DOTALL)
_NUMBER = re.compile(
    rf"(?<![\w./])(?<!\w,)(?<!\w-)(\d[\d,]*\d|\d)(\.\d+)?(e-?\d+)?(/[1-9]\d*)?({_UNIT})?(?!\.?\d|/\d)"
)
# Powers of ten in the ways prose and formulas write them become 3.8e25: 3.8\times10^{25}, 3.8 x 10^25, 3.8·10²⁵, 10^25.
_POWER = re.compile(r"(?:(\d)\s*(?:\\times|\\cdot|[x×·*])\s*|\b)10(?:\^\{?|<sup>)(-?\d+)(?:\}|</sup>)?")
_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORD = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:[- ]({'|'.join(_ONES[1:10])}))?|({'|'.join(_ONES)}))\b( hundred\b)?",
    re.IGNORECASE,
)
_PARTS = ("thirds", "quarters", "fifths", "sixths", "sevenths", "eighths", "ninths", "tenths")
_FRACTION = re.compile(rf"\b(\d+)[-\s]({'|'.join(_PARTS)})\b")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
# Indices, fractions, commands and braces of formulas: what is left are numbers.
_NOT_NUMBER = re.compile(r"_\{[^{}]*\}|\\[dt]?frac\{?\d+\}?\{?\d+\}?|\d+/\d+|\\[a-zA-Z]+|[{}^]|\\.")
_RAISED = re.compile("10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_YEARS = range(1600, 2101)
_LITERAL = re.compile(r"(?<![\w.])(\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)(?:\s?//?\s?([1-9]\d*)(?![\w.]))?")
_LEVELS = frozenset(
    {1.0, 5.0, 10.0, 90.0, 95.0, 99.0, 100.0}
)  # per cent: levels are conventions, not findings
_SCALES = (1, 1e-2, 1e2, 1e3, 1e6, 1e9, 1e12)


def quotation_problems(places: Places, path: Path, notebook: NotebookNode, minutes: int) -> Iterator[Problem]:
    """Yield each link of a lesson that leads nowhere and each number without a source."""
    name = path.relative_to(places.root).as_posix()
    sections = _sections(notebook)
    for title, cells in sections.items():
        prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        yield from _link_problems(name, f"section {title!r}", prose, path.parent)
    if minutes >= 15:
        yield from _reference_problems(name, sections)
    yield from _number_problems(name, sections, _registered(places.notebooks / "tpc_lab" / "published"))


def _sections(notebook: NotebookNode) -> dict[str, list[NotebookNode]]:
    """Return the cells under each heading of the first two levels, in order; a cell is cut at its headings."""
    found: dict[str, list[NotebookNode]] = {}
    title = "start"
    for cell in notebook.cells:
        parts = re.split(r"(?m)^(?=##? )", cell.source) if cell.cell_type == "markdown" else [cell.source]
        for part in parts:
            if cell.cell_type == "markdown" and (heading := re.match(r"##? (.+)", part)):
                title = heading.group(1).strip()
            if part.strip():
                kept = NotebookNode(cell_type=cell.cell_type, source=part, tags=cell.metadata.get("tags", []))
                found.setdefault(title, []).append(kept)
    return found


def _link_problems(name: str, where: str, prose: str, folder: Path) -> Iterator[Problem]:
    for text, target in _LINK.findall(prose):
        if "://" not in target:
            file = target.split("#")[0]
            if file and not (folder / file).exists():
                remedy = "Link to a file that exists, by its path from this one"
                yield Problem(name, where, f"the link [{text}]({target}) leads nowhere", remedy)
        elif found := _wrong_address(text, target):
            yield Problem(name, where, f"the link [{text}]({target}) {found[0]}", found[1])
    for address in _BARE.findall(_LINK.sub("", prose)):
        yield Problem(name, where, f"{address} is no link", "Write [what it is](the address)")


def _wrong_address(text: str, target: str) -> tuple[str, str] | None:
    if not target.startswith("https://"):
        return "is not https", "Use the https address"
    if _ARXIV.search(target):
        return "is not a DOI", "Write https://doi.org/10.48550/arXiv. and the number"
    if "doi.org/" in target and not _DOI.fullmatch(target):
        return "is not a DOI", "Write https://doi.org/10.<registrant>/<name>"
    doi = target.removeprefix("https://doi.org/")
    if text.startswith("doi:") and text.removeprefix("doi:") != doi:
        return "names another DOI than it links to", "Make both the same"
    return None


def exercise_number_problems(places: Places, path: Path, notebook: NotebookNode) -> Iterator[Problem]:
    """Yield each number of an exercise without a source; a case made up for a written answer needs none."""
    made_up = {
        title
        for title, cells in _sections(notebook).items()
        if any("answer" in cell.get("tags", []) for cell in cells)
    }
    sections = {title: cells for title, cells in _sections(notebook).items() if title not in made_up}
    name = path.relative_to(places.root).as_posix()
    yield from _number_problems(name, sections, _registered(places.notebooks / "tpc_lab" / "published"))


def _reference_problems(name: str, sections: dict[str, list[NotebookNode]]) -> Iterator[Problem]:
    references = "\n".join(cell.source for cell in sections.get("References", []))
    if not _DOI.search(references):
        remedy = "End with `## References`, a list with a DOI for each source that has one"
        yield Problem(name, "section 'References'", "no reference with a DOI", remedy)


def _number_problems(
    name: str, sections: dict[str, list[NotebookNode]], registered: frozenset[float]
) -> Iterator[Problem]:
    cells = [cell for part in sections.values() for cell in part]
    literals = [n for cell in cells if cell.cell_type == "code" for n in _LITERAL.findall(cell.source)]
    shares = [(float(n), float(part)) for n, part in literals if part]
    computed = (
        {float(n) for n, _ in literals} | {part for _, part in shares} | {n / part for n, part in shares}
    )
    known = registered | computed
    for title, part in sections.items():
        prose = [cell.source for cell in part if cell.cell_type == "markdown" and title != "References"]
        for paragraph in (each for source in prose for each in _paragraphs(source)):
            if not _DOI.search(paragraph):
                yield from (_unsourced(name, title, shown) for shown in _quoted(paragraph, known))


def _paragraphs(prose: str) -> list[str]:
    """Return paragraphs, list items and rows of tables, without code; a line of a formula may begin like an item."""
    joined = _FORMULA.sub(lambda found: found[0].replace("\n", " "), _FENCE.sub(" ", prose))
    return _PARAGRAPH.split(joined)


def _quoted(prose: str, known: Iterable[float]) -> Iterator[str]:
    """Yield the numbers of `prose` that look quoted and are not among `known`, in digits."""
    for match in _NUMBER.finditer(_readable(prose)):
        whole, fraction, power, part, unit = match.groups()
        is_plain = not (fraction or power or part or unit or "," in whole)
        if is_plain and (len(whole) < 3 or int(whole) in _YEARS):
            continue
        value = float(whole.replace(",", "") + (fraction or "") + (power or "")) / float((part or "/1")[1:])
        word = (unit or "").lstrip(" -\\")
        is_level = word in {"%", "percent", "per cent"} and value in _LEVELS
        count = _COUNTS.get(word) or _LETTERS.get(word)
        scales = (count,) if count else _SCALES
        if not is_level and not any(_same(value * scale, other) for other in known for scale in scales):
            yield match.group().strip()


def _readable(prose: str) -> str:
    """Return the prose without formulas, code and addresses: numbers in digits, powers as 3.8e25, spaces in ranges."""
    raised = _RAISED.sub(lambda found: "10^" + found[1].translate(_LOWERED), prose)
    plain = _CODED.sub(r" \1 ", _POWER.sub(lambda found: f"{found[1] or 1}e{found[2]}", raised))
    formulas = _NOT_NUMBER.sub(" ", " ".join(_FORMULA.findall(plain)))
    text = f"{_WORD.sub(_in_digits, _NOT_PROSE.sub(' ', plain))} {formulas}"
    parts = _FRACTION.sub(lambda found: f"{found[1]}/{_PARTS.index(found[2]) + 3}", text)
    return re.sub(r"(\d)[-–](?=\d)", r"\1 – ", parts)


def _in_digits(found: re.Match[str]) -> str:
    """Return twenty-five as 25, and two hundred as 200."""
    tens, one, alone, hundred = (word and word.lower() for word in found.groups())
    value = _ONES.index(alone) if alone else 10 * _TENS.index(tens) + 20 + (_ONES.index(one) if one else 0)
    return str(100 * value if hundred else value)


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def _unsourced(name: str, title: str, shown: str) -> Problem:
    remedy = "Compute it in a cell, cite its DOI in this paragraph, or add it to tpc_lab/published and quote it there"
    return Problem(name, f"section {title!r}", f"{shown} looks quoted and has no source", remedy)


@cache
def _registered(folder: Path) -> frozenset[float]:
    """Return all numbers that the registry prints or holds; none where there is no registry."""
    numbers: set[float] = set()
    for path in sorted(folder.glob("*.toml")):
        for group in tomllib.loads(path.read_text(encoding="utf-8")).values():
            for entry in group["numbers"].values():
                printed = re.search(r"\d[\d,]*(?:\.\d+)?(?:[eE]\d+)?", entry["printed"])
                numbers |= {float(printed.group().replace(",", ""))} if printed else set()
                numbers |= {float(entry["value"])} if "value" in entry else set()
    return frozenset(numbers)
