"""Data files to pages: what is refused, what the sources hold, what is built."""

from __future__ import annotations

import re
import shutil
import tomllib
import xml.etree.ElementTree as ET
from html import escape
from pathlib import Path

import pytest
import yaml
from campus_tree import REPOSITORY, write
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from outreach_tree import CAMPUS, EVENT, PEOPLE, TODAY, change, own_book, parsed
from tpc_book.data.markdown import AS_TYPED, plain
from tpc_book.data.outreach import Outreach
from tpc_book.data.people import UNNAMED
from tpc_book.gates.data_files import outreach_problems
from tpc_book.pages import generated
from tpc_book.site.build import BookError, build_book
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import load_courses
from tpc_hub.cli import main


@pytest.fixture
def data(tree: Places) -> Places:
    """A tree with a book and data files of its own."""
    own_book(tree)
    return tree


def report(places: Places) -> str:
    return "\n".join(map(str, outreach_problems(places)))


def test_the_data_of_the_repository_has_no_problems(repository):
    assert outreach_problems(repository) == []


def test_every_page_of_the_book_has_a_place_in_the_contents(repository):
    pages = generated.pages(repository, load_courses(repository), TODAY)
    written = {path.stem for path in (repository.book / "content").glob("*.md")} - {"index", "contract"}
    assert set(generated.MADE) == {name for name in pages if "/" not in name}
    entries = yaml.safe_dump(generated.contents(sorted({*pages, *written})))
    for name in {*pages, *written}:
        # The pages of courses stand above their lessons, where the contents are put together.
        assert (f"file: {name}.md" in entries) != name.startswith(("parts/", "courses/"))


def test_check_reports_data_files_and_notes_who_is_not_named(repository, monkeypatch, data):
    monkeypatch.setenv("CAMPUS_ROOT", str(data.root))
    monkeypatch.setenv("CAMPUS_STATE", str(data.state))
    good = CliRunner().invoke(main, ["check"])
    assert good.exit_code == 0
    assert "events.yml, night-talk: hidden has not agreed to be named" in good.output
    change(data, "data/events.yml", "  time_zone: Europe/Berlin\n", "")
    bad = CliRunner().invoke(main, ["check"])
    assert bad.exit_code == 1
    assert "book/data/events.yml: line 1, night-talk.time_zone: missing" in bad.output


def test_the_citation_file_agrees_with_the_package():
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    package = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    # What the schema of the Citation File Format 1.2.0 requires, and the keys of it that we use.
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert set(cited) <= {
        *("cff-version", "message", "title", "authors", "type", "version", "license", "abstract", "keywords"),
        *(
            "date-released",
            "doi",
            "identifiers",
            "references",
            "repository-code",
            "url",
            "preferred-citation",
        ),
    }
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] in {"software", "dataset"}
    assert all("name" in author or "family-names" in author for author in cited["authors"])
    assert (cited["version"], cited["license"]) == (package["version"], package["license"])


def test_pages_in_two_languages_name_each_other(repository):
    content = repository.book / "content"
    fronts = {path.stem: _front(path) for path in content.glob("*.md")}
    translated = {
        name: front["site"] for name, front in fronts.items() if "alternates" in front.get("site", {})
    }
    assert {site["language"] for site in translated.values()} >= {"en", "de"}
    for name, site in translated.items():
        for pair in site["alternates"].split():
            language, other = pair.split("=")
            assert translated[other]["language"] == language
            assert f"{site['language']}={name}" in translated[other]["alternates"].split()


def test_strings_of_each_language_are_complete(repository):
    files = {path.suffixes[0][1:]: path for path in (repository.book / "theme").glob("strings.*.yml")}
    strings = {language: yaml.safe_load(path.read_text(encoding="utf-8")) for language, path in files.items()}
    assert {"en", "de"} <= set(strings)
    for language, words in strings.items():
        assert set(words) == set(strings["en"]), language
        for key, text in words.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", strings["en"][key])), key


def _front(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])


