"""The corpus is whole, scrubbed, repeatable, and says what is missing."""

import doctest
import json
from pathlib import Path

import pytest
from tpc_lab import corpus

ONE = {"networkx": corpus.PACKAGES["networkx"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("corpus")
    corpus.harvest(place, ONE)
    return place


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(corpus).failed == 0


def test_documents_are_distinct_long_ascii_and_without_addresses(folder: Path) -> None:
    documents = list(corpus.load(folder))
    assert len(documents) > 500
    assert len({d.text for d in documents}) == len(documents) == len({d.id for d in documents})
    assert all(d.text.isascii() for d in documents)
    assert not any(corpus.scrub(d.text) != d.text for d in documents)
    assert {(d.package, d.version) for d in documents} == {("networkx", ONE["networkx"][1])}


def test_one_document_in_about_fifty_is_held_out(folder: Path) -> None:
    held = [d.split == "validation" for d in corpus.load(folder)]
    assert 0.005 < sum(held) / len(held) < 0.05


def test_second_harvest_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    assert corpus.harvest(tmp_path, ONE).read_bytes() == (folder / "corpus.jsonl.gz").read_bytes()


def test_missing_and_other_versions_are_all_named_with_their_install_lines(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="other packages") as caught:
        corpus.harvest(tmp_path, {"numpy": ("numpy", "0.1"), "no-such-dist-x": ("nope", "2.0")})
    message = str(caught.value)
    assert "pip install numpy==0.1" in message
    assert "no-such-dist-x: expected 2.0, found nothing" in message
    assert not list(tmp_path.iterdir())


def test_missing_corpus_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPUS_CORPUS", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="campus build corpus"):
        corpus.load()


def test_altered_corpus_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl.gz").write_bytes((folder / "corpus.jsonl.gz").read_bytes() + b"x")
    (tmp_path / "corpus.json").write_text((folder / "corpus.json").read_text())
    assert json.loads((folder / "corpus.json").read_text())["documents"] > 0
    with pytest.raises(ValueError, match="does not match its hash"):
        corpus.load(tmp_path)
