"""Python in the reader's browser: which cells run there, that it is made of our parts alone, and who may send code."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile

import nbformat
import pytest
import uvicorn
from browser import chromium, new_page
from campus_tree import REPOSITORY, make_tree
from running_campus import free_ports
from signed_in import HUB
from tpc_book.lessons.in_browser import code_for, runnable
from tpc_book.lessons.lite import LiteError, current, ensure_lite, lite_folder
from tpc_book.lessons.lite_notebooks import code_to_run, notebook, try_address
from tpc_book.lessons.lite_packages import LOCK, Provided, closure, lab_modules, normal, provided
from tpc_book.site.build import build_book
from tpc_courses.sources.lesson import notebook_from
from tpc_courses.sources.manifest import load_courses

CAMPUS = "http://campus.test/services/campus"
COUNTING = "scaling/counting"


# Which cells run, found by reading them

STANDARD = Provided(frozenset({"math", "random", "statistics"}))


def kept(*sources: str, modules=STANDARD) -> list[str]:
    return [cell.text for cell in runnable(sources, modules)]


def test_a_cell_runs_when_all_it_uses_does():
    cells = kept(
        "import math\nimport numpy as np", "x = math.sqrt(4)", "y = np.ones(3)", "print(x)", "print(y)"
    )
    assert cells == ["import math", "x = math.sqrt(4)", "", "print(x)", ""]


def test_what_is_missing_is_named_through_other_cells():
    cells = runnable(["import numpy as np", "y = np.ones(3)", "z = y.sum()", "print(nowhere)"], STANDARD)
    assert [cell.missing for cell in cells] == [(), ("numpy",), ("numpy",), ("nowhere",)]


def test_names_from_a_module_are_looked_at_one_by_one():
    lab = Provided(frozenset({"tpc_lab", "tpc_lab.counting", "math"}))
    assert kept("from tpc_lab import counting, tinygpt", modules=lab) == ["from tpc_lab import counting"]
    assert kept("from tpc_lab.counting import pf_days", modules=lab) == [
        "from tpc_lab.counting import pf_days"
    ]
    assert kept("from tpc_lab.scaling import Run", modules=lab) == [""]


def test_a_cell_left_behind_takes_what_it_would_have_set():
    assert kept("import numpy", "x = 1", "x = numpy.ones(1)", "print(x)") == ["", "x = 1", "", ""]
    assert kept("import numpy", "rows = []", "rows.append(numpy.ones(1))", "len(rows)")[3] == ""


def test_a_command_of_ipython_stays_behind():
    assert kept("%pip install x", "!ls", "1 + 1") == ["", "", "1 + 1"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, *b, c=1, **d):\n    e = a\n    return [g for g in (e, b, c, d)]",
        "class A:\n    size = 1\n    def twice(self):\n        return 2 * self.size",
        "total = 0\nfor i, x in enumerate([1]):\n    total += x * i",
        "double = lambda x: 2 * x",
        "print({k: v for k, v in {1: 2}.items()}, sum(n for n in (1, 2)))",
        "with open('f') as file:\n    text = file.read()",
    ],
)
def test_names_bound_inside_are_not_taken_for_missing(source):
    assert kept(source) == [source]


def test_one_cell_brings_what_it_needs_and_no_more():
    sources = [
        "import math, random",
        "a = 2",
        "b = 3",
        "rows = []\nrows.append(a)",
        "print(b)",
        "print(rows, math.pi)",
    ]
    cells = runnable(sources, STANDARD)
    assert code_for(cells, 5) == "import math\na = 2\nrows = []\nrows.append(a)\nprint(rows, math.pi)"


# What is made


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A book with the real lesson on counting, and Python for the browser beside it."""
    folder = tmp_path_factory.mktemp("lite")
    places = make_tree(folder / "root", folder / "state")
    lesson = places.lesson(COUNTING)
    shutil.copyfile(REPOSITORY / "notebooks" / f"{COUNTING}.md", lesson)
    shutil.copytree(REPOSITORY / "notebooks" / "tpc_lab", places.notebooks / "tpc_lab")
    course = places.courses / "scaling.yml"
    course.write_text(course.read_text() + f"  - lesson: {COUNTING}\n")
    ensure_lite(places, say=lambda line: None)
    build_book(places, CAMPUS, execute=False, say=lambda line: None)
    return places


