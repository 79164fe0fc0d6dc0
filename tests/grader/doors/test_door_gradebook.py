"""A gradebook made in process is the one that nbgrader and alembic make; old ones are still migrated."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import nbgrader.api
import pytest
from nbgrader.api import Gradebook
from tpc_courses.sources.manifest import load_courses
from tpc_grader.coursework.coursework import prepare_course
from tpc_grader.gradebook.gradebook import HEAD, ensure_gradebook

OLD = Path(nbgrader.api.__file__).parent / "tests" / "apps" / "files" / "gradebook.db"


def schema(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as book:
        rows = book.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return sorted((name, "".join(sql.split())) for name, sql in rows)


def columns(path: Path) -> dict[str, set[str]]:
    with sqlite3.connect(path) as book:
        names = [name for (name,) in book.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {row[1] for row in book.execute(f"PRAGMA table_info({name})")} for name in names}


def revision(path: Path) -> list[tuple[str]]:
    with sqlite3.connect(path) as book:
        return list(book.execute("SELECT version_num FROM alembic_version"))


@pytest.fixture(scope="module")
def stock(tmp_path_factory) -> Path:
    """A gradebook as nbgrader makes it, alembic asked."""
    path = tmp_path_factory.mktemp("stock") / "gradebook.db"
    Gradebook(f"sqlite:///{path}", "").close()
    return path


def test_a_gradebook_made_in_process_is_that_of_nbgrader(stock, tmp_path):
    path = tmp_path / "gradebook.db"
    ensure_gradebook(path)
    assert schema(path) == schema(stock)
    assert revision(path) == revision(stock) == [(HEAD,)]


def test_a_course_is_prepared_without_asking_alembic(tree, monkeypatch):
    monkeypatch.setattr(nbgrader.api, "get_alembic_version", lambda: pytest.fail("alembic was asked"))
    course = load_courses(tree)[0]
    prepare_course(tree, course)
    assert revision(tree.nbgrader(course.id) / "gradebook.db") == [(HEAD,)]


def test_an_old_gradebook_runs_the_migrations_and_is_kept(stock, tmp_path):
    path = tmp_path / "gradebook.db"
    shutil.copyfile(OLD, path)
    with sqlite3.connect(path) as book:
        book.execute("INSERT INTO student (id) VALUES ('ada')")
    before = path.read_bytes()
    ensure_gradebook(path)
    assert revision(path) == [(HEAD,)]
    assert (tmp_path / "gradebook.db.old").read_bytes() == before
    with Gradebook(f"sqlite:///{path}", "") as book:
        assert [each.id for each in book.students] == ["ada"]
    assert not {(table, c) for table, every in columns(stock).items() for c in every - columns(path)[table]}
    ensure_gradebook(path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_gradebook_of_a_newer_nbgrader_is_refused_by_name(tmp_path):
    path = tmp_path / "gradebook.db"
    ensure_gradebook(path)
    with sqlite3.connect(path) as book:
        book.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    with pytest.raises(RuntimeError, match=r"gradebook\.db: .*ffffffffffff"):
        ensure_gradebook(path)


def test_one_whose_maker_was_killed_before_the_note_gets_it(stock, tmp_path):
    path = tmp_path / "gradebook.db"
    shutil.copyfile(stock, path)
    with sqlite3.connect(path) as book:
        book.execute("DROP TABLE alembic_version")
    ensure_gradebook(path)
    assert schema(path) == schema(stock)
    assert revision(path) == [(HEAD,)]


def test_an_empty_file_becomes_a_gradebook(tmp_path):
    path = tmp_path / "gradebook.db"
    path.touch()
    ensure_gradebook(path)
    assert revision(path) == [(HEAD,)]


def test_what_is_there_is_left_alone(stock, tmp_path):
    path = tmp_path / "gradebook.db"
    shutil.copyfile(stock, path)
    ensure_gradebook(path)
    assert path.read_bytes() == stock.read_bytes()


def test_several_at_once_make_one(tmp_path):
    path = tmp_path / "gradebook.db"
    threads = [threading.Thread(target=ensure_gradebook, args=(path,)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert revision(path) == [(HEAD,)]
    assert [each.name for each in tmp_path.iterdir()] == ["gradebook.db"]
