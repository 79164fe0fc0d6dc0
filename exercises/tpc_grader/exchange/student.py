"""nbgrader's exchange as a student's server sees it: list, fetch, submit and feedback over HTTP.

Nothing here is trusted: who the student is, what time it is and what is theirs, the campus decides.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbgrader.exchange import ExchangeError, default
from nbgrader.utils import ignore_patterns

from tpc_grader.exchange.base import Exchange
from tpc_grader.exchange.client import IntakeClient, IntakeError
from tpc_grader.submissions.archive import pack
from tpc_grader.submissions.folder import read_folder
from tpc_grader.submissions.receipts import Receipt

RECEIPTS = "receipts"
LINE = 90


class StudentExchange(Exchange):
    """A student's end of the line."""

    def start(self) -> Any:
        """Run the steps; what the campus refuses is said in its words."""
        try:
            return super().start()
        except IntakeError as e:
            self.log.fatal(str(e))
            # JupyterLab shows the traceback of whatever is raised: a short one, with lines that fit its window.
            raise ExchangeError("\n\n" + textwrap.fill(str(e), LINE)) from None

    def client(self) -> IntakeClient:
        """Return the connection to the campus; fails outside a student's server."""
        client = IntakeClient.from_environment()
        if client is None:
            self.fail(
                "This is not a student's server: CAMPUS_INTAKE_URL is not set. Start your server from the campus."
            )
        assert client is not None
        return client


class FetchAssignment(StudentExchange, default.ExchangeFetchAssignment):
    """Brings a released exercise into the student's folder."""

    def init_src(self) -> None:
        """Download the release into a temporary folder; nbgrader's own copying goes on from there."""
        files = self.client().release(self.course, self.exercise)
        self._download = tempfile.TemporaryDirectory()
        # A folder of its own inside: nbgrader copies modes too, and a temporary folder is private.
        source = Path(self._download.name, "release")
        _write_files(source, files)
        self.src_path = str(source)

    def copy_files(self) -> None:
        """Copy what is not there yet; work that is there stays as it is."""
        with self._download:
            super().copy_files()


class Submit(StudentExchange, default.ExchangeSubmit):
    """Hands in the student's folder and keeps the receipt beside it."""

    def init_dest(self) -> None:
        """Check the request; where it goes, the campus decides."""
        _ = self.course

    def init_release(self) -> None:
        """Learn the names of the released notebooks, for the comparison that nbgrader logs."""
        offers = {(each["course"], each["exercise"]): each for each in self.client().assignments()}
        offer: Mapping[str, Any] = offers.get((self.course, self.exercise), {})
        if not offer:
            self.fail(f"Assignment not found: {self.exercise} is not released in {self.course}.")
        self._names = tempfile.TemporaryDirectory()
        self.release_path = self._names.name
        _write_files(Path(self.release_path), dict.fromkeys(offer["notebooks"], b""))

    def copy_files(self) -> None:
        """Send the files; a refusal says why and changes nothing."""
        self.init_release()
        with self._names:
            self.check_filename_diff()
        size, allowed = self.get_size(self.src_path), 1000 * self.coursedir.max_dir_size
        if size > allowed:
            raise RuntimeError(f"Directory size is too big. Size is {size}, maximum size is {allowed}")
        receipt = self.client().submit(self.course, self.exercise, pack(self._files()))
        path = keep_receipt(Path(self.src_path), receipt)
        self.log.info(
            "Submitted as: %s %s %s UTC",
            self.course,
            self.exercise,
            f"{receipt.received_at:%Y-%m-%d %H:%M:%S}",
        )
        self.log.info("Receipt %s of %s: %s", receipt.code, receipt.student, path)

    def _files(self) -> dict[str, bytes]:
        directory = self.coursedir
        # Receipts and feedback lie beside the work; handing them in again would only make it larger.
        ours = (str(Path(self.src_path)), {RECEIPTS, "feedback"})
        chosen = ignore_patterns(
            exclude=[*directory.ignore, ".*"],
            include=directory.include,
            max_file_size=directory.max_file_size,
            log=self.log,
        )

        def ignored(folder: str, names: Any) -> set[str]:
            return set(chosen(folder, names)) | (ours[1] if folder == ours[0] else set())

        return read_folder(Path(self.src_path), ignored)


