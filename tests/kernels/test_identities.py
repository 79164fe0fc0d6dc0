"""User ids of homes: one home each on the whole machine, whichever campus it belongs to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tpc_grader.sandbox import environment as surroundings
from tpc_hub.engines import identities

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="identities of their own need root")
FIRST = identities.FIRST_UID


@pytest.fixture(autouse=True)
def registry(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(identities, "REGISTRY", tmp_path / "registry")
    return tmp_path / "registry"


def identity(state: Path, name: str) -> int:
    """Return the owner of a home, prepared as at a sign-in."""
    (state / "homes").mkdir(parents=True, exist_ok=True)
    home = identities.prepare_home(state / "homes", name)
    found = home.stat()
    assert (found.st_gid, found.st_mode & 0o777) == (found.st_uid, 0o700)
    return found.st_uid


def test_two_campuses_on_one_machine_share_no_identity(tmp_path):
    given = [identity(tmp_path / state, name) for state in ("one", "two") for name in ("ada", "bob")]
    assert given == [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]
    assert identity(tmp_path / "one", "ada") == FIRST  # a home keeps its own
    assert identity(tmp_path / "two", "eve") == FIRST + 4


def test_an_identity_is_let_go_with_its_home_and_no_other(tmp_path, registry):
    for name in ("ada", "bob"):
        identity(tmp_path, name)
    home = tmp_path / "homes" / "ada"
    identities.release_identity(home)
    assert (registry / str(FIRST)).is_symlink(), "the home is still there"
    shutil.rmtree(home)
    identities.release_identity(home)
    notes = {note.readlink().name for note in registry.iterdir() if note.is_symlink()}
    assert notes == {"bob"}


def test_a_copied_campus_gets_identities_of_its_own(tmp_path):
    given = {identity(tmp_path / "first", name) for name in ("ada", "bob")}
    (tmp_path / "first" / "homes" / "ada" / "work.md").write_text("kept")
    subprocess.run(["cp", "-a", tmp_path / "first", tmp_path / "copy"], check=True)
    assert not given & {identity(tmp_path / "copy", name) for name in ("ada", "bob")}
    copied = tmp_path / "copy" / "homes" / "ada"
    assert (copied / "work.md").stat().st_uid == copied.stat().st_uid
    assert identity(tmp_path / "first", "ada") in given


def test_a_campus_that_was_moved_keeps_its_identities(tmp_path):
    before = identity(tmp_path / "here", "ada")
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert identity(tmp_path / "there", "ada") == before
    assert identity(tmp_path / "other", "bob") != before


def test_homes_from_before_the_registry_keep_what_nobody_else_has(tmp_path):
    for state in ("one", "two"):
        home = tmp_path / state / "homes" / "ada"
        home.mkdir(parents=True, mode=0o700)
        os.chown(home, FIRST, FIRST)
    assert identity(tmp_path / "one", "bob") == FIRST + 1  # that of ada is hers, although not noted yet
    assert identity(tmp_path / "one", "ada") == FIRST
    assert identity(tmp_path / "two", "ada") == FIRST + 2


def test_many_first_sign_ins_at_once_get_different_identities(tmp_path, registry):
    code = (
        "import sys\nfrom pathlib import Path\nfrom tpc_hub.engines import identities\n"
        "identities.REGISTRY = Path(sys.argv[1])\nhome = Path(sys.argv[2])\nhome.mkdir(parents=True)\n"
        "print(identities.ensure_identity(home))\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(registry), str(tmp_path / str(n % 2) / f"student-{n}")],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(6)
    ]
    given = [int(each.communicate()[0]) for each in running]
    assert sorted(given) == list(range(FIRST, FIRST + 6))


def test_a_container_with_few_user_ids_has_some_for_people_and_others_for_jobs(tmp_path, monkeypatch):
    for module in (identities, surroundings):
        monkeypatch.setattr(module, "count_of_uids", lambda: 65536)
    given = identity(tmp_path / "one", "ada")
    assert given == identities.FIRST_OF_FEW
    assert identities.id_range()[1] < min(surroundings.fresh_uid() for _ in range(200))


def test_when_all_are_given_out_the_error_says_where(tmp_path, monkeypatch):
    monkeypatch.setattr(identities, "count_of_uids", lambda: 20_004)
    assert identity(tmp_path / "one", "ada") == 10_000
    with pytest.raises(RuntimeError, match=r"registry: the last .* Remove the links"):
        identity(tmp_path / "one", "bob")
