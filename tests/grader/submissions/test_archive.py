"""What may be handed in: names, archives and notebooks, honest and hostile."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import struct
import unicodedata
import zipfile

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tpc_grader.submissions.archive import (
    LIMITS,
    Limits,
    Refused,
    check_submission,
    checked_names,
    notebook_problem,
    pack,
    unpack,
)
from tpc_grader.submissions.folder import read_folder

SMALL = Limits(files=5, file_bytes=2000, total_bytes=5000, archive_bytes=20_000)
NOTEBOOK = json.dumps(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])).encode()


def archive(*entries: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive with these entries, as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for entry, data in entries:
            file.writestr(entry, data)
    return buffer.getvalue()


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    """Return an entry whose Unix mode says that it is something else than a file."""
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def patched(name: bytes) -> bytes:
    """Return an archive whose one entry has a name that zipfile itself would not write."""
    return archive(("x" * len(name), b"data")).replace(b"x" * len(name), name)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "p1.ipynb",
            "data/points.csv",
            "Lösung.ipynb",
            "a b.txt",
            "x-1_2.(3).py",
            "Screenshot 2026-01-01 at 3.04.05\u202fPM.png",
            "figure\u00a01.png",
            "\u56f3\u3000\u4e00.png",
            "\u0645\u06cc\u200c\u0631\u0648\u0645.txt",
            "\u0915\u094d\u200d\u0937.txt",
            "\U0001f469\u200d\U0001f52c.txt",
        ],
    )
    def test_plain_names_pass(self, name):
        assert checked_names([name]) == [name]

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "/etc/passwd",
            "../p1.ipynb",
            "a/../../b",
            "a//b",
            "./a",
            "a/.",
            "a\\..\\b",
            "C:evil",
            "a\0b",
            "a\nb",
            "a\x1b[2J",
            "\u202egnp.exe",
            "a\u200bb",
            "\ud800",
            "\ue000",
            ".hidden",
            "a/.git/config",
            "trailing.",
            "trailing ",
            " leading",
            "timestamp.txt",
            "TIMESTAMP.TXT",
            "ｔimestamp.txt",
            "x" * 201,
            "/".join("abcdefghi"),
            "a\u200d",
            "\u200cb/a",
            "\u202f/a",
            "time\u200dstamp.txt",
            "a\u2028b",
            "a?b",
            "a|b",
        ],
    )
    def test_odd_names_are_refused_with_a_remedy(self, name):
        with pytest.raises(Refused, match="Rename or remove it"):
            checked_names([name])

    @pytest.mark.parametrize(
        "names",
        [
            ["a.txt", "A.txt"],
            ["Straße", "strasse"],
            ["a.txt", "a.txt"],
            ["data", "data/x"],
            ["Data/x", "data/y"],
            ["ﬁle", "file"],
            ["ä.txt", unicodedata.normalize("NFD", "ä.txt")],
            ["a b.txt", "a\u202fb.txt"],
            ["a b.txt", "a\u00a0b.txt"],
            ["ab.txt", "a\u200db.txt"],
            ["a\u200cb/x", "a\u200db/y"],
        ],
    )
    def test_names_that_a_file_system_may_take_for_one_are_refused(self, names):
        with pytest.raises(Refused, match="same name"):
            checked_names(names)

    @given(st.lists(st.text(max_size=30), max_size=6))
    @settings(deadline=None)
    def test_whatever_passes_stays_inside_a_folder_and_apart(self, names):
        try:
            checked = checked_names(names)
        except Refused:
            return
        folders = {os.path.normpath(os.path.join("/folder", name)) for name in checked}
        assert all(path.startswith("/folder/") for path in folders)
        assert len({path.casefold() for path in folders}) == len(names)
        odd = {each for name in checked for each in name if not each.isprintable()}
        assert all(each in "\u200c\u200d" or unicodedata.category(each) == "Zs" for each in odd)
        assert not any("\\" in name for name in checked)
        assert checked == [unicodedata.normalize("NFC", name) for name in names]

    def test_a_name_is_kept_in_composed_form(self):
        taken_apart = unicodedata.normalize("NFD", "Lösung/ä.txt")
        assert checked_names([taken_apart]) == ["Lösung/ä.txt"]
        assert unpack(archive((taken_apart, b"data"))) == {"Lösung/ä.txt": b"data"}

    @given(
        st.lists(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,3}\.txt", fullmatch=True), unique=True, max_size=8)
    )
    @settings(deadline=None)
    def test_honest_names_always_pass(self, names):
        assert checked_names(names) == names


class TestArchives:
    def test_what_is_packed_comes_out_again(self):
        files = {"p1.ipynb": NOTEBOOK, "data/x.csv": b"1,2\n", "leer.txt": b""}
        assert unpack(pack(files)) == files
        assert pack(files) == pack(dict(reversed(files.items())))

    @pytest.mark.parametrize(
        "mode",
        [
            stat.S_IFLNK | 0o777,
            stat.S_IFIFO | 0o644,
            stat.S_IFCHR | 0o600,
            stat.S_IFBLK | 0o600,
            stat.S_IFSOCK,
        ],
    )
    def test_links_pipes_and_devices_are_refused(self, mode):
        with pytest.raises(Refused, match="link, device or pipe"):
            unpack(archive(("p1.ipynb", NOTEBOOK), (entry("loot", mode), b"/etc/shadow")))

    @pytest.mark.parametrize("name", ["../../gradebook.db", "/etc/cron.d/x", "a/../../b", "..", "a\\..\\b"])
    def test_no_entry_leaves_the_folder(self, name):
        with pytest.raises(Refused):
            unpack(archive((name, b"data")))

    def test_a_name_with_nul_is_refused(self):
        with pytest.raises(Refused, match="not printed"):
            unpack(patched(b"p1.ipynb\0.png"))

    def test_a_bomb_of_one_file_is_refused_by_its_size(self):
        with pytest.raises(Refused) as refused:
            unpack(archive(("zeros", bytes(LIMITS.file_bytes + 1))))
        assert refused.value.status == 413

    def test_a_bomb_that_hides_its_size_is_refused(self):
        data = archive(("zeros", bytes(LIMITS.file_bytes * 2)))
        true, false = struct.pack("<L", LIMITS.file_bytes * 2), struct.pack("<L", 10)
        with pytest.raises(Refused):
            unpack(data.replace(true, false))

    def test_many_files_that_are_small_alone_are_refused_together(self):
        with pytest.raises(Refused, match="together"):
            unpack(archive(*((f"noise-{i}", os.urandom(1900)) for i in range(3))), SMALL)

    def test_repeated_bytes_are_refused_by_their_ratio(self):
        with pytest.raises(Refused, match="far more than its size"):
            unpack(archive(("zeros", bytes(6 * 2**20))))

    def test_an_archive_in_an_archive_is_a_file_like_any_other(self):
        inner = archive(("zeros", bytes(50_000_000)))
        assert unpack(archive(("inner.zip", inner)))["inner.zip"] == inner

    def test_overlapping_entries_are_bounded(self):
        data = bytearray(archive(("a", bytes(3 * 2**20)), ("b", b"x")))
        # Let the second entry of the directory point at the data of the first.
        at = data.rindex(b"PK\x01\x02")
        data[at + 42 : at + 46] = struct.pack("<L", 0)
        with pytest.raises(Refused):
            unpack(bytes(data))

    def test_too_many_files_are_refused_before_they_are_read(self):
        with pytest.raises(Refused, match="more than 200 files") as refused:
            unpack(archive(*((f"f{i}", b"") for i in range(401))))
        assert refused.value.status == 413

    def test_more_files_than_allowed_are_refused(self):
        with pytest.raises(Refused, match="more than 5 files"):
            unpack(archive(*((f"f{i}", b"") for i in range(6))), SMALL)

    def test_an_archive_above_the_limit_is_not_opened(self):
        with pytest.raises(Refused, match="larger than") as refused:
            unpack(b"PK" + bytes(SMALL.archive_bytes), SMALL)
        assert refused.value.status == 413

    def test_passwords_and_rare_packings_are_refused(self):
        data = bytearray(archive(("a", b"x"), compression=zipfile.ZIP_STORED))
        for start in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
            data[start] |= 1
        with pytest.raises(Refused, match="encrypted"):
            unpack(bytes(data))
        with pytest.raises(Refused, match="not read here"):
            unpack(archive(("a", b"x" * 500), compression=zipfile.ZIP_BZIP2))

    @pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 10, b"\x1f\x8b" + bytes(100)])
    def test_what_is_no_zip_is_refused(self, data):
        with pytest.raises(Refused):
            unpack(data)

    def test_an_archive_cut_short_is_refused(self):
        data = pack({"p1.ipynb": NOTEBOOK})
        for end in range(0, len(data), 7):
            with pytest.raises(Refused):
                unpack(data[:end])

    @given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(0, 255))
    @settings(deadline=None, max_examples=300)
    def test_damage_is_refused_or_harmless(self, tail, position, value):
        data = bytearray(pack({"p1.ipynb": NOTEBOOK, "data/x.csv": bytes(300)}))
        data[position % len(data)] = value
        for candidate in (bytes(data), bytes(data) + tail, tail + bytes(data)):
            try:
                files = unpack(candidate, SMALL)
            except Refused:
                continue
            assert checked_names(files) == list(files)
            assert sum(map(len, files.values())) <= SMALL.total_bytes

    @given(
        st.dictionaries(
            st.from_regex(r"[a-z]{1,8}\.txt", fullmatch=True), st.binary(max_size=500), max_size=5
        )
    )
    @settings(deadline=None)
    def test_every_honest_archive_is_read(self, files):
        assert unpack(pack(files), SMALL) == files


class TestNotebooks:
    def test_a_notebook_as_jupyter_writes_it_passes(self):
        assert notebook_problem(NOTEBOOK) == ""

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"", "not a notebook"),
            (b"{", "not a notebook"),
            (b"\xff\xfe", "not text"),
            (b'"\\ud800"', "not text"),
            (b"[]", "format 4"),
            (b'{"nbformat": 3}', "format 4"),
            (b'{"nbformat": true}', "format 4"),
            (b'{"nbformat": 4, "metadata": [], "cells": []}', "no list of cells"),
            (b'{"nbformat": 4, "metadata": {}, "cells": [1]}', "cell 1"),
            (b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code"}]}', "cell 1"),
            (b'{"nbformat": 4, "metadata": {"x": NaN}, "cells": []}', "not JSON"),
            (
                b'{"nbformat": 4, "metadata": {"x": ' + b"9" * 5000 + b'}, "cells": []}',
                "5,000 digits, at most 4,000",
            ),
            (b"[" * 100_000, "nested 100,000 deep, at most 100 levels"),
            (
                b'{"nbformat": 4, "metadata": {}, "cells": [' + b",".join([b"{}"] * 2001) + b"]}",
                "it has 2,001 cells, at most 2,000 are read",
            ),
        ],
    )
    def test_what_is_none_is_told_why(self, data, problem):
        assert problem in notebook_problem(data)

    def test_too_many_cells_have_a_remedy_of_their_own(self):
        cell = b'{"cell_type": "markdown", "metadata": {}, "source": ""}'
        data = b'{"nbformat": 4, "metadata": {}, "cells": [' + b",".join([cell] * 2001) + b"]}"
        with pytest.raises(Refused, match=r"2,001 cells.* Delete cells that you do not need, save it"):
            check_submission({"a.ipynb": data}, ["a.ipynb"])

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["nbformat", "cells", "metadata", "cell_type", "source", "outputs"]),
                    inner,
                    max_size=4,
                )
            ),
        )
    )
    @settings(deadline=None)
    def test_any_json_gets_an_answer(self, value):
        assert isinstance(notebook_problem(json.dumps(value).encode()), str)

    @given(
        st.lists(
            st.fixed_dictionaries(
                {
                    "cell_type": st.sampled_from(["code", "markdown", "raw"]),
                    "source": st.text(alphabet=st.characters(exclude_categories=["Cs"])),
                    "metadata": st.dictionaries(st.text(alphabet="abc"), st.integers()),
                }
            ),
            max_size=5,
        )
    )
    @settings(deadline=None)
    def test_every_honest_notebook_passes(self, cells):
        text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
        assert notebook_problem(text.encode()) == ""

    def test_a_missing_notebook_is_named_with_what_was_found(self):
        with pytest.raises(Refused, match=r"p1\.ipynb is missing \(notebooks found: renamed\.ipynb\)"):
            check_submission({"renamed.ipynb": NOTEBOOK}, ["p1.ipynb"])

    def test_a_broken_notebook_beside_the_good_one_is_named_and_refuses_nothing(self):
        unread = check_submission(
            {"p1.ipynb": NOTEBOOK, "more.IPYNB": b"{", "x.ipynb": NOTEBOOK}, ["p1.ipynb"]
        )
        assert list(unread) == ["more.IPYNB"]
        assert "not a notebook" in unread["more.IPYNB"]

    def test_a_second_list_of_cells_is_refused(self):
        hidden = NOTEBOOK.rstrip()[:-1] + b', "worksheets": [{"cells": []}]}'
        with pytest.raises(Refused, match="worksheets"):
            check_submission({"p1.ipynb": hidden}, ["p1.ipynb"])


class TestFolders:
    def test_files_are_read_by_relative_name(self, tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "x.csv").write_bytes(b"1")
        (tmp_path / "p1.ipynb").write_bytes(NOTEBOOK)
        assert read_folder(tmp_path) == {"data/x.csv": b"1", "p1.ipynb": NOTEBOOK}

    def test_links_are_not_followed(self, tmp_path):
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "loot").symlink_to("/etc/passwd")
        with pytest.raises(Refused, match="loot: a link"):
            read_folder(tmp_path / "folder")

    def test_a_linked_folder_is_not_entered(self, tmp_path):
        (tmp_path / "loot").symlink_to("/etc")
        with pytest.raises(Refused, match="loot: a link"):
            read_folder(tmp_path)

    def test_hard_links_are_refused(self, tmp_path):
        (tmp_path / "secret").write_text("secret")
        (tmp_path / "folder").mkdir()
        os.link(tmp_path / "secret", tmp_path / "folder" / "loot")
        with pytest.raises(Refused, match="loot: a link"):
            read_folder(tmp_path / "folder")

    @pytest.mark.timeout(60)
    def test_a_pipe_does_not_keep_us_waiting(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(Refused, match="pipe"):
            read_folder(tmp_path)

    def test_a_socket_is_refused(self, tmp_path):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "s"))
            with pytest.raises(Refused, match="s: a link, or not readable"):
                read_folder(tmp_path)

    def test_a_sparse_terabyte_is_refused_by_its_size(self, tmp_path):
        with open(tmp_path / "sparse", "wb") as file:
            file.truncate(2**40)
        with pytest.raises(Refused) as refused:
            read_folder(tmp_path)
        assert refused.value.status == 413

    def test_a_folder_of_too_many_files_is_not_listed_to_its_end(self, tmp_path):
        for i in range(500):
            (tmp_path / f"{i}").touch()
        with pytest.raises(Refused, match="more than 200 files"):
            read_folder(tmp_path)

    def test_names_that_are_one_when_composed_are_refused(self, tmp_path):
        for form in ("NFC", "NFD"):
            (tmp_path / unicodedata.normalize(form, "ä.txt")).touch()
        with pytest.raises(Refused, match="typed differently"):
            read_folder(tmp_path)