BAD = [
    ("events.yml", "  time_zone: Europe/Berlin\n", "", "line 1, night-talk.time_zone: missing. Add the IANA"),
    ("events.yml", "zone: Europe/Berlin", "zone:", "line 6, night-talk.time_zone: an event needs a time zone"),
    ("events.yml", "zone: Europe/Berlin", "zone: CEST", "night-talk.time_zone: 'CEST' is no IANA time zone"),
    ("events.yml", "15:00\n", "15:00+01:00\n", "night-talk.start: '2027-01-21T15:00+01:00' has an offset"),
    ("events.yml", "21T16:30", "21T14:30", "line 1, night-talk: ends (2027-01-21 14:30:00) before it starts"),
    ("events.yml", "21T16:30", "21T15:00", "ends (2027-01-21 15:00:00) before it starts (2027-01-21 15:00:00)"),
    ("events.yml", "2027-01-21T16:30", "2027-01-22", "start and end must both be days, or both be times"),
    ("events.yml", "2027-01-21T16:30", "next week", "line 8, night-talk.end: 'next week' is neither a day"),
    ("events.yml", "2027-01-21T16:30", "2027-02-30", "line 8, night-talk.end: '2027-02-30' is neither a day"),
    ("events.yml", "2027-01-21T15:00", "2027-03-28T02:30", "2027-03-28 02:30 does not exist in Europe/Berlin"),
    ("events.yml", "2027-01-21T15:00", "2026-10-25T02:30", "Sun 25 Oct 2026 02:30 CEST (2026-10-25T02:30+02:00) or"),
    ("events.yml", "kind: seminar", "kind: party", "line 2, night-talk.kind: Input should be 'seminar'"),
    ("events.yml", "  place:", "  venue:", "line 5, night-talk.venue: unknown key. Remove it or use one of: title"),
    ("events.yml", "night-talk:", "Night_talk:", "line 1, Night_talk: 'Night_talk' is not of the form"),
    ("events.yml", "  example: true\n", "", "night-talk: needs either `source:` (where it is stated) or"),
    ("events.yml", "true\n", "true\n  source: https://a.org/\n", "needs either `source:`"),
    ("events.yml", "true\n", "true\n  join: javascript:alert(1)\n", "night-talk.join: 'javascript:alert(1)' is not"),
    ("events.yml", "true\n", "true\n  example: false\n", "line 11, night-talk.example: stands twice, first in line 10"),
    ("events.yml", "true\n", "true\n  id: other\n", "line 11, night-talk.id: follows from the key"),
    ("events.yml", "updated: 2026-11-20", "updated: 2999-11-20", "line 9, night-talk.updated: 2999-11-20 lies in the"),
    ("events.yml", "A talk at night", '"A talk\\0"', "title: holds characters that cannot be shown: '\\x00'"),
    ("events.yml", "A talk at night", '" \\n \\t "', "night-talk.title: Value should have at least 3"),
    ("events.yml", "[una, hidden]", "[" * 2000 + "]" * 2000, "events.yml: not YAML"),
    ("events.yml", "  title:", "\ttitle:", "events.yml: not YAML"),
    ("events.yml", "[una, hidden]", "&a [*a]", "events.yml: not YAML (aliases"),
    ("events.yml", EVENT, "- a list\n", "events.yml: line 1: unknown key"),
    ("events.yml", EVENT, "night-talk: tomorrow\n", "line 1, night-talk.title: missing"),
    ("schools/2027.yml", "2027-07-05", "2028-07-05", "2028-07-05 is not in 2027, the year in the name"),
    ("schools/2027.yml", "room: Lab", "room: Hall", "'Good morning' and 'Hands on' overlap in Hall"),
    ("schools/2027.yml", "speakers: [hidden]", "speakers: [una]", "overlap, una cannot be in both"),
    ("schools/2027.yml", 'end: "10:00"', 'end: "08:00"', "line 11, days[0].sessions[0]: ends (08:00) before it"),
    ("schools/2027.yml", "room: Lab, ", "", "line 12, days[0].sessions[1].room: missing. Add this key"),
    ("schools/2027.yml", "kind: lab, ", "kind: lab, lesson: a/b, ", "lesson: unknown key. Remove it or use one of"),
    ("schools/2027.yml", "place:", "year: 2028\nplace:", "line 5, year: follows from the key of the entry or the name"),
    ("schools/2027.yml", "    title: First day\n", "    title: First day\n    date: 2027-07-06\n", "stands twice"),
    ("people.yml", "2026-10-01", "2999-10-01", "una.consent.date: 2999-10-01 lies in the future"),
    ("people.yml", "[name, affiliation, about, link]", "[]", "line 6, una.consent.allows: Tuple should have at"),
    ("people.yml", "[name, affiliation, about, link]", "[everything]", "una.consent.allows[0]: Input should be 'name'"),
    ("people.yml", "record: form 1", "until: 2026-01-01, record: form 1", "ends (2026-01-01) before it was given"),
    ("people.yml", "record: form 1, ", "", "line 6, una.consent.record: missing"),
    ("groups.yml", "[Come and count with us.]", "[]", "counting.join: Tuple should have at least 1 item"),
    ("groups.yml", "summary: We count", "summary: Una  Nimmo counts", "line 3: names the person with the key una"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "expected"), BAD)
