"""Licence texts are read in place, and a slim machine still has a corpus."""

from pathlib import Path

import pytest
from tpc_lab import licences


def test_copyright_files_are_read_in_name_order_and_cut(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "copyright").write_text(name * 50)
    texts = licences.read_licences(tmp_path, fewest=1, longest=10)
    assert [(t.package, t.origin, t.text) for t in texts] == [
        ("a", "debian", "a" * 10),
        ("b", "debian", "b" * 10),
    ]


def test_a_slim_machine_falls_back_to_python_packages(tmp_path: Path) -> None:
    texts = licences.read_licences(tmp_path / "none")
    assert {t.origin for t in texts} == {"python"}
    assert len(texts) > 20


def test_bytes_that_are_no_utf8_do_not_stop_the_lesson(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "copyright").write_bytes(b"Andr\xe9")
    assert licences.read_licences(tmp_path, fewest=1)[0].text.startswith("Andr")


def test_no_text_at_all_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences, "distributions", lambda: [])
    with pytest.raises(FileNotFoundError, match="copyright"):
        licences.read_licences(tmp_path)
