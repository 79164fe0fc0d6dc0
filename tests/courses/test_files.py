"""Files and folders are there whole or not at all; a lock ends with its process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from tpc_courses.base.files import Busy, locked, point, whole_folder, write_whole


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_the_old_one_or_the_new_one(tmp_path, monkeypatch, durable):
    path = tmp_path / "note"
    write_whole(path, "old", durable=durable)
    write_whole(path, b"new", mode=0o400, durable=durable)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o400)

    def ended(source: object, target: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", ended)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "newer", durable=durable)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole_or_stays(tmp_path):
    path = tmp_path / "work"
    for text in ("old", "new"):
        with whole_folder(path) as draft:
            (draft / text).write_text(text)
    assert [each.name for each in path.iterdir()] == ["new"]
    with contextlib.suppress(OSError), whole_folder(path) as draft:
        (draft / "newer").write_text("")
        raise OSError("the disk is full")
    assert [each.name for each in path.iterdir()] == ["new"]
    with whole_folder(path) as draft:
        assert list(draft.iterdir()) == [], "what an earlier try left is no part of this one"


def test_a_link_leads_elsewhere(tmp_path):
    for name in ("one", "two"):
        point(tmp_path / "current", name)
        assert os.readlink(tmp_path / "current") == name


def test_a_lock_says_who_holds_it_and_ends_with_its_process(tmp_path):
    path = tmp_path / "new folder" / "lock"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom tpc_courses.base.files import locked\n"
        "with locked(Path(sys.argv[1]), note='the first one'):\n    print('held', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match="the first one"), locked(path, wait_seconds=0):
            pass
        holder.send_signal(signal.SIGKILL)
        with locked(path, note="the next"):
            assert path.read_text() == "the next"
