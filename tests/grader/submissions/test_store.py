"""The store keeps what was handed in for good, and its receipts prove it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import signal
import subprocess
import sys
import threading

import pytest
from class_tree import COURSE, EXERCISE, NOTEBOOK, shift_clock
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tpc_grader.database.engine import open_database
from tpc_grader.submissions.receipt_check import check_receipt, check_receipt_with_key, summary
from tpc_grader.submissions.receipts import ReceiptError, private_key, public_pem, read_receipt, sign, verify
from tpc_grader.submissions.store import Store
from tpc_hub.cli import main

FILES = {NOTEBOOK: b"{}", "data/x.csv": b"1,2\n"}
NOON = dt.datetime(2027, 1, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def store(tree):
    return Store(tree)


def add(store: Store, files=None, student: str = "ada", version: str = "v1"):
    return store.add(COURSE, EXERCISE, student, version, files or FILES)


def test_what_was_handed_in_comes_back_byte_for_byte(store, tmp_path):
    submission = add(store)
    assert {file.name: submission.path(file).read_bytes() for file in submission.files} == FILES
    assert submission.notebook.read_bytes() == FILES[NOTEBOOK]
    submission.write_to(tmp_path / "folder")
    assert (tmp_path / "folder" / "data" / "x.csv").read_bytes() == b"1,2\n"
    assert store.get(submission.id) == submission


def test_the_newest_counts_and_nothing_is_lost(store):
    first, second = add(store), add(store, {NOTEBOOK: b"[]"})
    assert store.newest(COURSE, EXERCISE, "ada") == second
    assert store.all(COURSE, EXERCISE, "ada") == [second, first]
    other = add(store, student="bob")
    assert store.latest(COURSE, EXERCISE) == [second, other]
    assert store.of_student("bob") == [other]
    assert store.exercises() == [(COURSE, EXERCISE)]


def test_the_same_files_again_keep_their_earlier_time(store):
    first = add(store)
    assert add(store) == first
    assert add(store, version="v2") != first


def test_going_back_to_older_work_is_a_submission_of_its_own(store):
    first = add(store)
    add(store, {NOTEBOOK: b"[]"})
    third = add(store)
    assert third.id != first.id
    assert store.newest(COURSE, EXERCISE, "ada") == third


def test_a_clock_that_was_set_back_does_not_reorder_submissions(store, monkeypatch):
    shift_clock(monkeypatch, NOON)
    first = add(store)
    shift_clock(monkeypatch, NOON - dt.timedelta(hours=1))
    second = add(store, {NOTEBOOK: b"[]"})
    assert second.received_at > first.received_at == NOON


def test_blobs_are_named_by_their_hash_and_cannot_be_written(store):
    submission = add(store)
    for file in submission.files:
        path = submission.path(file)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name == file.sha256
        assert path.stat().st_mode & 0o777 == 0o400


def test_submissions_from_many_threads_are_all_kept(store):
    def hand_in(number: int) -> None:
        for i in range(5):
            add(store, {NOTEBOOK: f"[{number}, {i}]".encode()}, student=f"s{number}")

    threads = [threading.Thread(target=hand_in, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [each for n in range(8) for each in store.all(COURSE, EXERCISE, f"s{n}")]
    assert len(found) == len({each.id for each in found}) == 40
    assert all(check_receipt(store.places, each.receipt.text()) == each.receipt for each in found)


def test_a_kill_at_any_moment_leaves_only_whole_submissions(tree):
    code = (
        "import itertools, sys; from pathlib import Path; from tpc_courses.base.places import Places;"
        "from tpc_grader.submissions.store import Store; s = Store(Places(Path(sys.argv[1]), Path(sys.argv[2])));\n"
        "for i in itertools.count():\n"
        "    s.add('scaling', 'double-scaling', 'ada', 'v', {'a.ipynb': b'%d' % i}); print(i, flush=True)"
    )
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", code, tree.root, tree.state], stdout=subprocess.PIPE, text=True
        )
        for _ in range(12):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    found = Store(tree).all("scaling", "double-scaling", "ada")
    assert len(found) >= 40
    for each in found:
        check_receipt(tree, each.receipt.text())


class TestReceipts:
    def test_a_receipt_names_student_time_version_and_hashes(self, store, monkeypatch):
        shift_clock(monkeypatch, NOON)
        receipt = add(store).receipt
        assert (receipt.student, receipt.course, receipt.exercise) == ("ada", COURSE, EXERCISE)
        assert (receipt.version, receipt.received_at) == ("v1", NOON)
        hashes = {file.name: file.sha256 for file in receipt.files}
        assert hashes == {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
        assert len(receipt.code) == 9
        assert "ada handed in data/x.csv, double-scaling.ipynb" in summary(receipt)

    def test_the_file_that_a_student_keeps_verifies_later(self, store):
        receipt = add(store).receipt
        assert check_receipt(store.places, receipt.text()) == receipt

    @given(
        st.sampled_from(["submission", "course", "exercise", "version", "student", "sha256"]),
        st.text(max_size=20),
    )
    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_no_field_can_be_changed(self, store, field, value):
        receipt = add(store).receipt
        changed = json.loads(receipt.text()) | {field: value}
        if changed[field] == getattr(receipt, field):
            return
        with pytest.raises(ReceiptError):
            check_receipt(store.places, json.dumps(changed))

    def test_an_earlier_time_does_not_verify(self, store):
        receipt = add(store).receipt
        earlier = receipt.model_copy(update={"received_at": receipt.received_at - dt.timedelta(days=1)})
        with pytest.raises(ReceiptError, match="signature does not hold"):
            check_receipt(store.places, earlier.text())

    def test_another_file_does_not_verify(self, store):
        receipt = add(store).receipt
        files = (receipt.files[0].model_copy(update={"sha256": "0" * 64}), *receipt.files[1:])
        with pytest.raises(ReceiptError, match="signature does not hold"):
            check_receipt(store.places, receipt.model_copy(update={"files": files}).text())

    def test_another_campus_key_does_not_verify(self, store):
        forged = sign(add(store).receipt, Ed25519PrivateKey.generate())
        with pytest.raises(ReceiptError, match="another campus signed it"):
            check_receipt(store.places, forged.text())

    def test_a_list_of_files_that_does_not_match_its_hash_does_not_verify(self, store):
        key = private_key(store.places)
        odd = sign(add(store).receipt.model_copy(update={"sha256": "0" * 64}), key)
        with pytest.raises(ReceiptError, match="does not belong to the listed files"):
            verify(odd, key.public_key())

    def test_lost_files_and_lost_rows_are_told(self, store):
        submission = add(store)
        submission.path(submission.files[0]).unlink()
        with pytest.raises(ReceiptError, match=r"lost these files: data/x\.csv"):
            check_receipt(store.places, submission.receipt.text())
        with open_database(store.places.database_url).begin() as connection:
            connection.execute(text("delete from submission"))
        with pytest.raises(ReceiptError, match="no such submission"):
            check_receipt(store.places, submission.receipt.text())

    @pytest.mark.parametrize(
        "data", ["", "{}", "[]", "null", "{" * 1000, "\0", "x" * 300_000, '{"kind": "other"}']
    )
    def test_what_is_no_receipt_is_told_so(self, store, data):
        with pytest.raises(ReceiptError):
            check_receipt(store.places, data)

    @given(st.text(max_size=200) | st.binary(max_size=200))
    def test_any_text_gets_an_answer(self, data):
        with pytest.raises(ReceiptError):
            read_receipt(data)

    def test_the_public_key_is_enough_elsewhere(self, store, tmp_path):
        (tmp_path / "key.pem").write_text(public_pem(store.places))
        receipt = add(store).receipt
        assert check_receipt_with_key(tmp_path / "key.pem", receipt.text()) == receipt
        (tmp_path / "key.pem").write_text("no key")
        with pytest.raises(ReceiptError, match="no PEM public key"):
            check_receipt_with_key(tmp_path / "key.pem", receipt.text())

    def test_the_signing_key_is_private_and_stays(self, store):
        add(store)
        path = store.places.intake / "receipt-key.pem"
        assert path.stat().st_mode & 0o777 == 0o600
        assert public_pem(store.places) == public_pem(store.places)

    def test_the_command_says_what_a_receipt_proves(self, store, tmp_path, monkeypatch):
        monkeypatch.setenv("CAMPUS_ROOT", str(store.places.root))
        monkeypatch.setenv("CAMPUS_STATE", str(store.places.state))
        file, key = tmp_path / "receipt.json", tmp_path / "key.pem"
        file.write_text(add(store).receipt.text())
        run = CliRunner().invoke
        assert "The receipt holds. ada handed in" in run(main, ["receipt", "verify", str(file)]).output
        key.write_text(run(main, ["receipt", "key"]).output)
        assert "holds" in run(main, ["receipt", "verify", str(file), "--key", str(key)]).output
        file.write_text(file.read_text().replace('"ada"', '"eve"'))
        refused = run(main, ["receipt", "verify", str(file)])
        assert refused.exit_code == 1
        assert "signature does not hold" in refused.output