class List(StudentExchange, default.ExchangeList):
    """Lists what is released to the student and what the student submitted."""

    def start(self) -> Any:
        """List; nothing can be removed from here."""
        if self.inbound and self.cached:
            self.fail("Options --inbound and --cached are incompatible.")
        if self.remove:
            self.fail(
                "Submissions are kept for good and releases belong to the instructor: nothing is removed."
            )
        super().start()
        return self.list_files()

    def init_dest(self) -> None:
        """Nothing to choose: listing asks the campus."""

    def parse_assignments(self) -> list[dict[str, Any]]:
        """Return nbgrader's description of each assignment."""
        if self.inbound or self.cached:
            mine = sorted(self.client().submissions(), key=lambda each: str(each["received_at"]))
            return grouped([self._submitted(each) for each in mine if self._asked(each)])
        return [self._released(each) for each in self.client().assignments() if self._asked(each)]

    def _asked(self, each: Mapping[str, Any]) -> bool:
        wanted = (self.coursedir.course_id, self.coursedir.assignment_id)
        found = (each["course"], each["exercise"])
        return all(want in ("", is_) for want, is_ in zip(wanted, found, strict=True))

    def _released(self, each: Mapping[str, Any]) -> dict[str, Any]:
        folder = self.folder(each["course"], each["exercise"])
        fetched = folder.is_dir()
        names = sorted(path.name for path in folder.glob("*.ipynb")) if fetched else each["notebooks"]
        path = str(folder) if fetched else ""
        return {
            "course_id": each["course"],
            "assignment_id": each["exercise"],
            "status": "fetched" if fetched else "released",
            "path": path,
            "notebooks": [{"notebook_id": Path(n).stem, "path": os.path.join(path, n)} for n in names],
        }

    def _submitted(self, each: Mapping[str, Any]) -> dict[str, Any]:
        local = self.folder(each["course"], each["exercise"]) / "feedback" / folder_of(each)
        notebooks = [_feedback_state(local, Path(name).stem, each) for name in each["notebooks"]]
        # Lab shows this text as it is: the receipt's code belongs where people look for proof.
        text = f"{each['when']}, receipt {each['code']}"
        return submitted_info(each, text, notebooks, local) | {"received_at": each["received_at"]}


class FetchFeedback(StudentExchange, default.ExchangeFetchFeedback):
    """Brings released feedback into the folder `feedback` beside the exercise."""

    def init_src(self) -> None:
        """Ask for the feedback of every own submission to the exercise."""
        self.src_path = "the campus"
        self.feedback_files = list(self._pages())

    def do_copy(self, src: str, dest: str) -> None:
        """Write the pages, each in the folder of its submission."""
        for notebook, folder, page in self.feedback_files:
            path = Path(dest, folder, f"{Path(notebook).name}.html")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
            self.log.info("Fetched feedback: %s", path)

    def _pages(self) -> Iterator[tuple[str, str, str]]:
        client, asked = self.client(), (self.course, self.exercise)
        for each in client.submissions():
            if (each["course"], each["exercise"]) != asked:
                continue
            if not each["feedback"]:
                self.log.warning("No feedback yet for what you submitted %s", each["when"])
                continue
            for notebook, page in client.feedback(each["id"]).items():
                yield notebook, folder_of(each), page


def folder_of(each: Mapping[str, Any]) -> str:
    """Return the folder of a submission's feedback: its time by the course's clocks, and what is unique to it."""
    return f"{dt.datetime.fromisoformat(each['local']):%Y-%m-%d %H.%M} {each['code']}"


def submitted_info(
    each: Mapping[str, Any], timestamp: str, notebooks: list[dict[str, Any]], local: Path | None
) -> dict[str, Any]:
    """Return nbgrader's description of one submission."""
    has_local = bool(notebooks) and all(info["has_local_feedback"] for info in notebooks)
    return {
        "course_id": each["course"],
        "assignment_id": each["exercise"],
        "student_id": each["student"],
        "timestamp": timestamp,
        "status": "submitted",
        "path": "",
        "notebooks": notebooks,
        "has_local_feedback": has_local,
        "has_exchange_feedback": bool(notebooks) and all(info["has_exchange_feedback"] for info in notebooks),
        "feedback_updated": any(info["feedback_updated"] for info in notebooks),
        "local_feedback_path": str(local) if has_local else None,
    }


def grouped(infos: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return submissions, oldest first, grouped by course, student and exercise, as nbgrader lists them."""
    groups = dict[tuple[str, str, str], list[dict[str, Any]]]()
    for info in infos:
        groups.setdefault((info["course_id"], info["student_id"], info["assignment_id"]), []).append(info)
    return [
        {
            "course_id": course,
            "student_id": student,
            "assignment_id": exercise,
            "status": "submitted",
            "submissions": submissions,
        }
        for (course, student, exercise), submissions in sorted(groups.items())
    ]


def keep_receipt(folder: Path, receipt: Receipt) -> Path:
    """Write a receipt into the folder `receipts` of an exercise and return its path."""
    path = folder / RECEIPTS / f"{receipt.received_at:%Y-%m-%d-%H%M%S}-{receipt.code}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(receipt.text(), encoding="utf-8")
    return path


def _feedback_state(local: Path, notebook: str, each: Mapping[str, Any]) -> dict[str, Any]:
    page, offered = local / f"{notebook}.html", each["feedback"].get(notebook)
    mine = hashlib.md5(page.read_bytes(), usedforsecurity=False).hexdigest() if page.is_file() else None
    return {
        "notebook_id": notebook,
        "path": "",
        "has_local_feedback": mine is not None,
        "has_exchange_feedback": offered is not None,
        "local_feedback_path": str(page) if mine else None,
        "feedback_updated": None not in (mine, offered) and mine != offered,
    }


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
