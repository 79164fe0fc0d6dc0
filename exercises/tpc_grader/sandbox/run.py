"""Runs a bundle: the student's code in one confined process, oracle tests in another, and neither believed.

`run(bundle) -> result` is the interface of every backend. This process decides what happens when: it sends one
cell at a time, so code cannot look ahead; it holds the clock; it accepts one answer to each question.
"""

from __future__ import annotations

import base64
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from tpc_grader.oracle.prepared import packed
from tpc_grader.results.results import InfrastructureFault
from tpc_grader.sandbox.backends import Backend, Role, chosen, start
from tpc_grader.sandbox.bundle import Bundle, Result, Step, StepResult
from tpc_grader.sandbox.limits import Limits
from tpc_grader.sandbox.outputs import Cleaner, as_text, clean_text, visible
from tpc_grader.values.artefacts import checked_artefact
from tpc_grader.values.wire import Closed, Garbage, Late, Wire

# Between asking a cell to stop and killing the job; and for a job to start.
GRACE_SECONDS = 2.0
START_SECONDS = 60.0
END_SECONDS = 10.0
LAST_CHARACTERS = 2000
Why = Literal["timeout", "oom", "crashed", "tampered", "quota"]
_FILE_TOO_LARGE, _CPU_USED_UP = 25, 24