def test_python_comes_from_this_site_alone(made):
    lite = made.site / "lite"
    settings = json.loads((lite / "jupyter-lite.json").read_text())["jupyter-config-data"][
        "litePluginSettings"
    ]
    kernel = settings["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert kernel["pyodideUrl"] == "./static/pyodide/pyodide.mjs"
    assert kernel["disablePyPIFallback"] is True
    pyodide = lite / "static" / "pyodide"
    packages = json.loads((pyodide / LOCK).read_text())["packages"]
    assert {"ipython", "micropip", "anywidget", "tpc-lab"} <= set(packages)
    for entry in packages.values():
        assert (pyodide / entry["file_name"]).exists(), "the lock names only what is there"
        assert {normal(name) for name in entry["depends"]} <= {normal(name) for name in packages}
    assert "numpy" not in packages
    assert closure(packages, ["tpc-lab"])


def test_the_wheel_holds_the_same_source_and_only_what_runs(made):
    wheel = next((made.site / "lite" / "static" / "pyodide").glob("tpc_lab-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
        for name in names:
            assert archive.read(name) == (REPOSITORY / "notebooks" / name).read_bytes()
    assert "tpc_lab/counting.py" in names
    assert "tpc_lab/published/__init__.py" in names
    assert "tpc_lab/scaling.py" not in names, "it imports numpy"


def test_every_cell_that_is_offered_runs_without_what_is_not_there(repository, made, tmp_path):
    """Run what each real lesson offers in an interpreter that has the browser's modules and no others."""
    lock = json.loads((current(made) / "static" / "pyodide" / LOCK).read_text())
    lab = lab_modules(repository, lock)
    known = provided(lock, lab)
    absent = sorted(
        {f"tpc_lab.{path.stem}" for path in (repository.notebooks / "tpc_lab").glob("*.py")} - set(lab)
    )
    offered = 0
    for slug in (slug for course in load_courses(repository) for slug in course.lessons):
        sources = [
            cell.source for cell in notebook_from(repository.lesson(slug)).cells if cell.cell_type == "code"
        ]
        cells = runnable(sources, known)
        blocks = [code_for(cells, index) for index, cell in enumerate(cells) if cell.statements]
        offered += len(blocks)
        script = tmp_path / "run.py"
        script.write_text(ONLY.format(absent=absent, blocks=blocks))
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, f"{slug}: {done.stderr[-800:]}"
    assert offered > 15


ONLY = """
import sys
class Only:
    def find_spec(self, name, path=None, target=None):
        if name in absent or name.split(".")[0] in {{"numpy", "scipy", "jax", "jaxlib", "matplotlib", "optax"}}:
            raise ModuleNotFoundError(name)
absent = set({absent!r})
sys.meta_path.insert(0, Only())
for block in {blocks!r}:
    exec(compile(block, block, "exec"), {{"display": print}})
"""


def test_a_notebook_lists_what_stays_on_the_campus(made):
    path = made.site / "lite" / "files" / f"{COUNTING}.ipynb"
    shown = nbformat.read(path, as_version=4)
    nbformat.validate(shown)
    code = "\n".join(cell.source for cell in shown.cells if cell.cell_type == "code")
    text = "\n".join(cell.source for cell in shown.cells if cell.cell_type == "markdown")
    assert "jax" not in code
    assert "from tpc_lab import counting" in code
    assert "On the campus only: needs jax" in text
    listing = json.loads((made.site / "lite" / "api" / "contents" / "scaling" / "all.json").read_text())
    assert [entry["name"] for entry in listing["content"]] == ["counting.ipynb"]


def test_pages_offer_it_where_it_runs(made):
    text = (made.site / "lessons" / COUNTING / "index.html").read_text()
    assert 'href="../../../lite/notebooks/index.html?path=scaling/counting.ipynb"' in text
    assert text.count('class="run-here') >= 8
    assert "<iframe" not in text, "it is loaded on a click, not with the page"
    other = (made.site / "lessons" / "data" / "first-steps" / "index.html").read_text()
    assert "lite/notebooks" not in other, "one cell is not worth it"


def test_without_it_no_page_offers_it(tree):
    assert try_address(tree, "scaling/first-steps") == ""
    assert code_to_run(tree, "scaling/first-steps") == {}


def test_it_is_made_once(made):
    said: list[str] = []
    assert ensure_lite(made, say=said.append) == current(made)
    assert said == []


def test_a_second_edition_shares_the_files(made):
    base = current(made) / "static" / "pyodide" / "pyodide.asm.wasm"
    assert (made.site / "lite" / "static" / "pyodide" / "pyodide.asm.wasm").samefile(base)
    assert "tpc-lab" not in json.loads((current(made) / "static" / "pyodide" / LOCK).read_text())["packages"]


# More of Python, where a site has it


def release_with(places, folder, version_of: str | None = None):
    """Write an archive like a release of Pyodide: its core, and a package more that stands for NumPy."""
    core = places.root / "node_modules" / "pyodide"
    lock = json.loads((core / LOCK).read_text())
    wheel = folder / "numpy-2.9.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("numpy/__init__.py", "ones = list\n")
        archive.writestr(
            "numpy-2.9.9.dist-info/METADATA", "Metadata-Version: 2.1\nName: numpy\nVersion: 2.9.9\n"
        )
    lock["packages"]["numpy"] |= {"version": "2.9.9", "file_name": wheel.name}
    lock["info"] |= {"python": version_of or lock["info"]["python"]}
    release = folder / "pyodide.tar.bz2"
    with tarfile.open(release, "w:bz2") as archive:
        archive.add(wheel, f"pyodide/{wheel.name}")
        text = json.dumps(lock).encode()
        entry = tarfile.TarInfo(f"pyodide/{LOCK}")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return release


def test_a_full_pyodide_brings_more_cells(made, tmp_path):
    places = make_tree(tmp_path / "root", tmp_path / "state")
    shutil.copytree(REPOSITORY / "notebooks", places.notebooks, dirs_exist_ok=True)
    shutil.copytree(lite_folder(made), lite_folder(places), symlinks=True)  # its tools
    ensure_lite(places, str(release_with(places, tmp_path)), say=lambda line: None)
    lock = json.loads((current(places) / "static" / "pyodide" / LOCK).read_text())
    assert lock["packages"]["numpy"]["version"] == "2.9.9"
    modules = lab_modules(places, lock)
    assert "tpc_lab.dedup" in modules
    assert "tpc_lab.tinygpt" not in modules
    few, more = (
        notebook(places, "data/near-duplicates", provided(names, lab_modules(places, names)))
        for names in (json.loads((current(made) / "static" / "pyodide" / LOCK).read_text()), lock)
    )
    assert count_code(more) > count_code(few)


def count_code(shown) -> int:
    return sum(cell.cell_type == "code" for cell in shown.cells)


def test_a_pyodide_of_another_version_is_refused(made, tmp_path):
    before = current(made)
    release = release_with(made, tmp_path, version_of="3.11.0")
    with pytest.raises(LiteError, match=r"(?s)3\.11\.0.*needs.*The book stays as it is"):
        ensure_lite(made, str(release), say=lambda line: None)
    assert current(made) == before


def test_a_release_of_the_core_is_refused_as_it_brings_no_package(made, tmp_path):
    before = current(made)
    release = tmp_path / "core.tar.bz2"
    with tarfile.open(release, "w:bz2") as archive:
        archive.add(made.root / "node_modules" / "pyodide" / LOCK, f"pyodide/{LOCK}")
    with pytest.raises(LiteError, match=r"no packages in it.*full release"):
        ensure_lite(made, str(release), say=lambda line: None)
    assert current(made) == before


def test_a_broken_archive_is_named(made, tmp_path):
    (tmp_path / "no.tar.bz2").write_bytes(b"nothing")
    with pytest.raises(LiteError, match="campus build lite"):
        ensure_lite(made, str(tmp_path / "no.tar.bz2"), say=lambda line: None)
    assert not list(lite_folder(made).glob("work-*"))


# Who may send code, and the real thing


@pytest.fixture(scope="module")
def served(made):
    """The book as the campus serves it; yields its address."""
    from tpc_hub.web.app import make_app

    port = free_ports()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "CAMPUS_ROOT": str(made.root),
            "CAMPUS_STATE": str(made.state),
            **HUB,
        }.items():
            patch.setenv(name, value)
        server = uvicorn.Server(uvicorn.Config(make_app(), port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/book"
    server.should_exit = True
    thread.join(10)


def fetched(url: str, **headers: str):
    import httpx

    return httpx.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


REPL = "/lite/repl/index.html?kernel=python&code=print(1)&execute=1"


def test_code_is_taken_from_pages_of_the_book_only(served):
    assert fetched(served + REPL, Sec_Fetch_Site="same-origin").status_code == 200
    # Browsers name the site only to addresses that they trust; elsewhere the page that leads here tells.
    assert fetched(served + REPL, Referer=f"{served}/lessons/").status_code == 200
    for headers in (
        {},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ):
        answer = fetched(served + REPL, **headers)
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("/lite/repl/index.html?kernel=python")
    evil = fetched(served + REPL, Referer="http://elsewhere.test/book/", Sec_Fetch_Site="cross-site")
    assert evil.status_code == 303


@pytest.mark.parametrize(
    "detour", ["/x%2f..%2flite/repl/index.html?code=1", "/%2flite/repl/index.html?code=1"]
)
def test_no_detour_leads_around_the_door(served, detour):
    assert fetched(served + detour).status_code in (303, 404)


def test_search_engines_find_their_file_at_the_top_of_the_host(served):
    answer = fetched(served.removesuffix("/book") + "/robots.txt")
    assert answer.status_code == 200
    assert "Disallow: /book/lite/" in answer.text
    assert fetched(f"{served}/sitemap.xml").status_code == 200


def test_an_address_without_its_last_slash_leads_to_the_page(served):
    import httpx

    page = re.findall(r"<loc>[^<]*/book/([^<]+)/</loc>", fetched(f"{served}/sitemap.xml").text)[0]
    answer = fetched(f"{served}/{page}")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{served}/{page}/")
    # Link checkers ask for the head only.
    assert httpx.head(f"{served}/{page}/").status_code == 200


def test_campus_pages_have_the_type_of_the_book(served):
    folder = served.removesuffix("/book") + "/services/campus/fonts"
    styles = (REPOSITORY / "hub" / "tpc_hub" / "static" / "fonts.css").read_text()
    fonts = re.findall(r"url\(\{\{ font_folder \}\}([\w.]+)\)", styles)
    assert len(fonts) == 2
    for font in fonts:
        answer = fetched(f"{folder}/{font}")
        assert (answer.status_code, answer.content[:4]) == (200, b"wOF2")
    assert fetched(f"{folder}/search.js").status_code == 404
    assert "font_folder" not in fetched(f"{served}/book.css").text


def test_what_runs_may_reach_this_site_only(served):
    policy = fetched(f"{served}/lite/notebooks/index.html?path=a.ipynb", Sec_Fetch_Site="none").headers
    assert "default-src 'self'" in policy["content-security-policy"]
    assert "frame-ancestors 'self'" in policy["content-security-policy"]
    assert "content-security-policy" not in fetched(f"{served}/").headers


@pytest.mark.e2e
def test_a_reader_runs_a_lesson_and_a_cell_without_leaving_the_site(served):
    with chromium() as browser:
        page = new_page(browser)
        page.set_default_timeout(300_000)  # Python in the browser starts with all the work of one processor
        outside: list[str] = []
        page.on(
            "request",
            lambda request: (
                outside.append(request.url)
                if not request.url.startswith((served, "data:", "blob:")) and "/favicon" not in request.url
                else None
            ),
        )
        page.goto(f"{served}/lessons/{COUNTING}/")
        assert not [frame for frame in page.frames if "lite" in frame.url], "nothing is loaded before a click"
        page.get_by_role("link", name="Try in the browser").click()
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        page.get_by_text("agree with ends:    0 of 6").wait_for()
        assert page.locator(".jp-OutputArea-output[data-mime-type*=error]").count() == 0
        assert page.get_by_text("On the campus only").count()
        assert page.get_by_text("Help › Clear Browser Data").count()
        assert page.evaluate("() => window.jupyterapp.commands.hasCommand('application:clear-browser-data')")

        page.goto(f"{served}/lessons/{COUNTING}/")
        button = page.get_by_role("button", name="Run here").last
        button.focus()
        page.keyboard.press("Enter")
        page.frame_locator("iframe.python").get_by_text("73m: the head is 21% of the cost").wait_for()
        assert button.get_attribute("aria-expanded") == "true"
        button.press("Enter")
        assert page.locator("iframe.python").count() == 0
        assert outside == []
