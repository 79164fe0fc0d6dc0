"""What a command says when it cannot do what was asked: what, where and what to do, in a sentence or a few."""

from __future__ import annotations

import errno
import sys
import traceback
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_courses.base.problems import NotThere, SourceError
from tpc_grader.submissions.archive import Refused

from tpc_hub.people.refusal import PeopleError

# Their texts are sentences for the person who typed the command.
_TOLD = (SourceError, Refused, PeopleError, NotThere)
# RuntimeErrors that Python itself raises: faults of the program.
_FAULTS = (RecursionError, NotImplementedError)
_REMEDIES = {
    errno.ENOENT: "Check the path",
    errno.EISDIR: "Name a file, not a folder",
    errno.ENOTDIR: "One of the folders above it is a file: choose another path",
    errno.EACCES: "Run as a user who may, or choose another place (CAMPUS_STATE names the state folder)",
    errno.EPERM: "Run as a user who may, or choose another place (CAMPUS_STATE names the state folder)",
    errno.EROFS: "Choose a place that can be written (CAMPUS_STATE names the state folder)",
    errno.ENOSPC: "Free some space",
    errno.EADDRINUSE: "Stop what uses the port, or choose another (CAMPUS_PORT)",
}


def sentence(error: Exception, places: Places | None) -> str:
    """Return what a person reads of an error; of one that nobody foresaw the traceback goes to a file."""
    if isinstance(error, _TOLD) or (isinstance(error, RuntimeError) and not isinstance(error, _FAULTS)):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return _of_system(error)
    if isinstance(error, UnicodeDecodeError):
        return (
            f"The file is not {error.encoding.upper()} (byte {error.start}). Save it as UTF-8 and try again."
        )
    if "sqlalchemy.exc" in sys.modules and isinstance(error, sys.modules["sqlalchemy.exc"].SQLAlchemyError):
        return _of_database(error, places)
    return _unforeseen(error, places)


def _of_system(error: OSError) -> str:
    names = " -> ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    place = f"{names}: " if names else ""
    remedy = _REMEDIES.get(error.errno or 0, "Mend that and try again")
    return f"{place}{error.strerror}. {remedy}."


def _of_database(error: Exception, places: Places | None) -> str:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(places.database_url).render_as_string() if places else "of this campus"
    except ArgumentError:
        url = "that CAMPUS_DB names, which is no SQLAlchemy URL (like postgresql+psycopg://user@host/name),"
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return (
        f"The database {url} cannot be used: {cause}. Check that it runs and that you may write it; CAMPUS_DB names "
        "another one, CAMPUS_STATE the folder of the built-in one."
    )


def _unforeseen(error: Exception, places: Places | None) -> str:
    text = "".join(traceback.format_exception(error))
    what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    kept = _kept(text, places)
    where = f"The whole of it is in {kept}" if kept else f"It was at {_last_place(error)}"
    return f"A fault of TPC Campus, not yours: {what}. {where}; please report it."


def _kept(text: str, places: Places | None) -> Path | None:
    if places is None:
        return None
    path = places.logs / "command.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    return path


def _last_place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else "an unknown place"
