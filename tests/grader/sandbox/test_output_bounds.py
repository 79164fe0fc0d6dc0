"""What a sandbox says is read, and its outputs are cleaned, within bounds that are counted before the work is done."""

from __future__ import annotations

import base64
import json
import socket

import pytest
from test_sandbox import HONEST, answered, school, simple, text  # noqa: F401
from tpc_grader.grading.submission import grade_files
from tpc_grader.sandbox import outputs
from tpc_grader.sandbox.bundle import Bundle, Step
from tpc_grader.sandbox.limits import Limits
from tpc_grader.sandbox.outputs import MAX_HTML_CHARACTERS, MAX_TAGS, Cleaner
from tpc_grader.sandbox.run import run
from tpc_grader.scoring.differences import found_difference
from tpc_grader.values import wire
from tpc_grader.values.artefacts import checked_artefact
from tpc_grader.values.bounded_json import Bounds, TooMuch
from tpc_grader.values.values import MAX_DEPTH, NotPlain, encode
from tpc_grader.values.wire import Closed, Garbage, Wire

LIMITS = Limits(
    output_cell_bytes=2000, output_total_bytes=5000, outputs_per_cell=10, outputs=25, html_tags=40
)
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(3000)).decode()


def shown(**data: str) -> dict[str, object]:
    return {"output_type": "display_data", "data": {f"text/{kind}": body for kind, body in data.items()}}


def printed(body: object) -> dict[str, object]:
    return {"output_type": "stream", "name": "stdout", "text": body}


# What a process that runs a student's code may send as the outputs of one cell.
FLOODS = {
    "one long text": [printed("x" * 10**6)],
    "many texts": [printed("x" * 1000)] * 10**4,
    "many empty texts": [printed("")] * 10**5,
    "characters that hide": [printed("\u202e" * 60_000)],
    "many tags": [shown(html="<div>" * 50)] * 50,
    "deep tags": [shown(html="<div>" * 10_000)],
    "attributes": [shown(html="<a " + " ".join(f"a{n}" for n in range(10**5)) + ">")],
    "many types": [{"output_type": "display_data", "data": {f"text/x-{n}": "x" for n in range(10**5)}}],
    "many names": [
        {"output_type": "display_data", "data": {"text/plain": "x", **{str(n): "" for n in range(10**5)}}}
    ],
    "pictures": [{"output_type": "display_data", "data": {"image/png": PNG * 50}}] * 10,
    "lines of an error": [{"output_type": "error", "ename": "E" * 10**5, "traceback": ["x" * 100] * 10**5}],
    "no texts": [printed([["x"] * 1000] * 100), {"output_type": "error", "ename": {"x": "y" * 10**6}}],
    "no outputs": ["x" * 10**6] * 100,
    "no list": {"x" * 10**6: 1},
}


@pytest.mark.parametrize("name", FLOODS)
def test_no_more_is_cleaned_than_may_be_shown(name, monkeypatch):
    cleaned = {"text": 0, "tags": 0}

    def counted(kind, count, clean):
        def clean_it(body):
            cleaned[kind] += count(body)
            return clean(body)

        return clean_it

    monkeypatch.setattr(outputs, "clean_text", counted("text", len, outputs.clean_text))
    monkeypatch.setattr(
        outputs.nh3, "clean", counted("tags", lambda body: body.count("<"), outputs.nh3.clean)
    )
    cleaner = Cleaner(LIMITS)
    kept = [each for _ in range(50) for each in cleaner.clean(FLOODS[name])]
    # Each cell may bring one output that turns out too long only when it is cleaned.
    assert cleaned["text"] <= LIMITS.output_total_bytes + 2**16 + 50 * (LIMITS.output_cell_bytes + 2**16)
    assert cleaned["tags"] <= LIMITS.html_tags
    assert len(kept) <= LIMITS.outputs
    assert len(json.dumps(kept)) <= 2 * (LIMITS.output_total_bytes + 2**16) + 1000 * len(kept)


def test_what_is_shown_of_honest_outputs_is_what_they_are():
    table = "<table>" + "<tr><td>1</td><td>2</td></tr>" * 600 + "</table>"
    assert table.count("<") <= MAX_TAGS
    assert len(table) <= MAX_HTML_CHARACTERS
    given = [shown(html=table, plain="a table"), printed("1 < 2\n"), shown(markdown="$a<b$", latex="$a<b$")]
    kept = Cleaner(Limits()).clean(given)
    assert kept[0]["data"]["text/html"].count("<td>1</td>") == 600
    assert kept[1]["text"] == "1 < 2\n"
    assert kept[2]["data"] == given[2]["data"]
    large = Cleaner(Limits()).clean([shown(html=table * 5, plain="a table")])
    assert large[0]["data"] == {"text/plain": "a table"}


