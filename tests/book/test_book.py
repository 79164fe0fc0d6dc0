"""The book, built for real from a small tree: what is published, what is refused, what stays."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace
from html import unescape

import nbformat
import pytest
from book_tree import CAMPUS, make_book_tree
from campus_tree import write
from tpc_book.base.words import words
from tpc_book.lessons.execution import failures, record_of, run_lessons
from tpc_book.render.content import Content
from tpc_book.render.render import RENDERERS
from tpc_book.site import live
from tpc_book.site.build import BookError, build_book
from tpc_book.site.offline import write_zip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    places = make_book_tree(tmp_path_factory.mktemp("book"))
    build_book(places, CAMPUS, say=lambda line: None)
    return places


@pytest.fixture
def unchanged(built):
    """The built tree; sources that a test changes are put back."""
    before = {
        path: path.read_bytes()
        for folder in (built.notebooks, built.book / "content")
        for path in folder.rglob("*.md")
    }
    yield built
    for path, data in before.items():
        path.write_bytes(data)
    for folder in (built.notebooks, built.book / "content"):
        for path in set(folder.rglob("*.md")) - set(before):
            path.unlink()


def page(places, name: str) -> str:
    return (places.site / name / "index.html").read_text(encoding="utf-8")


def test_lessons_appear_with_outputs_and_actions(built):
    text = page(built, "lessons/scaling/first-steps")
    assert "the answer is 42" in text
    assert re.search(r"Last run \d{4}-\d\d-\d\d: [\d.]+ s, \d+ MiB of memory, with Python 3", text)
    assert f'href="{CAMPUS}/open/scaling/first-steps"' in text
    assert 'href="../../../downloads/scaling/first-steps.ipynb" download' in text
    assert "@misc{tpc-campus-scaling-first-steps" in text
    assert "add two numbers" in text


def test_the_downloaded_notebook_is_the_student_s(built):
    notebook = nbformat.read(built.site / "downloads" / "scaling" / "first-steps.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert any("6 * 7" in cell.source for cell in notebook.cells)
    assert all(not cell.get("outputs") for cell in notebook.cells)


def test_every_lesson_is_on_the_page_of_runs(built):
    text = page(built, "runs")
    for name in ("First steps in scaling", "First steps in data"):
        assert name in text
    assert "2 of 2 lessons have run" in text


def test_every_element_of_the_contract_is_shown(built):
    content = Content(built.state / "book" / "trees", words(built.book / "theme", "en"))
    kinds = {kind for slug in content.slugs() for kind in kinds_of(content.page(slug)["mdast"])}
    rare = {
        # Nodes that only a film, a formula group or an engine without a shell around directives would send.
        "mathGroup", "mystRole", "mystDirective", "legend", "figure", "indexEntry", "mystTarget", "html", "toc",
        "inlineExpression",
    }  # fmt: skip
    assert kinds <= set(RENDERERS)
    assert set(RENDERERS) - kinds <= rare, "the contract page must use each of these"


def kinds_of(node):
    yield node["type"]
    for child in node.get("children") or []:
        yield from kinds_of(child)


def test_pages_load_nothing_from_elsewhere(built):
    for path in built.site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'<(?:script|img|iframe|video|source)[^>]*\ssrc="(?:https?:)?//', text), path
        assert not re.search(r'<link rel="(?:stylesheet|icon|preload)"[^>]*href="(?:https?:)?//', text), path
    for path in built.site.glob("*.css"):
        assert not re.search(r"@import|url\(['\"]?(?:https?:)?//", path.read_text(encoding="utf-8")), path


def test_the_page_for_wrong_addresses_is_whole_at_any_depth(built):
    text = (built.site / "404.html").read_text(encoding="utf-8")
    addresses = [one for one in re.findall(r'\s(?:href|src|data-root)="([^"]*)"', text) if one != "#main"]
    assert [one for one in addresses if not one.startswith("/book/")] == [
        "http://campus.test/services/campus/"
    ]
    addresses = [one for one in addresses if one.startswith("/book/")]
    for address in addresses:
        path = built.site / address.removeprefix("/book/")
        assert (path / "index.html" if path.is_dir() else path).exists(), address
    assert {"/book/", "/book/book.css", "/book/about/", "/book/lessons/scaling/first-steps/"} <= {*addresses}
    assert 'role="combobox"' in text, "search"
    assert "There is no such page" in text


def test_every_link_and_anchor_leads_somewhere(built):
    ids, pages = {}, list(built.site.rglob("index.html"))
    for path in pages:
        ids[path.resolve()] = re.findall(r'\sid="([^"]+)"', path.read_text(encoding="utf-8"))
        assert len(ids[path.resolve()]) == len(set(ids[path.resolve()])), f"{path} has an id twice"
    for path in pages:
        for url in re.findall(r'(?:href|src)="([^"]+)"', path.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", url):
                continue
            place, _, anchor = url.partition("#")
            target = (path.parent / place).resolve() if place else path.resolve()
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path}: {url}"
            assert not anchor or anchor in ids[target], f"{path}: {url}"


def test_a_page_is_light(built):
    for path in built.site.rglob("index.html"):
        loaded = sum((built.site / name).stat().st_size for name in ("book.css", "book.js", "inter.woff2"))
        assert path.stat().st_size + loaded < 200 * 1024, path


def test_search_knows_every_page(built):
    text = (built.site / "search.js").read_text(encoding="utf-8")
    records = json.loads(text.removeprefix("window.bookRecords=").rstrip(";\n"))
    slugs = list(dict.fromkeys(record[0] for record in records))
    assert {"contract", "glossary", "lessons.scaling.first-steps"} <= {*slugs}
    # What counts the same is shown in reading order.
    assert slugs.index("lessons.scaling.first-steps") < slugs.index("contract")
    assert any("six times seven" in record[3] for record in records)


def test_a_page_in_german_says_so(built):
    text = page(built, "de")
    assert '<html lang="de">' in text
    assert "Im Buch suchen" in text
    assert re.search(r'hreflang="en" href="http://campus.test/book/"', text)


def test_terms_of_another_page_carry_their_meaning(built):
    text = page(built, "contract")
    name = re.search(r'href="\.\./glossary/#term-loss" data-card="(\w+)"', text)
    assert name
    card = re.search(rf'<template id="card-{name[1]}">(.*?)</template>', text)
    assert card
    assert "loss" in card[1].lower()
    assert "<a " not in card[1]


# What is refused

BROKEN = {
    "See [](#nowhere-at-all).": ("No target for internal reference", "give one"),
    "See {cite:p}`nobody2020`.": ("nobody2020", "references.bib"),
    "A {term}`no such word`.": ("was not found", "glossary"),
    "```{nonsense}\n```": ("unknown directive: nonsense", "contract.md"),
    "A {nonrole}`x`.": ("unknown role: nonrole", "contract.md"),
    "```{note}\n:colour: red\nx\n```": ("unexpected option", "name"),
    "![](nothing.png)": ("Cannot find image", "Put the file"),
    "$\\frac{1$": ("", "Correct"),
    "```{include} nothing.md\n```": ("nothing.md", "path"),
    "![](images/book.png)": ("images/book.png has no description", ":alt:"),
    "```{figure} images/book.png\nA caption says what to see, not what is there.\n```": (
        "no description",
        ":alt:",
    ),
    '<img src="images/book.png">': ("no description", ":alt:"),
}


def test_broken_pages_are_named_with_their_lines_and_replace_nothing(unchanged):
    before = unchanged.site.resolve()
    for number, source in enumerate(BROKEN):
        text = f"---\ntitle: Broken\n---\n\n# Broken\n\n{source}\n"
        write(unchanged.book / "content" / f"broken-{number}.md", text)
    with pytest.raises(BookError) as caught:
        build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    lines = str(caught.value).splitlines()
    for number, (source, (message, remedy)) in enumerate(BROKEN.items()):
        at = 8 if ":colour:" in source else 7
        found = [line for line in lines if line.startswith(f"book/content/broken-{number}.md: line {at}: ")]
        assert len(found) == 1, (source, found)
        assert message in found[0], (source, found)
        assert remedy in found[0], (source, found)
    assert "not replaced" in lines[-1]
    assert str(unchanged.state) not in str(caught.value)
    assert unchanged.site.resolve() == before


FRONTS = {
    "title: [Broken": (2, "Invalid YAML"),
    "title: Broken\ncolour: red": (3, "colour"),
    "title: Broken\nauthors: []\ndate: someday": (4, "invalid date"),
}


def test_a_broken_front_matter_is_named_with_its_line(unchanged):
    for number, front in enumerate(FRONTS):
        write(unchanged.book / "content" / f"broken-{number}.md", f"---\n{front}\n---\n\nText.\n")
    with pytest.raises(BookError) as caught:
        build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    for number, (line, message) in enumerate(FRONTS.values()):
        said = rf"book/content/broken-{number}\.md: line {line}: .*{message}"
        assert re.search(said, str(caught.value)), (said, str(caught.value))


def test_a_diagram_that_cannot_be_drawn_is_noted_with_its_line_and_fails_no_book(unchanged):
    before = unchanged.site.resolve()
    text = "---\ntitle: Broken\n---\n\n# Broken\n\n```{mermaid}\nflowchart LR\n  A --> B[\n```\n"
    write(unchanged.book / "content" / "broken.md", text)
    for _ in range(2):  # the second time the page is one that was kept
        said: list[str] = []
        build_book(unchanged, CAMPUS, execute=False, say=said.append)
        (unchanged.site.parent / "published.json").unlink()
        (note,) = [line for line in said if line.startswith("Note: ")]
        assert note.startswith(
            "Note: book/content/broken.md: line 9: the diagram cannot be read at `A --> B[`"
        )
    assert unchanged.site.resolve() != before
    assert "A --&gt; B[" in (unchanged.site / "broken" / "index.html").read_text()


def test_a_node_on_which_the_theme_fails_names_its_page_and_line(unchanged, monkeypatch):
    def fails(page, node):
        raise KeyError("nothing")

    before = unchanged.site.resolve()
    write(unchanged.book / "content" / "broken.md", "---\ntitle: Broken\n---\n\nText.\n\n***\n")
    monkeypatch.setitem(RENDERERS, "thematicBreak", fails)
    with pytest.raises(BookError) as caught:
        build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    assert re.search(
        r"book/content/broken\.md: line [57]: the thematicBreak cannot be shown", str(caught.value)
    )
    assert "readers see the last good one" in str(caught.value)
    assert unchanged.site.resolve() == before


@pytest.mark.parametrize(
    "source",
    [
        "```{include} ../../../secret.md\n```",
        "```{literalinclude} /etc/passwd\n```",
        "```{csv-table} A\n:file: ../../x.csv\n```",
        "[a file](../../../hub/secret.txt)",
        "![](../secret.png)",
        "[a file](/etc/passwd)",
        "{download}`a file </etc/passwd>`",
        "[a file][it]\n\n[it]: /etc/passwd",
        '<img src="../../secret.png">',
    ],
)
def test_a_page_brings_no_file_of_the_machine_into_the_book(unchanged, source):
    before = unchanged.site.resolve()
    write(unchanged.book / "content" / "broken.md", f"---\ntitle: Broken\n---\n\n{source}\n")
    with pytest.raises(BookError, match=r"book/content/broken\.md: line \d+: .*leads out of the book"):
        build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    assert unchanged.site.resolve() == before


def test_a_link_to_a_file_elsewhere_is_no_page(unchanged, tmp_path):
    write(tmp_path / "elsewhere.md", "# Elsewhere\n")
    link = unchanged.book / "content" / "link.md"
    link.symlink_to(tmp_path / "elsewhere.md")
    try:
        with pytest.raises(BookError, match=r"book/content/link\.md: file: is a link to"):
            build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    finally:
        link.unlink()


def test_all_faults_are_reported_at_once_with_those_of_lessons(unchanged):
    lesson = unchanged.lesson("scaling/first-steps")
    write(lesson, lesson.read_text() + "\n+++\n\nSee [](#nowhere-at-all).\n\n![A plot](plot.png)\n")
    write(
        unchanged.book / "content" / "broken.md",
        "---\ntitle: Broken\ndate: someday\n---\n\nA {nonrole}`x`.\n",
    )
    with pytest.raises(BookError) as caught:
        build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    message = str(caught.value)
    line = lesson.read_text().splitlines().index("See [](#nowhere-at-all).") + 1
    assert f"notebooks/scaling/first-steps.md: line {line}" in message
    assert f'line {line + 2}: Cannot find image "plot.png". A lesson brings no files along' in message
    assert "book/content/broken.md: line 6: unknown role: nonrole" in message
    assert "invalid date" in message


def test_a_picture_in_a_lesson_needs_words_too(unchanged):
    lesson = unchanged.lesson("scaling/first-steps")
    write(lesson, lesson.read_text() + "\n+++\n\nFirst.\n\n![](/images/book.png)\n")
    with pytest.raises(
        BookError, match=r"first-steps\.md: line (\d+): the picture .* no description"
    ) as caught:
        build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    line = lesson.read_text().splitlines().index("![](/images/book.png)") + 1
    assert f"notebooks/scaling/first-steps.md: line {line}:" in str(caught.value)


def test_a_picture_that_decorates_says_so(unchanged):
    images = (
        "```{image} images/book.png\n:class: decorative\n```",
        '```{image} images/book.png\n:alt: ""\n```',
        "```{figure} images/book.png\n:class: decorative\nA caption.\n```",
    )
    text = "---\ntitle: Decorated\n---\n\n" + "\n\n".join(images)
    write(unchanged.book / "content" / "decorated.md", text)
    build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    assert len(re.findall(r'<img[^>]* alt="" ', page(unchanged, "decorated"))) == len(images)


def test_solutions_never_reach_the_book(unchanged):
    lesson = unchanged.lesson("data/first-steps")
    write(lesson, lesson.read_text() + "\n+++\n\nLook: `### BEGIN SOLUTION`\n")
    with pytest.raises(BookError, match="BEGIN SOLUTION"):
        build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)


def test_a_lesson_that_raises_keeps_its_last_outputs(unchanged):
    lesson = unchanged.lesson("data/first-steps")
    good = lesson.read_text()
    write(lesson, good.replace("6 * 7", "6 / 0"))
    with pytest.raises(BookError, match=r"notebooks/data/first-steps.md: run of .*ZeroDivisionError"):
        build_book(unchanged, CAMPUS, say=lambda line: None)
    text = page(unchanged, "lessons/data/first-steps")
    assert "the answer is 42" in text
    assert "failed. The outputs are those of the last good run." in text
    assert [problem.path for problem in failures(unchanged, ["data/first-steps"])] == [
        "notebooks/data/first-steps.md"
    ]
    write(lesson, good)
    assert failures(unchanged, ["data/first-steps"]) == [], "an old failure of another text is no fault"
    build_book(unchanged, CAMPUS, say=lambda line: None)
    assert "failed" not in page(unchanged, "lessons/data/first-steps").split("</div>")[0]


def test_a_changed_lesson_keeps_the_outputs_of_cells_that_stayed(unchanged):
    lesson = unchanged.lesson("scaling/first-steps")
    write(lesson, lesson.read_text().replace("How much is", "Now: how much is"))
    build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    text = page(unchanged, "lessons/scaling/first-steps")
    assert "Now: how much is" in text
    assert "the answer is 42" in text
    assert "new outputs follow" in text


def test_an_unchanged_lesson_is_not_run_again(built):
    run_lessons(built, ["scaling/first-steps"], lambda line: None)
    said: list[str] = []
    run_lessons(built, ["scaling/first-steps"], said.append)
    assert said == []


def test_a_record_cut_short_is_as_good_as_none(built):
    path = built.runs / "scaling" / "first-steps.json"
    good = path.read_text()
    path.write_text(good[:40])
    try:
        assert record_of(built, "scaling/first-steps") == {}
    finally:
        path.write_text(good)


def test_a_hostile_output_is_cleaned_on_the_page(unchanged):
    lesson = unchanged.lesson("scaling/first-steps")
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)><b>kept</b>"
    cell = f"\n```{{code-cell}} ipython3\nfrom IPython.display import HTML\nHTML('{hostile}')\n```\n"
    write(lesson, lesson.read_text() + cell)
    build_book(unchanged, CAMPUS, say=lambda line: None)
    outputs = page(unchanged, "lessons/scaling/first-steps").split('class="output-html')[1].split("</div>")[0]
    assert "<b>kept</b>" in outputs
    assert "<script" not in outputs
    assert "onerror" not in outputs


LONG = """
```{code-cell} ipython3
print("a line of a long text\\n" * 100_000)
```

