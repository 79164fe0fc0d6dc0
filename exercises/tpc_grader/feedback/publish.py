"""Feedback that students may read: HTML that runs nothing, kept with the submission that it belongs to.

nbgrader generates the page, by `tpc_grader.feedback.page`; here it is cleaned, published and found again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import re
from pathlib import Path

import nh3
from tpc_courses.base.files import write_whole
from tpc_courses.base.places import Places
from tpc_courses.base.tokens import tokens_css

from tpc_grader.feedback.formulas import ELEMENTS
from tpc_grader.feedback.numbers import with_numbers_of_today
from tpc_grader.submissions.store import feedback_folder

# What a browser may do with feedback, said by the page itself and by the service that serves it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
# Lengths in formulas are short: what a student writes moves nothing far away.
_LENGTH = re.compile(r"0|[0-9]?(\.[0-9]+)?em")
_FORMULA = {
    "alttext": re.compile(r".*", re.S),
    "display": re.compile("block|inline"),
    "mathvariant": re.compile("normal"),
    "form": re.compile("prefix|infix|postfix"),
    "scriptlevel": re.compile("[0-2]"),
    "linethickness": re.compile("0"),
    **dict.fromkeys(("stretchy", "displaystyle", "accent", "accentunder"), re.compile("true|false")),
    **dict.fromkeys(("lspace", "rspace", "minsize", "maxsize", "width"), _LENGTH),
}
_TAGS = nh3.ALLOWED_TAGS | {"section", "figure", "figcaption", "summary", "details"} | ELEMENTS
_ATTRIBUTES = {
    **{tag: names - {"style"} for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": {"class"},
    "img": {"src", "alt"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "math": {"display", "alttext"},
    "mi": {"mathvariant"},
    "mo": {"form", "stretchy", "lspace", "rspace", "minsize", "maxsize"},
    "mspace": {"width"},
    "mfrac": {"linethickness", "displaystyle", "scriptlevel"},
    "mrow": {"displaystyle", "scriptlevel"},
    "mtable": {"displaystyle", "scriptlevel"},
    "mover": {"accent"},
    "munder": {"accentunder"},
}
_CLASSES = {
    "section": {"test", "good", "bad", "text", "code", "comment"},
    "p": {"total", "output"},
    "pre": {"output"},
    "div": {"output"},
    "span": {"points", "formula"},
    "mtd": {"left", "right"},
    "table": {"difference"},
}


def readable_page(text: str) -> str:
    """Return feedback as one HTML file: cleaned, readable on a phone, told to run and load nothing."""
    return _PAGE.format(policy=html.escape(POLICY), style=tokens_css() + STYLE + RULES, body=clean_body(text))


def clean_body(text: str) -> str:
    """Return what a page shows, with nothing in it that runs, loads, or looks like a part of the campus."""
    return nh3.clean(
        text,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_allowed,
        clean_content_tags={
            "script",
            "style",
            "title",
            "template",
            "noscript",
            "iframe",
            "object",
            "svg",
        },
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
    )


def publish_feedback(places: Places, submission: str, notebook: str, page: str) -> None:
    """Let the student read a page of feedback from now on."""
    folder = feedback_folder(places, submission)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(folder / f"{notebook}.html", readable_page(page))


def released_feedback(places: Places, submission: str) -> dict[str, bytes]:
    """Return the feedback of a submission as it was released: notebook name without suffix -> HTML."""
    pages = sorted(feedback_folder(places, submission).glob("[!.]*.html"))
    return {path.stem: path.read_bytes() for path in pages}


def shown_feedback(places: Places, submission: str) -> dict[str, bytes]:
    """Return the released feedback of a submission with its score of today: notebook name without suffix -> HTML."""
    pages = released_feedback(places, submission)
    return with_numbers_of_today(places, submission, pages) if pages else {}


def released_at(places: Places, submission: str) -> dt.datetime:
    """Return when feedback on a submission was released last; only where there is some."""
    pages = feedback_folder(places, submission).glob("[!.]*.html")
    return dt.datetime.fromtimestamp(max(page.stat().st_mtime for page in pages), dt.UTC)


def released_hashes(places: Places, submission: str) -> dict[str, str]:
    """Return notebook name -> MD5 of its feedback as it is shown (nbgrader compares copies by MD5)."""
    pages = shown_feedback(places, submission)
    return {name: hashlib.md5(page, usedforsecurity=False).hexdigest() for name, page in pages.items()}


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        return " ".join(sorted(set(value.split()) & _CLASSES.get(tag, set()))) or None
    if tag in ELEMENTS:
        return value if _FORMULA[attribute].fullmatch(value) else None
    if tag == "img" and attribute == "src":
        return value if _IMAGE.fullmatch(value) else None
    return None if attribute in ("href", "cite") and value.strip().lower().startswith("data:") else value


# The rules of the sections above, also used where the campus shows feedback between its own header and footer.
RULES = (Path(__file__).parent / "feedback.css").read_text(encoding="utf-8")
STYLE = """
body { margin: 0 auto; max-width: 46rem; padding: 16px; background: var(--paper); color: var(--ink);
  font: var(--text)/1.6 var(--sans); }
a { color: var(--accent); }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Feedback</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<style>{style}</style></head>
<body><main class="feedback">{body}</main></body></html>
"""
