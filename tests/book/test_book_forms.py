"""The book in other forms: EPUB, PDF, cards, what search engines read, how to cite, another language."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ET
import zipfile
from pathlib import PurePosixPath

import pytest
import yaml
from campus_tree import REPOSITORY, make_tree
from PIL import Image
from tpc_book.downloads.cards import mark_lines
from tpc_book.downloads.pdf import browser
from tpc_book.downloads.volumes import VolumeLinks, chapter_name
from tpc_book.downloads.xhtml import as_xhtml
from tpc_book.engine.project import Project
from tpc_book.site.build import build_book
from tpc_book.site.take_along import print_pdfs, write_epubs
from tpc_courses.sources.manifest import load_courses

CAMPUS = "http://campus--service.campus.test/services/campus"
BOOK = "http://campus.test/book"
XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"


DIAGRAM = "flowchart LR\n  subgraph one [First part]\n    a --> b\n  end\n  one --> two"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A book of two lessons with every hand-written page, built without running anything."""
    folder = tmp_path_factory.mktemp("forms")
    places = make_tree(folder / "root", folder / "state")
    shutil.copyfile(REPOSITORY / "CITATION.cff", places.root / "CITATION.cff")
    lesson = places.lesson("scaling/first-steps")
    charts = [DIAGRAM, DIAGRAM, 'pie\n  "read": 3\n  "train": 1']
    parts = [lesson.read_text(), *(f"```{{mermaid}}\n{chart}\n```\n" for chart in charts)]
    lesson.write_text("\n".join(parts), encoding="utf-8")
    build_book(places, CAMPUS, execute=False, say=lambda line: None)
    return places


def epub(places, name: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(places.site / "forms" / f"{name}.epub")


NAMES = ["tpc-campus", "scaling", "data"]


@pytest.mark.parametrize("name", NAMES)
def test_an_epub_is_what_readers_expect(built, name):
    """What epubcheck looks at first, without Java: packing, the list of files, well-formed pages, living links."""
    with epub(built, name) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert archive.read("mimetype") == b"application/epub+zip"
        package = ET.fromstring(archive.read("EPUB/content.opf"))
        listed = {item.get("href"): item for item in package.iter(f"{OPF}item")}
        packed = {path.removeprefix("EPUB/") for path in archive.namelist() if path.startswith("EPUB/")}
        assert packed == {*listed, "content.opf"}
        assert [item for item in listed.values() if item.get("properties") == "nav"]
        spine = [entry.get("idref") for entry in package.iter(f"{OPF}itemref")]
        assert set(spine) == {item.get("id") for path, item in listed.items() if path.endswith(".xhtml")}
        pages = {
            path: ET.fromstring(archive.read(f"EPUB/{path}")) for path in listed if path.endswith(".xhtml")
        }
    ids = {path: [node.get("id") for node in page.iter() if node.get("id")] for path, page in pages.items()}
    for path, page in pages.items():
        assert len(ids[path]) == len(set(ids[path])), path
        used = {
            kind
            for kind, tag in (("mathml", "math"), ("svg", "svg"))
            if any(n.tag.endswith(f"}}{tag}") for n in page.iter())
        }
        assert used == set((listed[path].get("properties") or "").split()) - {"nav"}, path
        for node in page.iter():
            assert not node.tag.endswith(("script", "iframe", "button")), path
            for attribute in ("href", "src"):
                url = node.get(attribute)
                if url and not re.match(r"https?:|mailto:", url):
                    place, _, anchor = url.partition("#")
                    target = str(PurePosixPath(place or path))
                    assert target in listed, f"{path}: {url}"
                    assert not anchor or anchor in ids[target], f"{path}: {url}"
    if name == "tpc-campus" and (program := shutil.which("epubcheck")) and shutil.which("java"):
        # Where Debian's epubcheck is installed it has the last word.
        command = ["java", "-jar", program, str(built.site / "forms" / f"{name}.epub")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert "0 errors / 0 warnings" in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_course_s_epub_has_its_lessons_and_the_words(built):
    with epub(built, "scaling") as archive:
        names = [name.removeprefix("EPUB/") for name in archive.namelist()]
        lesson = archive.read("EPUB/lessons-scaling-first-steps.xhtml").decode()
    assert "lessons-data-first-steps.xhtml" not in names
    assert "glossary.xhtml" in names
    assert "How much is six times seven?" in lesson
    assert "add two numbers" in lesson


def test_pictures_and_formulas_are_inside(built):
    with epub(built, "tpc-campus") as archive:
        pictures = [name for name in archive.namelist() if re.search(r"build/.*\.(png|svg)$", name)]
        text = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".xhtml"))
        assert archive.read("EPUB/cover.png")[:4] == b"\x89PNG"
    for address in re.findall(r'src="([^"]+)"', text):
        assert f"EPUB/{address}" in pictures
    assert "katex-html" not in text