class Ended(Exception):
    """The student's job is over before its time."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why: Why = why


def run(
    bundle: Bundle,
    backend: Backend | None = None,
    passed: Callable[[StepResult], bool] = lambda found: found.state == "passed",
) -> Result:
    """Run a bundle; raises InfrastructureFault when it is not the code's fault that it cannot run.

    `passed` says of a cell of tests whether steps that depend on its failure are unneeded.
    """
    return _Run(bundle, backend or chosen(), passed).result()


class Job:
    """A confined process that answers questions."""

    def __init__(self, backend: Backend, role: Role, limits: Limits) -> None:
        self.started = start(backend, role, limits)
        self.wire = Wire(self.started.end)
        self.asked = ""

    def ask(self, deadline: float, **request: Any) -> dict[str, Any]:
        """Ask and wait for the answer; raises Late and Ended."""
        self.send(deadline, **request)
        return self.receive(deadline)

    def send(self, deadline: float, **request: Any) -> None:
        """Ask; raises Ended when somebody answered before being asked."""
        if self.wire.has_more():
            self._look_at_early_answer()
        self.asked = secrets.token_hex(8)
        self._send({"id": self.asked, **request}, deadline)

    def receive(self, deadline: float) -> dict[str, Any]:
        """Return the answer, or what the job asks in turn."""
        try:
            message = self.wire.receive(deadline)
        except (Garbage, Closed) as e:
            raise self._ended(e) from e
        if "ask" not in message and message.get("id") != self.asked:
            raise Ended("tampered", "an answer to a question that nobody asked")
        return message

    def reply(self, answer: dict[str, Any], deadline: float) -> None:
        """Answer what the job asked in turn; raises Late and Ended."""
        self._send(answer, deadline)

    def interrupt(self) -> None:
        """Ask what runs there to stop."""
        self.started.process.interrupt()

    def close(self) -> None:
        """End it."""
        self.started.process.end()
        self.started.process.wait(END_SECONDS)
        self.started.end.close()
        os.close(self.started.complaints)

    def _look_at_early_answer(self) -> None:
        try:
            self.wire.receive(time.monotonic() + GRACE_SECONDS)
        except (Garbage, Closed) as e:
            raise self._ended(e) from e
        raise Ended("tampered", "an answer before a question")

    def _send(self, message: dict[str, Any], deadline: float) -> None:
        try:
            self.wire.send(message, deadline)
        except (Garbage, Closed) as e:
            raise self._ended(e) from e

    def _ended(self, fault: Garbage | Closed) -> Ended:
        """Return what a conversation that failed says of the job; raises InfrastructureFault."""
        if isinstance(fault, Garbage):
            return Ended("tampered", f"an answer that is none: {fault}")
        return self._ending()

    def _ending(self) -> Ended:
        """Return why the job hung up; raises InfrastructureFault when it could not be built."""
        ending = self.started.process.wait(GRACE_SECONDS)
        if ending.kind in ("failed", "lost"):
            raise InfrastructureFault(f"The sandbox {ending.kind}: {self._complaint()}")
        if ending.kind == "oom":
            return Ended("oom", "the kernel ended a process that used more memory than allowed")
        if ending.kind == "signalled" and ending.code in (_FILE_TOO_LARGE, _CPU_USED_UP):
            too_large = ending.code == _FILE_TOO_LARGE
            return Ended("quota" if too_large else "timeout", f"ended by signal {ending.code}")
        last_words = self._last_words()
        said = f". It last said:\n{last_words}" if last_words else ""
        return Ended("crashed", f"the process {ending.kind} (code {ending.code}){said}")

    def _complaint(self) -> str:
        lines = self._last_words().splitlines()
        return lines[-1][:300] if lines else "it gave no reason"

    def _last_words(self) -> str:
        """Return the end of what the job wrote to its standard error, as it may be shown to an instructor."""
        size = os.fstat(self.started.complaints).st_size
        end = os.pread(self.started.complaints, 2**14, max(0, size - 2**14)).decode(errors="replace")
        # Python ends a fatal error with a list of all that it had loaded.
        lines = [line for line in end.splitlines() if not line.startswith("Extension modules:")]
        return clean_text("\n".join(lines).strip()[-LAST_CHARACTERS:])


class _Run:
    """One run of a bundle."""

    def __init__(self, bundle: Bundle, backend: Backend, passed: Callable[[StepResult], bool]) -> None:
        self.bundle, self.backend, self.limits, self.passed = bundle, backend, bundle.limits, passed
        self.began = time.monotonic()
        self.student: Job | None = None
        self.oracle: Job | None = None
        self.cleaner = Cleaner(bundle.limits)
        self.troubles = set[str]()
        self.late = False

    def result(self) -> Result:
        """Run all steps until the end, of the bundle or of the job."""
        done, why, detail = list[StepResult](), "", ""
        try:
            self._begin()
            for step in self.bundle.steps:
                needed = not step.unless or any(
                    each.step.cell in step.unless and not self.passed(each) for each in done
                )
                done.append(self._run_step(step) if needed else StepResult(step, "unneeded"))
        except Ended as e:
            why, detail = e.why, str(e)
            rest = self.bundle.steps[len(done) :]
            done += [StepResult(step, "ended" if i == 0 else "skipped") for i, step in enumerate(rest)]
        finally:
            jobs = [job for job in (self.student, self.oracle) if job is not None]
            for job in jobs:
                job.started.process.end()
            for job in jobs:
                job.close()
        seconds = time.monotonic() - self.began
        return Result(tuple(done), why, detail, frozenset(self.troubles), seconds)  # type: ignore[arg-type]

    def _begin(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        limits = self.limits
        caps = {
            "cell_bytes": limits.output_cell_bytes,
            "total_bytes": limits.output_total_bytes,
            "outputs": limits.outputs_per_cell,
        }
        try:
            self.student = Job(self.backend, "runner", limits)
            if any(step.kind in ("oracle", "artefact") for step in self.bundle.steps):
                self.oracle = Job(self.backend, "oracle", limits)
                own = _as_text(self.bundle.own_files)
                self.oracle.send(deadline, do="start", files=own, solution=self.bundle.solution)
            files = _as_text(self.bundle.files)
            self.student.ask(deadline, do="start", files=files, plots=self.bundle.plots, caps=caps)
            if self.oracle is not None:
                self.oracle.receive(deadline)
        except (Late, Ended) as e:
            # Nothing of the student's has run yet.
            raise InfrastructureFault(f"The sandbox did not start: {e}") from e
        self.began = time.monotonic()

    def _run_step(self, step: Step) -> StepResult:
        if step.kind in ("oracle", "artefact"):
            return self._run_elsewhere(step)
        if step.given or step.imports or step.binds:
            self._run_beside(step)
        answer, late = self._ask_student(self._deadline(), **_cell(step, step.source))
        found = self._step_result(step, answer, late)
        is_lie = found.state == "passed" if step.kind == "canary" else not late and self._mutant_passes(step)
        if is_lie:
            raise Ended("tampered", "a test that must fail passed")
        return found

    def _mutant_passes(self, step: Step) -> bool:
        if not step.mutants:
            return False
        source = secrets.choice(step.mutants)
        answer, _ = self._ask_student(self._deadline(), **_cell(step, source))
        return answer.get("ok") is True

    def _step_result(self, step: Step, answer: dict[str, Any], late: bool) -> StepResult:
        trouble = answer.get("trouble")
        if trouble in ("memory", "quota"):
            self.troubles.add(trouble)
        passed = answer.get("ok") is True and not late
        value, line = answer.get("result"), answer.get("line")
        return StepResult(
            step,
            "timeout" if late else "passed" if passed else "failed",
            error=visible(as_text(answer.get("error"))[:80]),
            line=line if isinstance(line, int) else 0,
            value=value[:200] if isinstance(value, str) else None,
            # Of a run with hidden tests nobody sees an output.
            outputs=self.cleaner.clean(answer.get("outputs")) if self.bundle.plots else [],
            detail=visible(as_text(answer.get("detail"))[:500]),
        )

    def _ask_student(self, deadline: float, **request: Any) -> tuple[dict[str, Any], bool]:
        """Ask the student's job; returns its answer and whether it had to be interrupted."""
        assert self.student is not None
        try:
            return self.student.ask(deadline, **request), False
        except Late:
            self.student.interrupt()
        try:
            return self.student.receive(time.monotonic() + GRACE_SECONDS), True
        except Late as e:
            raise Ended("timeout", "the code did not stop when its time was over") from e

    def _run_beside(self, step: Step) -> None:
        """Run what is the exercise's own of a cell where the tests run, if they run elsewhere."""
        if self.oracle is None:
            return
        if step.given:
            request: dict[str, Any] = {"do": "given", "source": step.given, "seed": step.seed}
        else:
            request = {"do": "answer", "imports": step.imports, "binds": list(step.binds)}
        try:
            self.oracle.ask(self._deadline(), **request)
        except Late as e:
            raise Ended("timeout", f"a cell of the exercise did not end beside the tests: {step.name}") from e

    def _run_elsewhere(self, step: Step) -> StepResult:
        """Run tests away from the student's code, and lead their questions into the sandbox."""
        assert self.oracle is not None
        deadline, late = self._deadline(), False
        try:
            if step.kind == "artefact":
                self._bring_artefacts(step, deadline)
            test = {"source": step.source, "seed": step.seed, "cell": step.cell, "asked": step.asked}
            test["artefacts"], test["code"] = step.artefacts, packed(step.source)
            self.oracle.send(deadline, do="test", **test)
            while "ask" in (message := self.oracle.receive(deadline + GRACE_SECONDS)):
                answer, stopped = self._answer_for(step, message["ask"], deadline)
                late = late or stopped
                self.oracle.reply(answer, deadline + GRACE_SECONDS)
        except Late as e:
            raise Ended("timeout", "the tests did not end with what the code gave them") from e
        fault, hint = (str(message.get(name, ""))[:300] for name in ("fault", "hint"))
        return replace(self._step_result(step, message, late), fault=fault, hint=hint)

    def _answer_for(self, step: Step, request: Any, deadline: float) -> tuple[dict[str, Any], bool]:
        """Return the sandbox's answer to a question of the tests, and whether it had to be interrupted."""
        if not isinstance(request, dict) or request.get("do") not in ("lookup", "call", "attribute", "await"):
            raise InfrastructureFault("The process of the tests asked for what is not given.")
        if step.kind == "artefact":
            return {"values": {}}, False
        # The first question of each cell of tests.
        seed = {"seed": step.answers_seed} if request["do"] == "lookup" else {}
        answer, late = self._ask_student(deadline, **request, **seed)
        if answer.get("trouble") in ("memory", "quota"):
            self.troubles.add(answer["trouble"])
        if late and not answer.get("error"):
            answer = {"error": "TimeoutError", "message": ""}
        return {
            name: answer[name] for name in ("value", "values", "error", "message") if name in answer
        }, late

    def _bring_artefacts(self, step: Step, deadline: float) -> None:
        assert self.oracle is not None
        answer, _ = self._ask_student(deadline, do="read", names=list(step.artefacts))
        found = answer.get("files")
        files = {}
        for name in step.artefacts:
            text = found.get(name) if isinstance(found, dict) else None
            data = checked_artefact(name, text)
            if data is not None:
                files[name] = data
        self.oracle.ask(deadline, do="artefacts", files=_as_text(files), asked=step.asked)

    def _deadline(self) -> float:
        """Return until when the next cell may run; raises Ended when the time of all is used up."""
        now, last = time.monotonic(), self.began + self.limits.total_seconds
        if now >= last:
            raise Ended("timeout", f"all cells together took more than {self.limits.total_seconds:g} s")
        return min(now + self.limits.cell_seconds, last)


def _cell(step: Step, source: str) -> dict[str, Any]:
    # Canaries and mutants must not be told from tests by what comes with them.
    seed = step.seed if step.kind != "canary" and source == step.source else secrets.token_hex(32)
    return {"do": "cell", "source": source, "seed": seed, "tests": step.kind != "code"}


def _as_text(files: dict[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in files.items()}