```{code-cell} ipython3
from IPython.display import HTML, SVG
HTML("<table>" + "<tr><td>a cell<script>alert(1)</script></td></tr>" * 50_000 + "</table>")
```

```{code-cell} ipython3
shape = '<path onclick="alert(1)" d="M0 0L9 9"/><script>alert(1)</script>'
SVG(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{shape * 1000}</svg>')
```
"""


def test_a_long_output_shows_its_beginning_and_where_the_rest_is(unchanged):
    lesson = unchanged.lesson("scaling/first-steps")
    write(lesson, lesson.read_text() + LONG)
    build_book(unchanged, CAMPUS, say=lambda line: None)
    text = page(unchanged, "lessons/scaling/first-steps")
    assert len(text) < 100_000
    assert "a line of a long text" in text
    assert "<td>a cell</td>" in text
    wholes = re.findall(r'This output is ([\d.]+) MiB long.*?<a href="([^"]+)">The whole output</a>', text)
    assert [size for size, _ in wholes] == ["2.1", "1.1"]
    folder = unchanged.site / "lessons" / "scaling" / "first-steps"
    plain, table = ((folder / path).read_text(encoding="utf-8") for _, path in wholes)
    assert plain.count("a line of a long text") == 100_000
    assert table.count("<td>a cell</td>") == 50_000
    drawing = (folder / re.findall(r'<img src="([^"]+\.svg)"', text)[0]).read_text(encoding="utf-8")
    assert drawing.count("<path") == 1000
    for file in (table, drawing):
        assert "script" not in file
        assert "onclick" not in file


RAISES = """
```{code-cell} ipython3
:tags: [raises-exception]
[][3]
```