def test_a_wrong_data_file_is_reported_with_file_and_key(data, name, old, new, expected):
    change(data, f"data/{name}", old, new)
    found = report(data)
    assert found.startswith(f"book/data/{name}: ")
    assert expected in found


def test_a_wrong_data_file_makes_no_pages(data):
    change(data, "data/events.yml", "21T16:30", "21T14:30")
    with pytest.raises(SourceError, match=r"book/data/events.yml: line 1, night-talk: ends"):
        generated.pages(data, load_courses(data), TODAY)


def test_problems_of_all_files_are_reported_at_once(data):
    change(data, "data/events.yml", "  time_zone: Europe/Berlin\n", "")
    change(data, "data/events.yml", "kind: seminar", "kind: party")
    change(data, "data/people.yml", "2026-10-01", "soon")
    write(data.book / "content" / "references.bib", "@misc{none, title = {T}}")
    found = report(data)
    for part in ("night-talk.time_zone", "night-talk.kind", "una.consent.date", "without author, year"):
        assert part in found


@pytest.mark.parametrize("name", ["event.yml", "schools/next.yml", "notes.txt", "more/events.yml"])
def test_a_file_that_nobody_reads_is_reported(data, name):
    write(data.book / "data" / name, EVENT)
    assert f"book/data/{name}: is no data file" in report(data)


def test_a_file_that_is_not_text_is_reported(data):
    (data.book / "data" / "events.yml").write_bytes(b"night: \xff\n")
    assert "book/data/events.yml: not YAML" in report(data)


def test_a_byte_order_mark_is_no_part_of_a_key(data):
    path = data.book / "data" / "events.yml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert outreach_problems(data) == []


def test_empty_and_absent_files_are_no_problem(data):
    write(data.book / "data" / "projects.yml", "")
    shutil.rmtree(data.book / "data" / "schools")
    assert outreach_problems(data) == []
    pages = generated.pages(data, load_courses(data), TODAY)
    assert "Nothing is announced" in pages["projects"]
    assert "Nothing is announced" in pages["summer-school"]


def test_what_entries_refer_to_must_exist(data):
    change(
        data, "data/events.yml", "speakers: ", "materials: [{title: Old, lesson: data/gone}]\n  speakers: "
    )
    shared = "summary: Words about words.\n  updated: 2026-11-20\n  example: true\n"
    write(
        data.book / "data/papers.yml",
        f"a-b:\n  kind: report\n  title: ABC\n  by: Us all\n  year: 2026\n  group: x\n  {shared}",
    )
    write(
        data.book / "data/glossary.yml",
        "a-b: {term: loss, text: A word of ours., cite: [nobody2020]}\n"
        "c-d: {term: cost, also: [Loss], text: Another word.}\n",
    )
    write(
        data.book / "data/pathways.yml",
        "a-b: {title: Anna, question: Why, summary: Some words., topics: [nothing], pages: [nowhere]}\n",
    )
    found = report(data)
    assert (
        "book/data/events.yml: night-talk: no course has the lesson data/gone. Put it into a course" in found
    )
    assert "book/data/papers.yml: a-b.group: no group x. Use one of: counting" in found
    assert "book/data/glossary.yml: a-b.cite: nobody2020 is not in book/content/references.bib" in found
    assert "book/data/glossary.yml: c-d: 'loss' is also a form of a-b" in found
    assert "book/data/pathways.yml: a-b.pages: there is no page nowhere. Use some of: bibliography" in found
    assert (
        "book/data/pathways.yml: a-b.topics: there is no topic nothing. Use some of: data, scaling" in found
    )


