"""A visitor in a real browser: finds words despite slips, and reads cards on a phone."""

from __future__ import annotations

import functools
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser import chromium
from campus_tree import make_tree, write
from tpc_book.site.build import build_book

CAMPUS = "http://campus.test/services/campus"
QUESTION = """
What is six times seven?

```{code-cell} ipython3
:tags: [hide-input]
print("a field for the number 42")
```
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("visitor")
    places = make_tree(folder / "root", folder / "state")
    lesson = places.lesson("scaling/first-steps")
    write(lesson, lesson.read_text() + QUESTION)
    build_book(places, CAMPUS, execute=False, say=lambda line: None)
    handler = functools.partial(Quiet, directory=str(places.site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def phone():
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
        page = context.new_page()
        page.set_default_timeout(60_000)
        yield page


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("scaling law", "scaling"),
        ("Scaling-Law", "scaling"),
        ("sclaing law", "scaling"),  # swapped
        ("scalling law", "scaling"),  # one too much
        ("compute-optimal", "compute"),
    ],
)
def test_words_are_found_despite_slips(phone, address, asked, found):
    phone.goto(f"{address}/")
    phone.fill("#search", asked)
    first = phone.locator("#hits a").first
    first.wait_for()
    assert found in first.inner_text().lower()
    assert phone.locator("#hits mark").count(), "what was meant is marked"


@pytest.mark.e2e
def test_what_is_nowhere_is_said_to_be_nowhere(phone, address):
    phone.goto(f"{address}/")
    phone.fill("#search", "zzqx vvkw")
    phone.locator("#hits p").wait_for()
    assert phone.locator("#found").inner_text() == "Nothing found"


@pytest.mark.e2e
def test_a_word_comes_before_those_that_it_is_a_part_of(phone, address):
    phone.goto(f"{address}/")
    phone.fill("#search", "loss")
    first = phone.locator("#hits a").first
    first.wait_for()
    assert re.search(r"\bloss", first.inner_text()), first.inner_text()


@pytest.mark.e2e
def test_what_is_found_is_shown_in_whole_words(phone, address):
    phone.goto(f"{address}/")
    phone.fill("#search", "loss")
    phone.locator("#hits span").first.wait_for()
    cut = phone.evaluate(
        """() => { const texts = window.bookRecords.map(([, , , text]) => ` ${text} `);
        const shown = [...document.querySelectorAll('#hits span')].map((span) => span.textContent.replaceAll('…', ''));
        return shown.filter((part) => !texts.some((text) => text.includes(` ${part} `))) }"""
    )
    assert cut == []


@pytest.mark.e2e
def test_a_tap_shows_the_card_and_a_second_one_follows(phone, address):
    phone.goto(f"{address}/contract/")
    term = phone.locator("main a.term[data-card]").first
    term.scroll_into_view_if_needed()
    term.tap()
    card = phone.locator("#card")
    card.wait_for()
    assert phone.url == f"{address}/contract/"
    box = card.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    phone.locator("main h1").tap()
    card.wait_for(state="detached")
    term.tap()
    card.wait_for()
    term.tap()
    phone.wait_for_url("**/glossary/**")


@pytest.mark.e2e
def test_a_question_on_paper_does_not_show_the_code_with_its_answer(phone, address):
    phone.goto(f"{address}/lessons/scaling/first-steps/")
    folded = phone.locator("details.folded", has_text="a field for the number 42")
    assert folded.is_visible()
    phone.evaluate("dispatchEvent(new Event('beforeprint'))")
    phone.emulate_media(media="print")
    assert not folded.is_visible()
    assert phone.get_by_text("What is six times seven?").is_visible()
    phone.emulate_media(media="screen")


@pytest.mark.e2e
def test_the_card_of_a_picture_stays_in_sight_when_the_picture_comes(phone, address):
    desk = phone.context.browser.new_page(viewport={"width": 1400, "height": 900})
    desk.goto(f"{address}/contract/")
    link = desk.get_by_role("link", name="Figure 1", exact=True)
    link.evaluate("link => scrollTo(0, link.getBoundingClientRect().bottom + scrollY - innerHeight + 20)")
    link.hover()
    desk.wait_for_function(
        """() => { const card = document.getElementById('card'), picture = card?.querySelector('img');
        const place = card?.getBoundingClientRect();
        return picture?.naturalHeight && place.top >= 0 && place.bottom <= innerHeight }""",
        timeout=60_000,
    )
    desk.close()
