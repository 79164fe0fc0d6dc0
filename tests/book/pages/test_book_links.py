"""A link of a page to a file that is not there is found before an edition is published."""

from __future__ import annotations

import shutil

import pytest
from book_tree import CAMPUS, make_book_tree
from campus_tree import write
from tpc_book.engine.dead_links import dead_links
from tpc_book.gates.data_files import outreach_problems
from tpc_book.site.build import BookError, build_book

FILES = {"index.md", "about.md", "parts/one.md", "lessons/a/b.ipynb", "images/a b.png", "events.ics"}
DEAD = {
    "[x](nofile.md)": "nofile.md",
    "[x](nofile)": "nofile",
    "[x](nofile.pdf)": "nofile.pdf",
    "[x](/nofile.md)": "/nofile.md",
    "[x](parts/nofile.md#there)": "parts/nofile.md#there",
    "[x](<no file.md>)": "no%20file.md",
    "[x][it]\n\n[it]: nofile.md": "nofile.md",
    "- a\n- [x](nofile.md)": "nofile.md",
    "| a |\n|---|\n| [x](nofile.md) |": "nofile.md",
    "> [x](nofile.md)": "nofile.md",
    ":::{note}\n[x](nofile.md)\n:::": "nofile.md",
    "```{note}\n[x](nofile.md)\n```": "nofile.md",
    "````{note}\n```{tip}\n[x](nofile.md)\n```\n````": "nofile.md",
    '<a href="nofile.md">x</a>': "nofile.md",
    '<div>\n<a class="y" href="nofile.md">x</a>\n</div>': "nofile.md",
    "[![x](images/a%20b.png)](nofile.md)": "nofile.md",
}
ALIVE = [
    "[x](about.md)",
    "[x](about.md#anywhere)",
    "[x](/about.md)",
    "[x](./about.md)",
    "[x](about)",
    "[x](parts/one.md)",
    "[x](/lessons/a/b.ipynb)",
    "[x](/lessons/a/b)",
    "[x](images/a%20b.png)",
    "[x](<images/a b.png>)",
    "[x](events.ics)",
    "[x](#here)",
    "[x](mailto:ada@example.org)",
    "[x](https://example.org/nofile.md)",
    "[x](//example.org/nofile.md)",
    "(here)=\n## Here\n\n[x](here)",
    "`[x](nofile.md)`",
    "```\n[x](nofile.md)\n```",
    "```{code} markdown\n[x](nofile.md)\n```",
    "    [x](nofile.md)",
    "\\[x](nofile.md)",
    "$[x](nofile.md$",
]


def found(text: str, name: str = "index.md") -> list[str]:
    return [str(each) for each in dead_links({name: text}, FILES, {name: f"book/content/{name}"})]


@pytest.mark.parametrize(("text", "target"), DEAD.items())
def test_a_dead_link_is_named_with_its_line(text, target):
    page = f"---\ntitle: Page\n---\n\n# Page\n\n{text}\n"
    (problem,) = found(page)
    marks = ("[x]", "href=", "[![x]")
    line = next(i for i, each in enumerate(page.split("\n"), start=1) if any(mark in each for mark in marks))
    assert problem.startswith(
        f"book/content/index.md: line {line}: the link to {target} leads nowhere. Name a file"
    )


@pytest.mark.parametrize("text", ALIVE)
def test_what_leads_somewhere_is_left_alone(text):
    assert found(f"---\ntitle: Page\n---\n\n{text}\n") == []


def test_a_path_begins_at_its_page():
    assert found("[x](../about.md)", "parts/one.md") == []
    assert len(found("[x](about.md)", "parts/one.md")) == 1


def test_check_and_build_refuse_it(tmp_path):
    places = make_book_tree(tmp_path)
    assert "leads nowhere" not in "\n".join(map(str, outreach_problems(places)))
    write(
        places.book / "content" / "broken.md", "---\ntitle: Broken\n---\n\n[x](nofile.md)\n\n[y](gone.md)\n"
    )
    for line, target in ((5, "nofile.md"), (7, "gone.md")):
        said = f"book/content/broken.md: line {line}: the link to {target} leads nowhere"
        assert said in "\n".join(map(str, outreach_problems(places)))
    with pytest.raises(BookError, match=r"(?s)line 5: the link to nofile\.md.*line 7: the link to gone\.md"):
        build_book(places, CAMPUS, execute=False, say=lambda line: None)


def test_without_the_npm_packages_the_remedy_is_to_install_them(tmp_path):
    places = make_book_tree(tmp_path)
    modules = (places.root / "node_modules").resolve()
    (places.root / "node_modules").unlink()
    (places.root / "node_modules").mkdir()
    shutil.copy(modules / ".package-lock.json", places.root / "node_modules")
    with pytest.raises(BookError, match="npm packages are not installed: run `make install`") as told:
        build_book(places, CAMPUS, execute=False, say=lambda line: None)
    assert "free" not in str(told.value)
