"""Names of people, told to nbgrader's gradebook, which knows accounts only."""

from __future__ import annotations

from nbgrader.api import Gradebook
from sqlalchemy import select
from tpc_courses.base.places import Places

from tpc_hub.people import people
from tpc_hub.people.people import Enrolment, Person


def tell_names(places: Places, course: str, book: Gradebook) -> None:
    """Give the students of a gradebook the names that they have on the campus."""
    with people.session(places) as session:
        query = (
            select(Person.name, Person.display_name)
            .join(Enrolment, Enrolment.person == Person.name)
            .where(Enrolment.course == course)
        )
        names = dict(session.execute(query).tuples().all())
    for student in book.students:
        first, last = first_and_last(names.get(student.id, student.id))
        if (student.first_name, student.last_name) != (first, last):
            student.first_name, student.last_name = first, last
    book.db.commit()


def first_and_last(display_name: str) -> tuple[str, str]:
    """Return a name as nbgrader keeps it, shown as `Last, First`.

    >>> first_and_last("Ada King Lovelace")
    ('Ada King', 'Lovelace')
    >>> first_and_last("Ada")
    ('', 'Ada')
    """
    first, _, last = display_name.strip().rpartition(" ")
    return first, last