@given(st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=80))
def test_text_from_data_is_never_markup(text):
    shown = " ".join(text.split())
    assume(shown)
    tokens = MarkdownIt("commonmark").enable("table").parse(plain(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    kinds = {child.type for child in tokens[1].children}
    assert kinds <= {"text", "text_special"}
    assert "".join(child.content for child in tokens[1].children).replace(AS_TYPED, "") == shown


MARKUP = (
    "{term}`x` {eval}`1` {{y}} @one $5 and $6 ~~z~~ [[w]] [a](b) ![i](j) [^1] (t)= <b>x</b> &lt; a | b `c` _d_ *e* "
    "\\begin{x} https://doi.org/10.9999/gone +++ % ::: # 1. - > x^2^ H~2~O"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    from campus_tree import make_tree

    folder = tmp_path_factory.mktemp("outreach")
    places = make_tree(folder / "root", folder / "state")
    own_book(places)
    markup = EVENT.replace("night-talk", "markup").replace(
        "We talk about nights and about models.", f"'{MARKUP}'"
    )
    write(places.book / "data" / "events.yml", EVENT + markup)
    build_book(places, CAMPUS, execute=False, say=lambda line: None)
    return places


def site_text(places: Places) -> str:
    files = [
        path
        for path in places.site.rglob("*")
        if path.suffix in {".html", ".json", ".ics", ".xml", ".md", ".inv"}
    ]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def test_calendars_and_feed_lie_at_stable_addresses(built):
    for name in ("events.ics", "summer-school-2027.ics"):
        assert parsed((built.site / name).read_bytes().decode())
    ET.fromstring((built.site / "feed.xml").read_bytes())
    text = (built.site / "calendar" / "index.html").read_text()
    assert re.search(r'href="[^"]*(?<!build)/events\.ics"', text)
    assert "campus.test/book/calendar/#calendar-night-talk" in (
        built.site / "events.ics"
    ).read_text().replace("\n ", "")
    assert 'id="calendar-night-talk"' in text


def test_markup_in_data_stays_text_on_the_page(built):
    text = (built.site / "calendar" / "index.html").read_text()
    assert f"<p>{escape(MARKUP, quote=False)}</p>" in text


def test_each_edition_has_its_own_page_with_rooms(built):
    text = (built.site / "summer-school" / "2027" / "index.html").read_text()
    for word in ("Good morning", "Hall", "Una Nimmo", UNNAMED, "Europe/Berlin"):
        assert word in text


def test_no_built_file_holds_a_person_without_consent_or_one_removed(built):
    assert "Una Nimmo" in site_text(built)
    assert "Hidden Figure" not in site_text(built)
    change(built, "data/people.yml", PEOPLE[: PEOPLE.index("hidden:")], "")
    build_book(built, CAMPUS, execute=False, say=lambda line: None)
    assert "Una Nimmo" not in site_text(built)
    assert "Institute of Unas" not in site_text(built)
    write(built.book / "data" / "people.yml", PEOPLE)


def test_a_wrong_data_file_keeps_the_last_good_book(built):
    before = built.site.resolve()
    change(built, "data/events.yml", "  time_zone: Europe/Berlin\n", "")
    with pytest.raises((SourceError, BookError), match=r"night-talk\.time_zone"):
        build_book(built, CAMPUS, execute=False, say=lambda line: None)
    write(built.book / "data" / "events.yml", EVENT)
    assert built.site.resolve() == before


def test_outreach_names_every_model(repository):
    assert set(Outreach.__dataclass_fields__) == {
        path.stem for path in (repository.book / "data").glob("*.yml")
    } | {"schools"}
