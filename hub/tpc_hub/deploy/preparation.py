"""What `campus up` does once before it serves: lessons, exercises, databases, class codes, the first instructor."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from tpc_courses.base.places import Places
from tpc_kernels.box.order import Order
from tpc_kernels.forkserver.client import fork

# Where a preloaded process finds the pipe to us.
_ANSWER = 3


def prepare(places: Places, sign_in: str = "campus", preloaded: str = "") -> list[str]:
    """Bring a campus up to date with its sources; returns lines for the start screen, the instructor's first.

    `sign_in` is the method by which people sign in; `preloaded` the socket of a process that has most of what is
    needed here imported already.

    That needs large modules, so it is done in a process that ends: ours lives as long as the campus and stays
    small. What goes wrong there is raised here: SourceError with all problems of the sources.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    with here, (_forked if preloaded else _child)(there, places, sign_in, preloaded) as code:
        there.close()
        try:
            found = here.recv()
        except EOFError:
            raise RuntimeError(f"Lessons and exercises: the build ended with code {code()}.") from None
    if isinstance(found, Exception):
        raise found
    return list(found)


@contextlib.contextmanager
def _child(
    connection: Connection, places: Places, sign_in: str, _: str
) -> Iterator[Callable[[], int | None]]:
    process = multiprocessing.get_context("fork").Process(target=_answer, args=(connection, places, sign_in))
    process.start()

    def code() -> int | None:
        process.join()
        return process.exitcode

    try:
        yield code
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def _forked(
    connection: Connection, places: Places, sign_in: str, preloaded: str
) -> Iterator[Callable[[], int | None]]:
    sys.stdout.flush()
    order = Order(
        f"{__name__}:answer",
        {"root": str(places.root), "state": str(places.state), "sign_in": sign_in},
        environment=dict(os.environ),
        folder=os.getcwd(),
        tied=True,
    )
    with open(os.devnull, "rb") as silence:
        process = fork(preloaded, order, (silence.fileno(), 1, 2, connection.fileno()))
    try:
        yield lambda: process.wait().exit_code
    finally:
        process.kill()
        process.wait()


def answer(root: str, state: str, sign_in: str) -> None:
    """Be forked from the preloaded process, and do what `prepare` asks for."""
    with Connection(_ANSWER, readable=False) as connection:
        _answer(connection, Places(Path(root), Path(state)), sign_in)


def _answer(connection: Connection, places: Places, sign_in: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; our parent ends us
    try:
        connection.send(_prepare(places, sign_in))
    except Exception as e:
        connection.send(e)


def _prepare(places: Places, sign_in: str) -> list[str]:
    from tpc_hub.deploy.build import build

    names = [course.id for course in build(places, lambda line: print(f"  {line}", flush=True))]
    return _prepare_people(places, names, sign_in)


def _prepare_people(places: Places, names: list[str], sign_in: str) -> list[str]:
    """Draw class codes, and at the first start the demo instructor; returns lines for the start screen."""
    from tpc_hub.people import people
    from tpc_hub.people.people import Person, enrol, ensure_class_codes, random_password, set_password

    with people.transaction(places) as session:
        codes = ensure_class_codes(session, names)
        lines = [f"  {name:<12} class code {codes[name]}" for name in names]
        if sign_in != "campus":
            how = (
                f"sign in by {sign_in}, after `campus user add <what {sign_in} calls you> --teaches <course>`"
            )
            return [f"  As instructor: {how}", *lines]
        if session.query(Person).first() is None:
            password = random_password()
            session.add(Person(name="instructor", sign_in="instructor", display_name="Demo instructor"))
            session.flush()
            set_password(session, "instructor", password)
            for name in names:
                enrol(session, name, "instructor", "instructor")
            first = (
                f"  As instructor: name instructor, password {password} "
                "(shown this once; `campus user password instructor` sets another)"
            )
            return [first, *lines]
    return ["  As instructor: name instructor, with the password of the first start", *lines]
