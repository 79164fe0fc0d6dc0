"""What may be handed in: a zip of plain files, read with caps, every refusal in words for the student.

Nothing is written to disk here and no name is ever joined to a path before `checked_names` has seen it.
"""

from __future__ import annotations

import io
import json
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tpc_grader.values.bounded_json import BOUNDS, Bounds, TooMuch, read_json

NOTEBOOK = ".ipynb"
# nbgrader keeps its own notes under these names beside the files of a submission.
RESERVED = frozenset({"timestamp.txt", "submission_secret.txt"})
_FORBIDDEN_CHARACTERS = frozenset('\\:*?"<>|')
# Zero-width non-joiner and joiner: Persian, Indic and other scripts write with them.
_JOINERS = "\u200c\u200d"
_FILE_TYPE, _REGULAR_FILE = 0o170000, 0o100000
_END = struct.Struct("<4s4H2LH")
_ENTRY_BYTES = 46
# What zipfile raises on archives that were not made by a zip program.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class Limits:
    """How much a submission may hold: counts, bytes, and bytes per byte of the archive."""

    files: int = 200
    file_bytes: int = 8 * 2**20
    total_bytes: int = 20 * 2**20
    archive_bytes: int = 20 * 2**20
    ratio: int = 200
    name_bytes: int = 200
    depth: int = 8
    cells: int = 2000
    json: Bounds = BOUNDS


LIMITS = Limits()
# Even an empty notebook packs well: the ratio counts only above this size.
_RATIO_FROM_BYTES = 2**20


class Refused(ValueError):
    """A submission or request that is not accepted; `status` is the HTTP status that says so.

    `field` is what it is about, by its name in a form.
    """

    def __init__(
        self, message: str, status: int = 422, retry_after: int | None = None, field: str = ""
    ) -> None:
        super().__init__(message)
        self.field = field
        self.status = status
        self.retry_after = retry_after


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the zip archive of some files; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (_REGULAR_FILE | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def unpack(data: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    """Return the files of an archive by name; raises Refused."""
    if len(data) > limits.archive_bytes:
        raise Refused(f"The archive is larger than {size_text(limits.archive_bytes)}.", 413)
    _check_end(data, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, len(data), limits)
    except Refused:
        raise
    except _DAMAGE as e:
        raise Refused("The archive is damaged or of a kind that is not read here. Submit again.") from e


def is_notebook(name: str) -> bool:
    """Return whether a file calls itself a notebook."""
    return name.casefold().endswith(NOTEBOOK)


def kept_name(name: str) -> str:
    """Return a name as it is kept, in composed form: macOS takes letters with accents apart."""
    return unicodedata.normalize("NFC", name)


def checked_names(names: Iterable[str], limits: Limits = LIMITS) -> list[str]:
    """Return the names as they are kept; raises Refused for the first that is no plain relative path of its own."""
    checked, seen = list[str](), dict[str, str]()
    for given in names:
        name = kept_name(given)
        problem = _name_problem(name, limits)
        if problem:
            raise Refused(f"{shown(name)}: {problem}. Rename or remove it, then submit again.")
        parts = name.split("/")
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end]) + ("/" if end < len(parts) else "")
            key = _key(path.rstrip("/"))
            if seen.setdefault(key, path) != path or (end == len(parts) and name in checked):
                raise Refused(
                    f"{shown(name)}: another file or folder has the same name but for case, accents, spaces "
                    "or characters that are not seen. "
                    "Rename or remove one of them, then submit again."
                )
        checked.append(name)
    return checked


