"""Who is named, who is not, and how a person is removed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outreach_tree import PEOPLE, TODAY, change, everything, own_book
from tpc_book.data.people import UNNAMED, Directory, Person
from tpc_book.gates.data_files import outreach_notes, outreach_problems
from tpc_courses.base.places import Places


@pytest.fixture
def data(tree: Places) -> Places:
    """A tree with a book and data files of its own."""
    own_book(tree)
    return tree


def test_a_person_without_consent_is_never_named(data):
    text = everything(data)
    assert "Una Nimmo" in text
    assert "Hidden Figure" not in text
    assert "Institute of Secrets" not in text
    assert f"With: Una Nimmo, {UNNAMED}" in text


def test_deleting_an_entry_removes_a_person_everywhere(data):
    assert everything(data).count("Una Nimmo") >= 5
    change(data, "data/people.yml", PEOPLE[: PEOPLE.index("hidden:")], "")
    text = everything(data)
    for word in ("Una Nimmo", "Institute of Unas", "example.org/una", "Una counts"):
        assert word not in text
    assert outreach_problems(data) == []
    assert any("una is not in people.yml" in note for note in outreach_notes(data, TODAY))


@pytest.mark.parametrize(
    ("consent", "shown", "hidden"),
    [
        ("allows: [name]", ["Una Nimmo"], ["Institute of Unas", "example.org/una", "Una counts"]),
        ("allows: [name, link]", ["Una Nimmo", "example.org/una"], ["Institute of Unas", "Una counts"]),
        ("allows: [affiliation, about, link]", [], ["Una Nimmo", "Institute of Unas", "example.org/una"]),
        ("until: 2026-11-23, allows: [name]", [], ["Una Nimmo"]),
        ("until: 2026-11-24, allows: [name]", ["Una Nimmo"], ["Institute of Unas"]),
    ],
)
def test_only_what_a_person_allows_is_shown(data, consent, shown, hidden):
    change(data, "data/people.yml", "allows: [name, affiliation, about, link]", consent)
    text = everything(data)
    assert all(word in text for word in shown)
    assert not any(word in text for word in hidden)


@given(st.lists(st.sampled_from(["name", "affiliation", "about", "link"]), min_size=1, unique=True))
def test_nothing_is_shown_that_is_not_allowed(allows):
    person = Person.model_validate({
        "id": "x", "name": "A Name", "affiliation": "A place", "about": "Some words here",
        "link": "https://example.org/x", "consent": {"date": TODAY, "record": "form", "allows": allows},
    })  # fmt: skip
    found = Directory({"x": person}, TODAY).find("x")
    assert (found is not None) == ("name" in allows)
    if found is not None:
        for field in ("affiliation", "about", "link"):
            assert (getattr(found, field) is not None) == (field in allows)
