"""The corpus is whole, scrubbed, repeatable, and says what is missing."""

import doctest
import json
from functools import partial
from pathlib import Path

import pytest
from campus_tree import REPOSITORY
from click.testing import CliRunner
from tpc_hub.cli import main
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
    with pytest.raises(RuntimeError, match="other packages") as caught:
        corpus.harvest(tmp_path, {"numpy": ("numpy", "0.1"), "no-such-dist-x": ("nope", "2.0")})
    message = str(caught.value)
    assert "pip install numpy==0.1" in message
    assert "no-such-dist-x: expected 2.0, found nothing" in message
    assert not list(tmp_path.iterdir())


def test_the_command_harvests_and_lessons_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPUS_ROOT", str(REPOSITORY))
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    monkeypatch.delenv("CAMPUS_CORPUS", raising=False)
    # All eight packages take a minute of one core; one shows the same.
    monkeypatch.setattr(corpus, "harvest", partial(corpus.harvest, packages=ONE))
    done = CliRunner().invoke(main, ["build", "corpus"])
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "corpus") in done.output
    assert (
        sum(1 for _ in corpus.load())
        == json.loads((tmp_path / "corpus" / "corpus.json").read_text())["documents"]
    )


def test_the_command_says_which_package_is_missing_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMPUS_ROOT", str(REPOSITORY))
    monkeypatch.setenv("CAMPUS_STATE", str(tmp_path))
    monkeypatch.setattr(corpus, "harvest", partial(corpus.harvest, packages={"numpy": ("numpy", "0.1")}))
    done = CliRunner().invoke(main, ["build", "corpus"])
    assert done.exit_code == 1
    assert "pip install numpy==0.1" in done.output
    assert "Traceback" not in done.output


def test_running_text_holds_every_document_over_the_alphabet(folder: Path) -> None:
    train, held_out = (corpus.running_text(split, folder) for split in ("train", "validation"))
    assert set(train) <= set(corpus.ALPHABET)
    texts = [d.text for d in corpus.load(folder)]
    assert train.count("\0") + held_out.count("\0") == len(texts)
    assert sorted((train + held_out).split("\0")[:-1]) == sorted(texts)


def test_unprintable_characters_are_scrubbed() -> None:
    assert corpus.scrub("a\rb\x00c\x07\td\n") == "a?b?c??d\n"
    assert len(set(corpus.ALPHABET)) == 97


def test_missing_corpus_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPUS_CORPUS", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="campus build corpus"):
        corpus.load()


@pytest.mark.parametrize("about", ['{"sha', "{}"])
def test_a_corpus_without_its_hash_is_refused(folder: Path, tmp_path: Path, about: str) -> None:
    (tmp_path / "corpus.jsonl.gz").write_bytes((folder / "corpus.jsonl.gz").read_bytes())
    (tmp_path / "corpus.json").write_text(about)
    with pytest.raises(
        ValueError, match=r"does not match its hash\. Build it again with: campus build corpus"
    ):
        corpus.load(tmp_path)


def test_a_package_that_lies_twice_in_one_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1.0", "2.0"):
        (tmp_path / f"twice-{version}.dist-info").mkdir()
        (tmp_path / f"twice-{version}.dist-info" / "METADATA").write_text(
            f"Name: twice\nVersion: {version}\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        RuntimeError, match=r"found 1.0 and 2.0. Run: pip install --force-reinstall twice==2.0"
    ):
        corpus.harvest(tmp_path / "corpus", {"twice": ("twice", "2.0")})


def test_altered_corpus_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl.gz").write_bytes((folder / "corpus.jsonl.gz").read_bytes() + b"x")
    (tmp_path / "corpus.json").write_text((folder / "corpus.json").read_text())
    assert json.loads((folder / "corpus.json").read_text())["documents"] > 0
    with pytest.raises(ValueError, match="does not match its hash"):
        corpus.load(tmp_path)