def check_submission(
    files: Mapping[str, bytes], notebooks: Iterable[str], limits: Limits = LIMITS
) -> dict[str, str]:
    """Check that the released notebooks are there and can be graded; raises Refused.

    Returns why others beside them cannot be read, by name: they are kept, and nothing looks into them.
    """
    notebooks, unread = set(notebooks), dict[str, str]()
    checked_names(files, limits)
    for name in sorted(notebooks):
        if name not in files:
            found = ", ".join(sorted(each for each in files if each.endswith(NOTEBOOK))) or "none"
            raise Refused(
                f"{name} is missing (notebooks found: {found}). Put the notebook of the exercise back "
                "under its own name, then submit again."
            )
    for name, data in files.items():
        if is_notebook(name):
            try:
                _check_notebook(data, limits)
            except ValueError as e:
                if name not in notebooks:
                    unread[name] = str(e)
                    continue
                raise _no_notebook(name, e) from e
    return unread


def _no_notebook(name: str, problem: ValueError) -> Refused:
    if isinstance(problem, TooMuch):
        return Refused(f"{shown(name)}: {problem}. {problem.remedy}, then submit again.", 413)
    return Refused(
        f"{shown(name)}: {problem}. Open it in JupyterLab, save it, then submit again; "
        "if it does not open, fetch the exercise again into an empty folder."
    )


def notebook_problem(data: bytes, limits: Limits = LIMITS) -> str:
    """Return why bytes are not a notebook that can be graded, or an empty text."""
    try:
        _check_notebook(data, limits)
    except ValueError as e:
        return str(e)
    return ""


def _check_notebook(data: bytes, limits: Limits) -> None:
    """Check that bytes are a notebook that can be graded; raises ValueError, and TooMuch for one too large to read."""
    try:
        notebook = read_json(data, replace(limits.json, bytes=limits.file_bytes))
        json.dumps(notebook, ensure_ascii=False).encode()
    except TooMuch:
        raise
    except UnicodeError as e:
        raise ValueError("it holds bytes or characters that are not text") from e
    except ValueError as e:
        raise ValueError(f"it is not a notebook: {e}"[:200]) from e
    if (
        not isinstance(notebook, dict)
        or notebook.get("nbformat") != 4
        or isinstance(notebook["nbformat"], bool)
    ):
        raise ValueError("it is not a notebook of format 4")
    if "worksheets" in notebook:
        raise ValueError("it has a second list of cells (worksheets), which JupyterLab does not show")
    if not isinstance(notebook.get("metadata"), dict) or not isinstance(notebook.get("cells"), list):
        raise ValueError("it has no list of cells or no metadata")
    if len(notebook["cells"]) > limits.cells:
        raise TooMuch(
            f"it has {len(notebook['cells']):,} cells, at most {limits.cells:,} are read",
            "Delete cells that you do not need, save it",
        )
    for index, cell in enumerate(notebook["cells"], 1):
        if not _is_cell(cell):
            raise ValueError(f"cell {index} is not a cell: it needs a type, a source and metadata")


def _check_end(data: bytes, limits: Limits) -> None:
    """Check the archive's last record before anything is parsed: its size bounds the work that follows."""
    if len(data) < _END.size or data[:2] != b"PK":
        raise Refused("This is not a zip archive.", 415)
    magic, *numbers = _END.unpack_from(data, len(data) - _END.size)
    disk, first_disk, here, entries, size, _, comment = numbers
    if magic != b"PK\x05\x06" or comment or disk or first_disk or here != entries:
        raise Refused("The archive is damaged or of a kind that is not read here. Submit again.")
    if data[-_END.size - 20 : -_END.size].startswith(b"PK\x06\x07"):
        raise Refused("Archives in zip64 form are not read here.")
    allowed = 2 * limits.files
    if entries > allowed or size > allowed * (_ENTRY_BYTES + 2 * limits.name_bytes + 256):
        raise too_many(limits)


