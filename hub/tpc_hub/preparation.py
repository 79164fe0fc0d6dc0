"""What `campus up` does once before it serves: lessons, exercises, databases, class codes, the first instructor."""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.connection import Connection

from tpc_courses.places import Places


def prepare(places: Places, sign_in: str = "campus") -> list[str]:
    """Bring a campus up to date with its sources; returns lines for the start screen, the instructor's first.

    `sign_in` is the method by which people sign in.

    That needs large modules, so it is done in a process that ends: ours lives as long as the campus and stays
    small. What goes wrong there is raised here: SourceError with all problems of the sources.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_answer, args=(there, places, sign_in))
    process.start()
    there.close()
    try:
        found = here.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"Lessons and exercises: the build ended with code {process.exitcode}.") from None
    finally:
        process.terminate()
        process.join()
    if isinstance(found, Exception):
        raise found
    return list(found)


def _answer(connection: Connection, places: Places, sign_in: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; our parent ends us
    try:
        connection.send(_prepare(places, sign_in))
    except Exception as e:
        connection.send(e)


def _prepare(places: Places, sign_in: str) -> list[str]:
    from tpc_hub.build import build

    names = [course.id for course in build(places, lambda line: print(f"  {line}", flush=True))]
    return _prepare_people(places, names, sign_in)


def _prepare_people(places: Places, names: list[str], sign_in: str) -> list[str]:
    """Draw class codes, and at the first start the demo instructor; returns lines for the start screen."""
    from tpc_hub import people
    from tpc_hub.people import Person, enrol, ensure_class_codes, random_password, set_password

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