```{code-cell} ipython3
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2])
```

```{code-cell} ipython3
print("after all of it")
```
"""


def test_a_cell_may_raise_where_it_says_so_and_end_in_a_plot(unchanged):
    lesson = unchanged.lesson("scaling/first-steps")
    good = lesson.read_text() + RAISES
    write(lesson, good)
    build_book(unchanged, CAMPUS, say=lambda line: None)
    text = page(unchanged, "lessons/scaling/first-steps")
    assert "list index out of range" in text
    assert "after all of it" in text
    assert "Line2D" not in text
    assert "papermill" not in text
    write(lesson, good.replace('print("after all of it")', "{}['gone']"))
    with pytest.raises(BookError, match=r"first-steps\.md: run of .*KeyError: 'gone'"):
        build_book(unchanged, CAMPUS, say=lambda line: None)


def test_a_list_of_works_shows_dois_and_no_author_twice(unchanged):
    lesson = unchanged.lesson("scaling/first-steps")
    doi = "10.48550/arXiv.2001.08361"
    write(lesson, lesson.read_text() + f"\n+++\n\n- Kaplan (2020), [doi:{doi}](https://doi.org/{doi})\n")
    build_book(unchanged, CAMPUS, execute=False, say=lambda line: None)
    text = page(unchanged, "lessons/scaling/first-steps")
    assert f'Kaplan (2020), <a href="https://doi.org/{doi}">doi:{doi}</a>' in text


def test_a_build_says_once_that_kernels_are_not_forked(unchanged, monkeypatch):
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "tpc-fork-provisioner")
    monkeypatch.setenv("TPC_FORKSERVER", str(unchanged.state / "nobody.sock"))
    for slug in ("scaling/first-steps", "data/first-steps"):
        lesson = unchanged.lesson(slug)
        write(lesson, lesson.read_text().replace("6 * 7", "7 * 6"))
    said: list[str] = []
    build_book(unchanged, CAMPUS, say=said.append)
    assert len([line for line in said if "Kernels start slowly" in line and "nobody.sock" in line]) == 1


def test_readers_have_a_page_before_the_lessons_ran(tmp_path):
    places = make_book_tree(tmp_path)
    seen: list[str] = []

    def say(line: str) -> None:
        shown = places.site.exists() and "the answer is 42" in page(places, "lessons/scaling/first-steps")
        seen.append(f"{line} [{'outputs' if shown else 'text' if places.site.exists() else 'nothing'}]")

    build_book(places, CAMPUS, say=say)
    assert seen[0] == "Book: readable, outputs follow [text]"
    assert seen[-1].endswith("[outputs]")


def test_the_zip_names_files_so_that_it_opens_from_a_disk(built, tmp_path):
    count = write_zip(built, CAMPUS, tmp_path / "book.zip")
    shutil.unpack_archive(tmp_path / "book.zip", tmp_path)
    pages = list((tmp_path / "tpc-campus").rglob("index.html"))
    assert len(pages) == count
    for path in pages:
        for url in re.findall(r'(?:href|src)="([^"#]+)', path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", url):
                assert (path.parent / url.split("?")[0]).is_file(), f"{path}: {url}"


# While writing


@pytest.fixture
def serving(tmp_path):
    """A book served live; yields its places, its address and what was said."""
    places = make_book_tree(tmp_path)
    port = free_ports()
    said: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=live.serve, args=(places, CAMPUS, port, said.append, stop))
    thread.start()
    try:
        yield places, f"http://localhost:{port}", said
    finally:
        stop.set()
        thread.join(30)


def free_ports() -> int:
    """Return a port that is free together with the one above it."""
    for _ in range(50):
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise RuntimeError("no two free ports")


def waited(condition, what: str, seconds: float = 60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if value := condition():
                return value
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen in {seconds} s")


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def failing(url: str) -> str:
    """Return what stands where a page should be; empty while the page is there."""
    try:
        fetch(url)
    except urllib.error.HTTPError as e:
        return str(e.read().decode())
    return ""


def test_a_saved_page_is_served_anew(serving):
    places, url, said = serving
    waited(lambda: "What a page can hold" in fetch(f"{url}/contract/"), "the first page")
    assert "window.bookRecords" in fetch(f"{url}/search.js")
    assert "--paper" in fetch(f"{url}/book.css")
    source = places.book / "content" / "about.md"
    write(source, source.read_text() + "\nA sentence written just now.\n")
    waited(lambda: "written just now" in fetch(f"{url}/about/"), "the changed page")
    write(source, source.read_text() + "\nSee [](#nowhere-at-all).\n")
    waited(lambda: any("about.md: line" in line for line in said), "the report of the fault")
    good = source.read_text()
    write(source, f"{good}\n```{{mermaid}}\nmindmap\n```\n")
    waited(lambda: "<code>mindmap</code>" in fetch(f"{url}/about/"), "the source of what is not drawn")
    waited(lambda: any("that begin with `mindmap`" in one for one in said), "the reason, in the terminal")
    # A translator forgot that YAML reads `no` as false, so the theme fails on a page in that language.
    write(places.book / "theme" / "strings.it.yml", "tabs: no\n")
    italian = good.replace("---\n", "---\nsite: {language: it}\n", 1)
    tabs = "::::{tab-set}\n:::{tab-item} One\nText.\n:::\n::::"
    write(source, f"{italian}\n{tabs}\n")
    told = re.compile(r"book/content/about\.md: line (\d+): the tabSet cannot be shown")
    found = waited(
        lambda: told.search(unescape(failing(f"{url}/about/"))), "the fault, where the page would be"
    )
    assert 2 <= int(found[1]) - italian.count("\n") <= 4
    waited(lambda: any(told.match(one) for one in said), "the fault, in the terminal")
    write(source, good)
    waited(lambda: "written just now" in fetch(f"{url}/about/"), "the mended page")
    lesson = places.lesson("scaling/first-steps")
    write(lesson, lesson.read_text().replace("How much is", "Just now: how much is"))
    waited(lambda: "Just now: how much" in fetch(f"{url}/lessons/scaling/first-steps/"), "the changed lesson")


def test_a_served_book_is_the_book_that_a_build_would_publish(serving, tmp_path):
    places, url, said = serving
    waited(lambda: "What a page can hold" in fetch(f"{url}/contract/"), "the first page")
    run_lessons(places, ["scaling/first-steps", "data/first-steps"], said.append)
    for name, old, new in (
        ("about.md", "Few places have all three.", "Few have all of them."),
        ("teach.md", "title: Teach with it", "title: Teach with this"),
    ):
        path = places.book / "content" / name
        write(path, path.read_text().replace(old, new))
    other = replace(places, state=tmp_path / "built")
    shutil.copytree(places.runs, other.runs)
    build_book(other, CAMPUS, execute=False, say=lambda line: None)
    site = other.site.resolve()
    names = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    built = {name: (site / name).read_bytes() for name in names if not name.endswith((".epub", ".zip"))}
    assert "the answer is 42" in built["lessons/data/first-steps/index.html"].decode()

    def same() -> bool:
        """Compare page by page; what differs is said when the time is over."""
        differ[:] = [name for name, data in built.items() if served(f"{url}/{name}") != data]
        return not differ

    differ: list[str] = []
    try:
        waited(same, "the book that a build publishes", 240)
    except pytest.fail.Exception:
        pytest.fail(f"still differ: {differ}")
    assert served(f"{url}/forms/tpc-campus.epub").startswith(b"PK")
    assert served(f"{url}/forms/tpc-campus.zip").startswith(b"PK")


LISTENING = b'<script>new EventSource("/live").onmessage=()=>location.reload()</script>'


def served(url: str) -> bytes:
    """Return what is served at the address of a file, without the line that waits for changes."""
    url, is_page = url.removesuffix("index.html"), url.endswith("index.html")
    with urllib.request.urlopen(url, timeout=60) as answer:
        data = bytes(answer.read())
    return data.replace(LISTENING, b"") if is_page else data
