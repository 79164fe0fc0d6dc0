"""Bringing lessons into a home: what is new arrives, what a person made is never lost, and nothing stops it."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil

import pytest
from published_lessons import Home, git, notebook
from tpc_courses.pulling.store import GitFailed

FIT, COUNT = "scaling/fit-a-law.ipynb", "data/counting.ipynb"
FIRST = {FIT: notebook("fit = 1", "plot(fit)", "done"), COUNT: notebook("count = 1")}
YOURS = f"(yours, {dt.date.today()})"


@pytest.fixture
def home(tmp_path):
    """A home that has pulled once."""
    home = Home(tmp_path)
    home.publish(FIRST)
    assert home.pull() == []
    assert home.files() == FIRST
    return home


def ran(text: str) -> str:
    """Return a notebook as it is after somebody ran it and wrote a cell of their own."""
    found = json.loads(text)
    found["cells"][0] |= {
        "execution_count": 3,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}],
    }
    own = {"cell_type": "markdown", "id": "own", "metadata": {}, "source": ["my own words"]}
    return json.dumps(found | {"cells": [*found["cells"], own]}, indent=1) + "\n"


def test_what_is_new_changed_moved_or_gone_arrives(home):
    home.publish(
        {"scaling/laws.ipynb": FIRST[FIT], COUNT: notebook("count = 2"), "data/new.ipynb": notebook("new")}
    )
    assert home.pull() == []
    assert home.files() == {
        "scaling/laws.ipynb": FIRST[FIT],
        COUNT: notebook("count = 2"),
        "data/new.ipynb": notebook("new"),
    }


def test_nothing_new_changes_nothing(home):
    edited = ran(FIRST[FIT])
    home.mine(FIT, edited)
    home.mine("notes.txt", "mine")
    assert home.pull(FIT) == []
    assert home.files() == FIRST | {FIT: edited, "notes.txt": "mine"}


def test_what_somebody_deleted_or_renamed_comes_back(home):
    (home.lessons / FIT).rename(home.lessons / "scaling" / "mine.ipynb")
    shutil.rmtree(home.lessons / "data")
    assert home.pull() == []
    assert home.files() == FIRST | {"scaling/mine.ipynb": FIRST[FIT]}


def test_edits_on_both_sides_meet_in_one_notebook(home):
    home.mine(FIT, ran(FIRST[FIT]))
    home.publish(FIRST | {FIT: notebook("fit = 1", "plot(fit, better=True)", "done")})
    assert home.pull() == []
    text = home.files()[FIT]
    assert "better=True" in text
    assert "my own words" in text
    assert json.loads(text)["cells"][0]["execution_count"] == 3


def test_where_both_changed_the_same_line_the_persons_stays_and_they_are_told(home):
    home.mine(FIT, notebook("fit = 'mine'", "plot(fit)", "done"))
    home.publish(FIRST | {FIT: notebook("fit = 'new'", "plot(fit)", "done")})
    (told,) = home.pull()
    assert "fit-a-law.ipynb is new in a place that you changed" in told
    assert "mine" in home.files()[FIT]
    assert home.pull() == []


def test_edits_follow_a_lesson_that_is_renamed(home):
    home.mine(FIT, ran(FIRST[FIT]))
    home.publish({"scaling/laws.ipynb": FIRST[FIT], COUNT: FIRST[COUNT]})
    assert home.pull() == []
    assert home.files() == {"scaling/laws.ipynb": ran(FIRST[FIT]), COUNT: FIRST[COUNT]}


@pytest.mark.parametrize("edited", [False, True])
def test_a_lesson_renamed_to_the_name_of_an_own_file_keeps_that_aside(home, edited):
    """The case that stopped every lesson of every course."""
    if edited:
        home.mine(FIT, ran(FIRST[FIT]))
    home.mine("scaling/laws.ipynb", "my own")
    home.publish({"scaling/laws.ipynb": FIRST[FIT], COUNT: FIRST[COUNT]})
    (told,) = home.pull()
    assert "You had something of your own at lessons/scaling/laws.ipynb" in told
    assert f"laws {YOURS}.ipynb" in told
    assert home.files() == {
        f"scaling/laws {YOURS}.ipynb": "my own",
        "scaling/laws.ipynb": ran(FIRST[FIT]) if edited else FIRST[FIT],
        COUNT: FIRST[COUNT],
    }
    assert home.pull() == []


@pytest.mark.parametrize("ignored", ["", "*.ipynb\n"])
def test_a_new_lesson_over_an_own_file_keeps_it_aside_also_one_that_git_ignores(home, ignored):
    git(home.lessons, "init", "-q")
    home.mine(".gitignore", ignored)
    home.mine("data/new.ipynb", "mine")
    home.mine(f"data/new {YOURS}.ipynb", "mine, kept before")
    home.publish(FIRST | {"data/new.ipynb": notebook("new")})
    assert len(home.pull()) == 1
    found = home.files()
    assert found["data/new.ipynb"] == notebook("new")
    assert found[f"data/new {YOURS}.ipynb"] == "mine, kept before"
    assert found[f"data/new (yours, {dt.date.today()}, 2).ipynb"] == "mine"


def test_an_own_file_that_equals_the_new_lesson_is_just_that(home):
    home.mine("data/new.ipynb", notebook("new"))
    home.publish(FIRST | {"data/new.ipynb": notebook("new")})
    assert home.pull() == []


def test_a_folder_where_a_lesson_comes_and_a_file_where_a_folder_comes_are_kept_aside(home):
    home.mine("data/new.ipynb/inside.txt", "mine")
    home.mine("extra", "mine too")
    home.publish(FIRST | {"data/new.ipynb": notebook("new"), "extra/more.ipynb": notebook("more")})
    assert len(home.pull()) == 2
    found = home.files()
    assert found[f"data/new.ipynb {YOURS}/inside.txt"] == "mine"
    assert found[f"extra {YOURS}"] == "mine too"
    assert found["data/new.ipynb"] == notebook("new")
    assert found["extra/more.ipynb"] == notebook("more")


@pytest.mark.parametrize("edited", [False, True])
def test_a_lesson_becomes_a_folder_and_a_folder_a_lesson(home, edited):
    if edited:
        home.mine(FIT, ran(FIRST[FIT]))
    home.mine("data/notes.txt", "mine")
    home.publish({f"{FIT}/part.ipynb": notebook("part"), "data": "a file now"})
    told = home.pull()
    found = home.files()
    assert found[f"{FIT}/part.ipynb"] == notebook("part")
    assert found["data"] == "a file now"
    assert found[f"data {YOURS}/notes.txt"] == "mine"
    assert len(told) == 1 + edited
    assert ("my own words" in "".join(found.values())) == edited


def test_a_lesson_that_is_gone_stays_where_somebody_edited_it(home):
    home.mine(FIT, ran(FIRST[FIT]))
    home.publish({COUNT: FIRST[COUNT]})
    assert home.pull() == []
    assert home.files()[FIT] == ran(FIRST[FIT])
    home.publish(FIRST | {FIT: notebook("back again")})
    (told,) = home.pull()
    assert f"fit-a-law {YOURS}.ipynb" in told
    assert home.files()[FIT] == notebook("back again")


def test_links_pipes_and_protected_files_and_folders_do_not_stop_it(home, tmp_path):
    (home.lessons / FIT).unlink()
    os.mkfifo(home.lessons / FIT)
    shutil.rmtree(home.lessons / "data")
    (tmp_path / "elsewhere").mkdir()
    (home.lessons / "data").symlink_to(tmp_path / "elsewhere")
    assert len(home.pull()) == 2
    assert FIRST.items() <= home.files().items()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (home.lessons / COUNT).chmod(0o400)
    (home.lessons / "data").chmod(0o500)
    home.publish(FIRST | {COUNT: notebook("count = 2")})
    assert home.pull() == []
    assert home.files()[COUNT] == notebook("count = 2")


def test_names_that_differ_in_case_only_are_two_files(home):
    home.mine("scaling/Fit-A-Law.ipynb", "mine")
    home.publish({"scaling/FIT-A-LAW.ipynb": FIRST[FIT], COUNT: FIRST[COUNT]})
    assert home.pull() == []
    assert home.files() == {
        "scaling/FIT-A-LAW.ipynb": FIRST[FIT],
        "scaling/Fit-A-Law.ipynb": "mine",
        COUNT: FIRST[COUNT],
    }


def test_names_need_not_be_ascii(home):
    home.mine("data/größe, 2.ipynb", "mine")
    home.publish(FIRST | {"data/größe, 2.ipynb": notebook("new")})
    assert len(home.pull()) == 1
    assert home.files()["data/größe, 2.ipynb"] == notebook("new")


def test_the_lesson_that_is_opened_is_one_that_opens(home):
    broken = "<<<<<<< HEAD\n" + FIRST[FIT]
    home.mine(FIT, broken)
    assert home.pull() == []
    assert len(home.pull(FIT)) == 1
    assert home.files() == FIRST | {f"scaling/fit-a-law {YOURS}.ipynb": broken}


def test_a_merge_that_would_not_open_keeps_the_persons_version_aside(home):
    home.mine(FIT, "no notebook any more\n")
    home.publish(FIRST | {FIT: notebook("fit = 2", "plot(fit)", "done")})
    assert len(home.pull()) == 1
    assert home.files()[f"scaling/fit-a-law {YOURS}.ipynb"] == "no notebook any more\n"
    assert home.files()[FIT] == notebook("fit = 2", "plot(fit)", "done")


def lose_store(home):
    shutil.rmtree(home.store)


def empty_objects(home):
    for path in (home.store / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"")


def file_in_place(home):
    lose_store(home)
    home.store.write_text("not a repository")


def locks(home):
    for name in ("HEAD.lock", "index.lock", "shallow.lock", "refs/campus/new.lock", "refs/campus/last.lock"):
        (home.store / name).write_text("")


def no_refs(home):
    shutil.rmtree(home.store / "refs")


@pytest.mark.parametrize("damage", [lose_store, empty_objects, file_in_place, locks, no_refs])
def test_a_lost_or_damaged_store_heals(home, damage):
    home.mine(COUNT, ran(FIRST[COUNT]))
    damage(home)
    home.publish(FIRST | {FIT: notebook("fit = 2", "plot(fit)", "done")})
    home.pull()
    found = home.files()
    assert found[FIT] == notebook("fit = 2", "plot(fit)", "done")
    assert any("my own words" in text for text in found.values())
    assert home.pull() == []
    assert home.files() == found


def test_a_campus_that_lost_its_repository_goes_on(home):
    home.mine(FIT, ran(FIRST[FIT]))
    home.found_again()
    home.publish({FIT: notebook("fit = 1", "plot(fit, better=True)", "done"), COUNT: notebook("count = 2")})
    assert home.pull() == []
    assert "better=True" in home.files()[FIT]
    assert "my own words" in home.files()[FIT]
    assert home.files()[COUNT] == notebook("count = 2")


def test_a_campus_that_does_not_answer_loses_nothing(home):
    before = home.files()
    last = git(home.store, "rev-parse", "refs/campus/last")
    home.bare.rename(home.bare.with_name("away"))
    with pytest.raises(GitFailed):
        home.pull()
    assert home.files() == before
    assert git(home.store, "rev-parse", "refs/campus/last") == last


@pytest.fixture
def clone(tmp_path):
    """A home as an older campus left it: a clone that nbgitpuller merged into."""
    home = Home(tmp_path)
    home.publish(FIRST)
    git(home.home, "clone", "-q", str(home.bare), "lessons")
    home.mine(FIT, ran(FIRST[FIT]))
    git(home.lessons, "commit", "-qam", "Automatic commit by nbgitpuller")
    return home


def as_it_was(home):
    pass


def moved(home):
    git(home.lessons, "remote", "set-url", "origin", "http://127.0.0.1:9/services/campus/git/lessons")


def detached(home):
    git(home.lessons, "checkout", "-q", "--detach")


def branch_gone(home):
    detached(home)
    git(home.lessons, "branch", "-qD", "main")


def own_branch(home):
    git(home.lessons, "checkout", "-qb", "mine")
    home.mine("own.txt", "mine")
    git(home.lessons, "add", "own.txt")
    git(home.lessons, "commit", "-qm", "Mine")


def killed(home):
    for name in ("index.lock", "HEAD.lock", "config.lock"):
        (home.lessons / ".git" / name).write_text("")


def half_merged(home):
    git(home.lessons, "checkout", "-qb", "other", "HEAD~1")
    home.mine(COUNT, notebook("count = 'other'"))
    git(home.lessons, "commit", "-qam", "Other")
    git(home.lessons, "checkout", "-q", "main")
    home.mine(COUNT, notebook("count = 'main'"))
    git(home.lessons, "commit", "-qam", "Main")
    with pytest.raises(AssertionError):
        git(home.lessons, "merge", "other")


def half_rebased(home):
    half_merged(home)
    git(home.lessons, "merge", "--abort")
    with pytest.raises(AssertionError):
        git(home.lessons, "rebase", "other")


def own_settings(home):
    hooks = home.home / "hooks"
    for name in ("reference-transaction", "pre-commit", "post-merge"):
        Home.write(hooks / name, "#!/bin/sh\nexit 1\n").chmod(0o755)
    settings = f"[core]\n hooksPath = {hooks}\n[commit]\n gpgsign = true\n[merge]\n ff = only\n"
    Home.write(home.home / ".gitconfig", settings)


STATES = [
    as_it_was,
    moved,
    detached,
    branch_gone,
    own_branch,
    killed,
    half_merged,
    half_rebased,
    own_settings,
]


@pytest.mark.parametrize("state", STATES)
def test_whatever_somebody_did_with_git_lessons_come_and_their_work_stays(clone, state, monkeypatch):
    monkeypatch.setenv("HOME", str(clone.home))
    conflicted = state in (half_merged, half_rebased)
    clone.publish(
        FIRST
        | {FIT: notebook("fit = 1", "plot(fit, better=True)", "done"), "data/new.ipynb": notebook("new")}
    )
    state(clone)
    assert clone.pull() == []
    found = clone.files()
    assert "better=True" in found[FIT]
    assert "my own words" in found[FIT]
    assert found["data/new.ipynb"] == notebook("new")
    assert ("<<<<" in found[COUNT]) == conflicted
    assert len(clone.pull(COUNT)) == conflicted
    assert json.loads(clone.files()[COUNT])["cells"]


@pytest.mark.parametrize("unrelated", [False, True])
def test_a_folder_of_the_name_lessons_that_is_something_else_loses_nothing(tmp_path, unrelated):
    home = Home(tmp_path)
    home.publish(FIRST)
    if unrelated:
        home.write(tmp_path / "other" / "own.txt", "mine")
        git(tmp_path / "other", "init", "-q", "-b", "main")
        git(tmp_path / "other", "add", "-A")
        git(tmp_path / "other", "-c", "user.email=me@example.org", "commit", "-qm", "Mine")
        git(home.home, "clone", "-q", str(tmp_path / "other"), "lessons")
    else:
        home.write(home.home / "lessons", "mine")
    told = home.pull()
    assert FIRST.items() <= home.files().items()
    if unrelated:
        assert home.files()["own.txt"] == "mine"
    else:
        assert f"lessons {YOURS}" in told[0]
        assert (home.home / f"lessons {YOURS}").read_text() == "mine"