@pytest.mark.parametrize("name", ["tpc-campus", "scaling"])
def test_diagrams_are_inside_with_the_heads_of_their_arrows(built, name):
    with epub(built, name) as archive:
        chapter = archive.read("EPUB/lessons-scaling-first-steps.xhtml").decode()
    drawings = re.findall(r'<svg[^>]*aria-label="Diagram\. .*?</svg>', chapter, re.DOTALL)
    assert len(drawings) == 3
    assert "First part to two" in drawings[0]
    assert "A  read 75%" in drawings[2]
    assert all(re.match(r'<svg[^>]* width="\d+"', drawing) for drawing in drawings), "no wider than drawn"
    used, there = re.findall(r"url\(#([\w.-]+)\)", chapter), re.findall(r' id="([^"]+)"', chapter)
    assert used
    assert set(used) <= set(there)
    assert len(there) == len(set(there))


def test_links_out_of_a_volume_lead_to_the_book_on_the_web():
    links = VolumeLinks("lessons.data.a", inside=frozenset({"glossary"}), book_url=BOOK)
    assert links.page("glossary", "term-loss") == "glossary.xhtml#term-loss"
    assert links.page("lessons.data.b", "x") == f"{BOOK}/lessons/data/b/#x"
    assert links.page("") == f"{BOOK}/"


def test_solutions_are_in_no_form(built):
    for path in (built.site / "forms").glob("*.epub"):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                assert b"BEGIN SOLUTION" not in archive.read(name)
                assert b"HIDDEN TESTS" not in archive.read(name)


def test_epubs_can_be_written_anywhere(built, tmp_path):
    files = list(write_epubs(built, CAMPUS, tmp_path / "out"))
    assert sorted(file.stem for file in files) == sorted(NAMES)
    assert all(zipfile.is_zipfile(file) for file in files)


@pytest.mark.parametrize(
    ("html", "xhtml"),
    [
        ("a<br>b", "a<br/>b"),
        ("<img src=x alt>", '<img src="x" alt=""/>'),
        ("1 < 2 &amp; &nbsp;", "1 &lt; 2 &amp; \u00a0"),
        ('<svg viewbox="0 0 1 1"><lineargradient></lineargradient></svg>',
         '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><linearGradient></linearGradient></svg>'),
        ("<p>a<script>b</script>c", "<p>ac"),
        ('<span class="katex-html">x<span>y</span></span>z', "z"),
        ('<div class="listing"><a class="run-here" href="x">Run</a></div>', '<div class="listing"></div>'),
        ('<p onclick="x" data-a="b" tabindex="0">y</p>', "<p>y</p>"),
        ("<details><summary>s</summary></details>", '<details open="open"><summary>s</summary></details>'),
        ('<details class="box folded"><summary>Code</summary>answer</details>y', "y"),
        ('<iframe src="a" title="t"></iframe>', '<a href="a">t</a>'),
        ("<input type=checkbox>x", "x"),
        ("</p>x", "x"),
    ],
)  # fmt: skip
def test_html_becomes_well_formed(html, xhtml):
    assert as_xhtml(html) == xhtml


def test_a_chapter_s_name_is_an_id():
    assert chapter_name("lessons.scaling.counting") == "lessons-scaling-counting"


# On paper


def test_volumes_are_printed_offered_and_kept(built, tmp_path):
    if browser() is None:
        pytest.fail("the tests need Chromium; `make browser` installs it")
    said: list[str] = []
    files = print_pdfs(built, CAMPUS, tmp_path / "handouts", said.append)
    assert sorted(file.stem for file in files) == sorted(NAMES)
    data = next(file for file in files if file.stem == "scaling").read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", data)) >= 4
    assert b"/Outlines" in data, "headings are its table of contents"
    assert b"/StructTreeRoot" in data, "tagged, for screen readers"
    targets = {name.decode() for name in re.findall(rb"/Dest /([\w-]+)", data)}
    assert "lessons-scaling-first-steps" in targets, "links within work"
    page = (built.site / "courses" / "scaling" / "index.html").read_text()
    assert 'href="../../forms/scaling.pdf" download' in page
    assert (built.site / "forms" / "scaling.pdf").exists()
    said.clear()
    print_pdfs(built, CAMPUS, None, said.append)
    assert all("unchanged" in line for line in said if ".pdf" in line), (
        "what did not change is not printed again"
    )
    # A person who is removed is gone from the next build, so no PDF that may name them is left to take along.
    people = built.book / "data" / "people.yml"
    before = people.read_text(encoding="utf-8")
    assert "juan-ejemplo:" in before
    people.write_text(
        re.sub(r"^juan-ejemplo:\n(?:  .*\n)+", "", before, flags=re.MULTILINE), encoding="utf-8"
    )
    try:
        build_book(built, CAMPUS, execute=False, say=lambda line: None)
        assert not list((built.state / "book").rglob("*.pdf"))
        assert ".pdf" not in (built.site / "courses" / "scaling" / "index.html").read_text()
    finally:
        people.write_text(before, encoding="utf-8")


