"""The command line: help for every command, and a sentence with a remedy for every wrong input."""

from __future__ import annotations

import fcntl
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from tpc_courses.base.places import Places
from tpc_hub.cli import main
from tpc_hub.cli.sentences import sentence
from tpc_hub.deploy import machine
from tpc_hub.settings.profile import Settings


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


ALL = list(commands(main))


@pytest.fixture
def campus(tree: Places, monkeypatch: pytest.MonkeyPatch):
    """Run a command on a small campus, as a shell would."""
    monkeypatch.setenv("CAMPUS_ROOT", str(tree.root))
    monkeypatch.setenv("CAMPUS_STATE", str(tree.state))
    monkeypatch.chdir(tree.root)
    for name in ("CAMPUS_DB", "CAMPUS_PROFILE", "CAMPUS_TRUST_EVERYONE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return run


@pytest.mark.parametrize("path", ALL, ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_of_every_command_ends_well(campus, path, option):
    result = campus(*path, option)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage:")
    assert result.stderr == ""


@pytest.mark.parametrize("path", [path for path in ALL if path], ids=" ".join)
def test_an_unknown_option_of_every_command_is_refused(campus, path):
    refused(campus(*path, "--no-such-option"), "No such option")


def refused(result: Result, *parts: str) -> None:
    """Look at a refusal: exit code 1, the words, no traceback, nothing done."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    for part in parts:
        assert part in result.output, result.output


# Of each command what it can be given wrongly: arguments, and what the sentence must name.
WRONG: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("grade", "nope", "double-scaling"), ("There is no course 'nope'", "scaling")),
    (("grade", "scaling", "nope"), ("has no exercise 'nope'", "double-scaling")),
    (("regrade", "nope", "double-scaling"), ("There is no course 'nope'", "scaling")),
    (("regrade", "scaling", "nope"), ("has no exercise 'nope'", "double-scaling")),
    (("feedback", "nope", "double-scaling"), ("There is no course 'nope'", "scaling")),
    (("feedback", "scaling", "nope"), ("has no exercise 'nope'", "double-scaling")),
    (
        ("extend", "nope", "double-scaling", "ada", "--until", "2027-02-05T18:00"),
        ("There is no course 'nope'",),
    ),
    (("extend", "scaling", "nope", "ada", "--until", "2027-02-05T18:00"), ("has no exercise 'nope'",)),
    (("audit", "--course", "nope"), ("There is no course 'nope'", "scaling")),
    (("audit", "--exercise", "nope"), ("There is no exercise 'nope'", "double-scaling")),
    (("audit", "--limit", "-1"), ("-1",)),
    (
        ("extend", "scaling", "double-scaling", "nobody", "--until", "2027-02-05T18:00"),
        ("has no student 'nobody'", "class page"),
    ),
    (("extend", "scaling", "double-scaling", "ada"), ("--until",)),
    (("extend", "scaling", "double-scaling", "ada", "--until", "soon"), ("'soon'", "like 2027-02-05T18:00")),
    (("user", "add", " "), ("needs a sign-in name",)),
    (("user", "add", "x" * 300), ("longer than 255",)),
    (("user", "add", "cy", "--teaches", "nope"), ("There is no course 'nope'",)),
    (("user", "password", "nobody"), ("no person called nobody", "campus user add nobody")),
    (("user", "password", ""), ("no person called",)),
    (("user", "leave", "nobody", "scaling"), ("no person called nobody",)),
    (("user", "leave", "ada", "data"), ("ada is not in data",)),
    (("user", "leave", "ada", "nope"), ("There is no course 'nope'",)),
    (("user", "demote", "ada", "scaling"), ("ada does not teach scaling",)),
    (("user", "move", "ada", "scaling", "scaling"), ("ada is in scaling already",)),
    (("user", "move", "ada", "data", "scaling"), ("ada is student of scaling already",)),
    (("user", "rename", "ada"), ("--shown or --sign-in",)),
    (("user", "rename", "ada", "--sign-in", "12 x"), ("cannot be a user name",)),
    (("user", "reset-link", "nobody"), ("no person called nobody",)),
    (("user", "export", "nobody"), ("no person called nobody",)),
    (("user", "export", "ada", "nowhere/ada.zip"), ("nowhere/ada.zip", "Check the path")),
    (("user", "erase", "nobody"), ("no person called nobody",)),
    (("user", "erase", "ada", "--confirm", "bob"), ("The name is ada", "Nothing was erased")),
    (("roster", "import", "nope", "class.csv"), ("There is no course 'nope'",)),
    (("roster", "import", "scaling", "none.csv"), ("none.csv", "Check the path")),
    (("roster", "import", "scaling", "courses"), ("courses", "Name a file")),
    (("receipt", "verify", "none.json"), ("none.json", "Check the path")),
    (("receipt", "verify", "pyproject.toml"), ("pyproject.toml",)),
    (("build", "nope"), ("'nope'", "book")),
    (("try", "nope"), ("There is no exercise 'nope'", "double-scaling")),
    (("up", "--profile", "nope"), ("hub/profiles/nope.toml", "local")),
    (("doctor", "--profile", "nope"), ("hub/profiles/nope.toml", "local")),
    (("worker", "--jobs", "0"), ("0",)),
    (("experiment", "scaling-grid", "--sizes", "17"), ("[17]", "use one of")),
    (("bench", "grading", "--students", "x"), ("'x'",)),
    (("bench", "grading", "--exercise", "nope", "--students", "1"), ("nope",)),
    (("book", "zip"), ("FILE",)),
    (("book", "epub"), ("FOLDER",)),
    (("nope",), ("No such command",)),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda each: " ".join(each)[:60])
def test_wrong_input_is_refused_in_a_sentence(campus, tree, arguments, words):
    campus("user", "add", "ada", "--attends", "scaling")
    refused(campus(*arguments), *words)


def test_every_command_with_an_argument_has_a_wrong_one_in_the_table():
    takes = {
        path for path in ALL if path and any(isinstance(each, click.Argument) for each in leaf(path).params)
    }
    tried = {path for path in takes if any(arguments[: len(path)] == path for arguments, _ in WRONG)}
    assert takes - tried == {("book", "pdf")}, "book pdf takes any folder that can be made"


def leaf(path: tuple[str, ...]) -> click.Command:
    found: click.Command = main
    for name in path:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    return found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"login,role\nada,boss\n", ("class.csv: line 2", "'boss'", "Nobody was enrolled")),
        (b"login\n\xff\xfeada\n", ("line 2", "UTF-8")),
        (b"", ("line 1", "empty")),
        (b"\x00\x01\x02", ("line 1",)),
    ],
)
def test_a_malformed_roster_is_refused_in_a_sentence(campus, tree, content, words):
    (tree.root / "class.csv").write_bytes(content)
    refused(campus("roster", "import", "scaling", "class.csv"), *words)


def test_a_roster_shows_what_it_would_change_before_it_does(campus, tree):
    (tree.root / "class.csv").write_text("login,section\nada,A\n")
    shown = campus("roster", "import", "scaling", "class.csv")
    assert "ada (ada): joins as student" in shown.output
    assert "Left alone: 'section'" in shown.output
    assert "nothing was written, run again with --apply" in shown.output
    written = campus("roster", "import", "scaling", "class.csv", "--apply")
    assert "1 person in the file, 1 change in scaling\n" in written.output
    again = campus("roster", "import", "scaling", "class.csv")
    assert "1 person in the file, 0 changes in scaling\n" in again.output


@pytest.mark.parametrize("path", [("user", "add", "ada"), ("audit",), ("grade", "scaling", "double-scaling")])
def test_a_state_folder_that_cannot_be_made_is_named(campus, tree, path, monkeypatch):
    in_the_way = tree.root / "file"
    in_the_way.write_text("")
    monkeypatch.setenv("CAMPUS_STATE", str(in_the_way / "state"))
    refused(campus(*path), str(in_the_way))


@pytest.mark.parametrize("url", ["nonsense", "postgresql+psycopg://nobody@127.0.0.1:1/none", "oracle://x"])
def test_a_database_that_cannot_be_used_is_named(campus, url, monkeypatch):
    monkeypatch.setenv("CAMPUS_DB", url)
    refused(campus("user", "add", "ada"), "CAMPUS_DB")


def test_a_password_in_the_databases_address_is_not_shown(campus, monkeypatch):
    monkeypatch.setenv("CAMPUS_DB", "postgresql+psycopg://me:secret-word@127.0.0.1:1/none")
    result = campus("user", "add", "ada")
    refused(result, "CAMPUS_DB")
    assert "secret-word" not in result.output


def test_a_broken_manifest_is_a_problem_with_its_place(campus, tree):
    (tree.courses / "scaling.yml").write_text("id: [", "utf-8")
    refused(campus("grade", "scaling", "double-scaling"), "courses/scaling.yml")


def test_outside_a_checkout_the_remedy_is_told(campus, tmp_path, monkeypatch):
    monkeypatch.delenv("CAMPUS_ROOT")
    monkeypatch.chdir(tmp_path)
    refused(campus("check"), "CAMPUS_ROOT")


def test_a_fault_of_ours_leaves_its_traceback_in_a_file(tree):
    try:
        raise ValueError("not foreseen")
    except ValueError as e:
        told = sentence(e, tree)
    assert "ValueError: not foreseen" in told
    assert str(tree.logs / "command.log") in told
    assert "Traceback" in (tree.logs / "command.log").read_text()


def test_a_fault_of_ours_is_told_where_nothing_can_be_written(tree):
    tree.state.write_text("in the way")
    try:
        raise ValueError("not foreseen")
    except ValueError as e:
        told = sentence(e, tree)
    assert Path(__file__).name in told


# What the doctor finds before a start does


def problems(tree: Places, **changes: object) -> str:
    return "\n".join(str(problem) for problem in machine.problems(tree, Settings.model_validate(changes)))


def test_a_secret_that_is_missing_or_empty_is_found_before_the_start(tree, tmp_path):
    secret = tmp_path / "secret"
    sign_in = {"method": "oidc", "secret_file": secret}
    assert f"sign_in: secret_file: no file {secret}" in problems(tree, sign_in=sign_in)
    secret.write_text("\n")
    assert "is empty" in problems(tree, sign_in=sign_in)
    secret.write_text("kept")
    assert "secret_file" not in problems(tree, sign_in=sign_in)


def test_an_option_that_the_sign_in_does_not_know_is_found_before_the_start(tree):
    sign_in = {"method": "oidc", "options": {"client_idd": "x", "allow_all": True}}
    found = problems(tree, sign_in=sign_in)
    assert "options.client_idd: oidc has no such option. Did you mean client_id" in found
    assert "allow_all" not in found


def test_a_database_that_does_not_answer_is_found_before_the_start(tree, monkeypatch):
    monkeypatch.setenv("CAMPUS_DB", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert "database: CAMPUS_DB: cannot be used" in problems(tree)


def test_a_running_campus_is_no_fault_of_its_own_ports(tree):
    tree.state.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken, open(tree.state / "lock", "w") as lock:
        port = taken.getsockname()[1]
        assert f"port {port}" in problems(tree, port=port)
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("http://hub.localhost:8000, process 1\n")
        lock.flush()
        assert "port" not in problems(tree, port=port)
        assert (
            dict(machine.facts(tree, Settings(port=port)))["running"]
            == "http://hub.localhost:8000, process 1"
        )
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert f"port {port}" in problems(tree, port=port)


# What is not installed


@pytest.mark.parametrize("missing", ["jupyterhub", "nbgrader", "click"])
@pytest.mark.parametrize("command", ["", "campus"])
def test_an_extra_that_is_missing_is_named(missing, command):
    code = f"import sys; sys.argv[0] = {command!r}; sys.modules[{missing!r}] = None; import tpc_hub"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 1
    assert "pip install 'tpc-campus[hub]'" in answer.stderr
    assert missing in answer.stderr
    assert ("Traceback" in answer.stderr) == (command != "campus")