def conversation() -> tuple[Wire, socket.socket]:
    ours, theirs = socket.socketpair()
    return Wire(ours), theirs


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 300 + b"]" * 300,
        b'{"x":' * 300 + b"0" + b"}" * 300,
        b'{"outputs": [' + b"[]," * 30 + b"[]]}",
        b'{"x": ' + b"1" * 500 + b"}",
        b"x" * 1500,
    ],
)
def test_a_message_beyond_the_bounds_is_not_parsed(line, monkeypatch):
    monkeypatch.setattr(wire, "BOUNDS", Bounds(bytes=1400, values=50, depth=250, digits=400))
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    ours, theirs = conversation()
    with theirs:
        theirs.sendall(line + b"\n")
        with pytest.raises(Garbage):
            ours.receive()
    ours.end.close()


def test_a_message_that_is_too_large_is_not_sent_and_the_next_one_arrives(monkeypatch):
    monkeypatch.setattr(wire, "BOUNDS", Bounds(bytes=100))
    ours, theirs = conversation()
    with ours.end, theirs:
        with pytest.raises(TooMuch):
            ours.send({"x": "y" * 100})
        ours.send({"x": 1})
        assert Wire(theirs).receive() == {"x": 1}


def test_a_message_in_single_bytes_is_searched_once(monkeypatch):
    class Counting(bytearray):
        searched = 0

        def find(self, what, start=0):
            Counting.searched += len(self) - start
            return super().find(what, start)

    ours, theirs = conversation()
    ours._read = Counting()
    pieces = iter([b"x"] * 3000)
    monkeypatch.setattr(ours, "_more", lambda _: next(pieces, b"") or (_ for _ in ()).throw(Closed("end")))
    with ours.end, theirs, pytest.raises(Closed):
        ours.receive()
    assert Counting.searched <= 3001


def test_every_plain_value_that_may_pass_is_within_the_bounds_of_a_message():
    for nested in (lambda value: [value], lambda value: (value,), lambda value: {"k": value}):
        value: object = 0
        for _ in range(MAX_DEPTH):
            value = nested(value)
        wire.check_json(json.dumps({"value": encode(value)}).encode(), wire.BOUNDS)
        with pytest.raises(NotPlain):
            encode(nested(value))


@pytest.mark.parametrize("answer", ["[0.5] * 400_000", "[[1] * 1000] * 1500"])
def test_an_answer_that_is_too_large_to_pass_fails_its_test_and_is_no_attack(simple, answer):  # noqa: F811
    code = f"def double(x): return {answer}"
    graded = grade_files(simple, text(answered(simple, double=code)), {})
    assert (graded.outcome, graded.points) == ("graded", 0.0)


def test_a_runner_that_floods_is_ended_and_its_outputs_are_gone():
    flood = (
        "import os, gc\n"
        "wire = next(each for each in gc.get_objects() if type(each).__name__ == 'Wire')\n"
        "wire.end.sendall(b'{\"x\": [' + b'[],' * 700_000 + b'[]]}\\n')"
    )
    result = run(Bundle((Step("code", 0, "print(1)"), Step("code", 1, flood)), plots=True, limits=Limits()))
    assert result.ended == "tampered"
    assert [len(each.outputs) for each in result.steps] == [1, 0]


def test_outputs_of_a_run_with_hidden_tests_are_not_kept():
    result = run(Bundle((Step("code", 0, "print(1)"),), limits=Limits()))
    assert (result.steps[0].state, result.steps[0].outputs) == ("passed", [])


@pytest.mark.parametrize(
    "data", [b"[" * 200 + b"]" * 200, b"[" + b"[]," * 300_000 + b"[]]", b"[" + b"9" * 4001 + b"]"]
)
def test_an_artefact_of_too_much_json_is_none(data):
    assert checked_artefact("a.json", base64.b64encode(data).decode()) is None
    assert checked_artefact("a.json", base64.b64encode(b"[NaN, 1e999]").decode()) == b"[NaN, 1e999]"


@pytest.mark.parametrize(
    "told", ["[" * 10**5, '{"expected": ' + "[" * 50 + "]" * 50 + ', "got": "x"}', "{}" * 10**5]
)
def test_a_difference_of_too_much_json_is_none(told):
    assert found_difference([printed(f"tpc-difference {told}\n")]) is None
    honest = json.dumps({"expected": "\U0001f600" * 400, "got": "\x00" * 400})
    assert found_difference([printed(f"tpc-difference {honest}\n")]) == json.loads(honest)