def _read(archive: zipfile.ZipFile, archive_bytes: int, limits: Limits) -> dict[str, bytes]:
    entries = archive.infolist()
    for entry in entries:
        _check_entry(entry, limits)
    entries = [entry for entry in entries if not entry.is_dir()]
    names = checked_names([entry.filename for entry in entries], limits)
    if len(names) > limits.files:
        raise too_many(limits)
    files, total = dict[str, bytes](), 0
    for entry, name in zip(entries, names, strict=True):
        room = min(limits.file_bytes, limits.total_bytes - total)
        with archive.open(entry) as file:
            data = file.read(room + 1)
        total += len(data)
        if len(data) > room:
            raise too_large(entry.filename, limits)
        if total > _RATIO_FROM_BYTES and total > limits.ratio * archive_bytes:
            raise Refused("The archive unpacks to far more than its size. Remove files of repeated bytes.")
        files[name] = data
    return files


def _check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    """Check one entry by what the archive says of it, before a byte of it is unpacked."""
    name = shown(entry.orig_filename)
    if "\0" in entry.orig_filename:
        raise Refused(f"{name}: the name holds a character that is not printed. Rename it.")
    if (entry.external_attr >> 16) & _FILE_TYPE not in (0, _REGULAR_FILE) and not entry.is_dir():
        raise Refused(f"{name}: a link, device or pipe, not a file. Remove it, then submit again.")
    if entry.flag_bits & 0x1:
        raise Refused(f"{name}: encrypted. Submit it without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"{name}: packed in a way that is not read here. Use plain zip.")
    if entry.file_size > limits.file_bytes:
        raise too_large(entry.filename, limits)
    if entry.is_dir():
        checked_names([entry.filename.rstrip("/")], limits)


def _name_problem(name: str, limits: Limits) -> str:
    parts = name.split("/")
    if not name or name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        return "not a path inside the exercise's folder"
    if len(name.encode("utf-8", "replace")) > limits.name_bytes or len(parts) > limits.depth:
        return f"the name is longer than {limits.name_bytes} bytes or more than {limits.depth} folders deep"
    if not all(_is_letter(character) for character in name):
        return "the name holds a character that is not printed or not allowed in names"
    if any(
        part != part.strip().strip(_JOINERS) or part.endswith(".") or part.startswith(".") for part in parts
    ):
        return "a name must not begin or end with a space or a dot"
    return "this name is reserved" if _key(parts[0]) in RESERVED else ""


def _is_plain(character: str) -> bool:
    """Return whether a character is printed as itself: no control, no direction mark, no private use."""
    category = unicodedata.category(character)
    return character not in _FORBIDDEN_CHARACTERS and (character == " " or category[0] not in "CZ")


def _is_letter(character: str) -> bool:
    """Return whether a character may be in a name: also a space of any width, and what joins letters or parts them."""
    return _is_plain(character) or character in _JOINERS or unicodedata.category(character) == "Zs"


def _key(name: str) -> str:
    """Return what two names share when a file system, or a reader, might take them for one."""
    seen = unicodedata.normalize("NFKC", name).translate(dict.fromkeys(map(ord, _JOINERS)))
    return unicodedata.normalize("NFKC", seen.casefold())


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    outputs = cell.get("outputs", [])
    return (
        isinstance(cell.get("metadata"), dict)
        and all(isinstance(line, str) for line in lines)
        and isinstance(outputs, list)
        and all(isinstance(output, dict) for output in outputs)
    )


def too_large(name: str, limits: Limits) -> Refused:
    return Refused(
        f"{shown(name)}: larger than {size_text(limits.file_bytes)}, or the files are larger than "
        f"{size_text(limits.total_bytes)} together. Clear large outputs or remove the file, then submit again.",
        413,
    )


def too_many(limits: Limits) -> Refused:
    return Refused(f"There are more than {limits.files} files. Remove some, then submit again.", 413)


def shown(name: str) -> str:
    """Return a name as it may stand in a message and a log: short, printable."""
    return ascii(name[:80]) if not all(_is_plain(character) for character in name) else name[:80]


def size_text(count: int) -> str:
    return f"{count / 2**20:g} MiB"
