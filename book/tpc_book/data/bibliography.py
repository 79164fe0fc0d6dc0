"""`references.bib`: the works that lessons and pages cite. All that the book links to by DOI stands in it.

The engine looks a DOI up at doi.org when the file does not hold it, and the book builds without a network.
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bibtexparser.entrypoint import parse_string
from bibtexparser.model import (
    Block,
    DuplicateBlockKeyBlock,
    DuplicateFieldKeyBlock,
    Entry,
    Field,
    ParsingFailedBlock,
)
from pylatexenc.latex2text import LatexNodes2Text
from tpc_courses.base.places import Places
from tpc_courses.base.problems import Problem, SourceError
from tpc_courses.checks.check import lesson_paths

REQUIRED = ("author", "title", "year")
VERBATIM = {"doi", "url", "eprint"}  # `%`, `_` and `~` are letters there
DOI = re.compile(r"10\.\d{4,9}/\S+")
DOI_LINK = re.compile(r"https?://(?:dx\.)?doi\.org/(10\.\d{4,9}/[^\s)>\]\"]+)", re.IGNORECASE)

# It reports to its log what we report as problems.
logging.getLogger("bibtexparser").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Work:
    """One entry of references.bib; `line` is where it begins."""

    key: str
    line: int
    fields: dict[str, str]

    @property
    def doi(self) -> str:
        return self.fields.get("doi", "").lower()

    def is_cited_in(self, text: str) -> bool:
        """Return whether a text names the work by key, DOI or arXiv number."""
        cited = re.search(rf"\{{cite[^}}]*\}}`[^`]*\b{re.escape(self.key)}\b[^`]*`", text)
        numbers = [self.doi, self.fields.get("eprint", "")]
        return bool(cited) or any(number and number in text.lower() for number in numbers)


def bibliography_path(places: Places) -> Path:
    return places.book / "content" / "references.bib"


def read_bibliography(places: Places) -> dict[str, Work]:
    """Return the works by key; raises SourceError with every entry that is incomplete or stands twice."""
    path = bibliography_path(places)
    name = path.relative_to(places.root).as_posix()
    library = parse_string(path.read_text(encoding="utf-8") if path.exists() else "")
    works: dict[str, Work] = {}
    problems = [Problem(name, *_unread(block)) for block in library.failed_blocks]
    for entry in library.entries:
        work = _work(entry)
        where = f"line {work.line}, {work.key}"
        problems += [Problem(name, where, found, remedy) for found, remedy in _faults(work, works)]
        works[work.key] = work
    if problems:
        raise SourceError(problems)
    return works


def unknown_dois(places: Places, works: dict[str, Work]) -> Iterator[Problem]:
    """Yield a problem for each link to a DOI that references.bib does not hold."""
    known = {work.doi for work in works.values()}
    for path in [*lesson_paths(places), *sorted((places.book / "content").rglob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for link in DOI_LINK.finditer(text):
            if link[1].lower().rstrip(".,;") not in known:
                name = (
                    path.relative_to(places.root).as_posix()
                    if path.is_relative_to(places.root)
                    else path.name
                )
                line = text.count("\n", 0, link.start()) + 1
                found = f"doi:{link[1]} is not in book/content/references.bib"
                yield Problem(name, f"line {line}", found, "Add the work there; the build has no network")


def misquoted(places: Places, works: dict[str, Work]) -> Iterator[Problem]:
    """Yield a problem for each line of a lesson's References that says other than references.bib of its DOI."""
    by_doi = {work.doi: work for work in works.values() if work.doi}
    for path in lesson_paths(places):
        text = path.read_text(encoding="utf-8")
        _, heading, listed = text.partition("\n## References\n")
        before = (text.count("\n") - listed.count("\n")) if heading else 0
        for number, line in enumerate(listed.splitlines(), start=before + 1):
            link = DOI_LINK.search(line)
            work = by_doi.get(link[1].lower().rstrip(".,;")) if link else None
            if work is None:
                continue
            author = work.fields["author"].split(" and ")[0].split(",")[0]
            for part in (author, f"({work.fields['year']})", work.fields["title"]):
                if part.lower() not in line.lower():
                    name, found = path.relative_to(places.root).as_posix(), f"{part!r} is missing"
                    remedy = f"Write what {work.key} of book/content/references.bib says, or correct that"
                    yield Problem(name, f"line {number}", found, remedy)


def published_references(places: Places) -> dict[str, str]:
    """Return id -> reference (`arXiv:2203.15556`) of the published numbers that lessons quote by id."""
    references: dict[str, str] = {}
    for path in sorted((places.notebooks / "tpc_lab" / "published").glob("*.toml")):
        for group in tomllib.loads(path.read_text(encoding="utf-8")).values():
            numbers = group.get("numbers", {})
            references |= {id: str(number.get("ref", group.get("ref", ""))) for id, number in numbers.items()}
    return references


def _faults(work: Work, earlier: dict[str, Work]) -> Iterator[tuple[str, str]]:
    missing = [field for field in REQUIRED if not work.fields.get(field)]
    if missing:
        yield f"without {', '.join(missing)}", "Add the fields"
    if not work.doi and not work.fields.get("url"):
        yield "without doi and url", "Add one, so that readers find the work"
    if work.doi and not DOI.fullmatch(work.doi):
        yield f"{work.doi!r} is no DOI", "Write it like 10.48550/arXiv.2203.15556"
    same = [other.key for other in earlier.values() if other.doi and other.doi == work.doi]
    if same:
        yield f"has the DOI of {same[0]}", "Keep one entry for each work"


def _unread(block: ParsingFailedBlock) -> tuple[str, str, str]:
    """Return where a block stands that is no entry, what is wrong with it, and the remedy."""
    line = f"line {_line(block)}"
    if isinstance(block, DuplicateBlockKeyBlock):
        first = _line(block.previous_block)
        return f"{line}, {block.key}", f"stands twice, first in line {first}", "Keep one"
    if isinstance(block, DuplicateFieldKeyBlock):
        return line, f"has {', '.join(sorted(block.duplicate_keys))} twice", "Keep one of each"
    found = getattr(block.error, "abort_reason", str(block.error)).splitlines()[0]
    return line, f"cannot be read: {found}", "Write it like the entries around it, with all braces closed"


def _line(block: Block) -> int:
    return (block.start_line or 0) + 1


def _work(entry: Entry) -> Work:
    return Work(entry.key, _line(entry), {field.key.lower(): _plain(field) for field in entry.fields})


def _plain(field: Field) -> str:
    """Return a value without TeX: braces gone, H{\\"a}gele as Hägele; addresses as they are."""
    value = str(field.value)
    if field.key.lower() not in VERBATIM:
        value = LatexNodes2Text(math_mode="verbatim").latex_to_text(value)
    return " ".join(value.split())
