"""The audit log: append-only in the database, complete in the file, and told of what other doors wrote."""

from __future__ import annotations

import json
import threading

import pytest
import quick_grading
from click.testing import CliRunner
from nbgrader.api import Gradebook
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from test_class_page import campus, hand_in, work_off  # noqa: F401 a fixture
from test_grading_faults import EXERCISE
from tpc_courses.base.places import Places
from tpc_grader.database import audit
from tpc_grader.database.engine import open_database
from tpc_grader.worker.reconcile import WHAT, Reconciler
from tpc_hub.cli import main


@pytest.fixture
def places(each_database: Places) -> Places:
    """A campus with one entry."""
    each_database.state.mkdir()
    audit.log(each_database, audit.Entry("ada", "test", course="scaling", note="erste"))
    return each_database


def lines(places: Places) -> list[dict]:
    """Return the file's entries."""
    return [json.loads(line) for line in (places.logs / "audit.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'eve'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_the_log(places, statement):
    with open_database(places.database_url).connect() as connection:
        with pytest.raises(DatabaseError, match="append-only"):
            connection.execute(text(statement))
        connection.rollback()
    assert [row.who for row in audit.entries(places)] == ["ada"]


def test_the_file_repeats_the_table_and_mends_a_line_that_was_cut_off(places):
    path = places.logs / "audit.jsonl"
    audit.log(places, audit.Entry("bob", "test", before="a\nb", after='"'))
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    audit.export(places)
    assert path.read_bytes() == whole
    path.unlink()
    audit.export(places)
    assert path.read_bytes() == whole
    assert path.stat().st_mode & 0o077 == 0


def test_entries_of_several_writers_are_in_the_file_once_and_in_order(places):
    def write(name: str) -> None:
        for index in range(10):
            audit.log(places, audit.Entry(name, "test", note=str(index)))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line["number"] for line in lines(places)] == list(range(1, 32))


def test_the_command_prints_what_is_asked_for(places, monkeypatch):
    monkeypatch.setenv("CAMPUS_ROOT", str(places.root))
    monkeypatch.setenv("CAMPUS_STATE", str(places.state))
    audit.log(places, audit.Entry("bob", "test", course="data", student="carl"))
    printed = CliRunner().invoke(main, ["audit", "--course", "data"]).output
    assert [json.loads(line)["student"] for line in printed.splitlines()] == ["carl"]
    assert len(CliRunner().invoke(main, ["audit", "--limit", "0"]).output.splitlines()) == 2


def give(places: Places, points: float) -> None:
    """Give ada points as the formgrader does."""
    with Gradebook(f"sqlite:///{places.nbgrader('scaling') / 'gradebook.db'}", "scaling") as book:
        book.find_grade(quick_grading.CELL, EXERCISE, EXERCISE, "ada").manual_score = points
        book.db.commit()


def test_a_gradebook_that_cannot_be_read_keeps_no_other_from_being_looked_at(campus, caplog):  # noqa: F811
    hand_in(campus, "ada", 4)
    work_off(campus)
    broken = campus.nbgrader("data") / "gradebook.db"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no database" * 100)
    give(campus, 8.0)
    assert Reconciler(campus).look() == 1
    assert f"{broken} was not looked at" in caplog.text


def test_a_score_given_in_the_formgrader_is_noted_once_and_survives_a_regrade(campus):  # noqa: F811
    hand_in(campus, "ada", 4)
    work_off(campus)
    others = Reconciler(campus)
    assert others.look() == 0, "what the writer wrote is known"
    give(campus, 8.0)
    assert others.look() == 1
    assert others.look() == 0
    assert Reconciler(campus).look() == 0, "also after a restart"
    (entry,) = [row for row in audit.entries(campus) if row.what == WHAT]
    assert (entry.student, json.loads(entry.before), json.loads(entry.after)) == (
        "ada",
        {quick_grading.CELL: 4.0},
        {quick_grading.CELL: 8.0},
    )
    hand_in(campus, "ada", 2)
    work_off(campus)
    assert others.look() == 0