# For other sites and programs


def test_every_page_has_a_card_of_the_right_size(built):
    for path in built.site.rglob("index.html"):
        if "lite" in path.parts:
            continue
        card = re.search(
            rf'property="og:image" content="{BOOK}/(cards/[^"]+)"', path.read_text(encoding="utf-8")
        )
        assert card, path
        with Image.open(io.BytesIO((built.site / card[1]).read_bytes())) as image:
            assert image.size == (1200, 630)
            assert len(image.convert("RGB").getcolors(2**20)) > 3, "it is not blank"


def test_the_card_s_mark_is_that_of_the_site():
    strokes = mark_lines(REPOSITORY / "book" / "theme" / "static" / "mark.svg")
    assert strokes[0] == [(3, 20), (7, 20)]
    assert all(0 <= value <= 24 for stroke in strokes for point in stroke for value in point)


def test_cards_are_drawn_once(built):
    kept = built.state / "book" / "cards"
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    build_book(built, CAMPUS, execute=False, say=lambda line: None)
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == before


def test_the_sitemap_lists_every_page_at_its_public_address(built):
    spaces = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
    root = ET.fromstring((built.site / "sitemap.xml").read_text(encoding="utf-8"))
    listed = {entry.text for entry in root.findall("s:url/s:loc", spaces)}
    pages = {
        path.parent.relative_to(built.site.resolve()).as_posix()
        for path in built.site.resolve().rglob("index.html")
    }
    assert listed == {f"{BOOK}/" if page == "." else f"{BOOK}/{page}/" for page in pages}
    for entry in root.findall("s:url", spaces):
        if entry.findtext("s:loc", "", spaces) in {f"{BOOK}/", f"{BOOK}/de/"}:
            found = {(link.get("hreflang"), link.get("href")) for link in entry.findall("x:link", spaces)}
            assert found == {("en", f"{BOOK}/"), ("de", f"{BOOK}/de/")}
    assert f"Sitemap: {BOOK}/sitemap.xml" in (built.site / "robots.txt").read_text()


def test_the_book_stands_on_the_host_of_the_hub(tree):
    def address(campus_url: str) -> str:
        return Project(tree, (), campus_url).book_url

    assert (
        address("http://campus--service.hub.localhost:8000/services/campus")
        == "http://hub.localhost:8000/book"
    )
    assert address("https://campus.example.org/services/campus") == "https://campus.example.org/book"


def test_how_to_cite_says_what_the_package_says():
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["version"] == project["version"]
    assert cited["license"] == project["license"]
    assert [author["name"] for author in cited["authors"]] == [
        author["name"] for author in project["authors"]
    ]


def test_the_file_to_cite_from_lies_beside_the_book(built):
    assert (built.site / "CITATION.cff").read_text() == (REPOSITORY / "CITATION.cff").read_text()


def test_a_course_s_page_says_what_comes_when(built):
    text = (built.site / "courses" / "scaling" / "index.html").read_text(encoding="utf-8")
    assert "First steps in scaling" in text
    assert "due 29 January 2099, 18:00 (Europe/Berlin)" in text
    assert 'href="../../forms/scaling.epub" download' in text
    assert [course.id for course in load_courses(built)] == ["data", "scaling"]


def test_pages_in_two_languages_name_each_other(built):
    english = (built.site / "index.html").read_text(encoding="utf-8")
    german = (built.site / "de" / "index.html").read_text(encoding="utf-8")
    for text in (english, german):
        assert f'hreflang="en" href="{BOOK}/"' in text
        assert f'hreflang="de" href="{BOOK}/de/"' in text
    assert '<html lang="de">' in german
    assert "Zum Inhalt springen" in german
    with epub(built, "tpc-campus") as archive:
        assert 'lang="de" xml:lang="de"' in archive.read("EPUB/de.xhtml").decode()
