"""A form that is refused comes back: on its page, filled in, with the sentence beside the field.

This is done to the finished page, so that no page and no form has to know of it. The page is asked for as the sender
would ask for it; what is filled in is what the sender typed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpx
from fastapi import Request
from starlette.datastructures import FormData

from tpc_hub.web.session.identity import PREFIX, campus_of

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

# Where each form is, by its address: the first that fits.
PAGES = (
    (r"(/course/[^/]+/person/[^/]+)/[\w-]+", r"\1"),
    (r"(/course/[^/]+/regrade/[^/]+)/apply", r"\1"),
    (r"(/course/[^/]+)/.+", r"\1/class"),
    (r"(/exercise/.+)/regrade", r"\1"),
    (r"/done/.+", "/course/{course}"),
    (r"/(?:join|keep)", "/"),
)
ANEW = "Passwords and files are not filled in again: give them anew."
Values = Sequence[tuple[str, str]]


def page_of(path: str, values: Values = ()) -> str | None:
    """Return the address of the page whose form is sent to `path`; None when no page is known."""
    for pattern, page in PAGES:
        if found := re.fullmatch(pattern, path.removeprefix(PREFIX)):
            address = found.expand(page)
            if "{course}" in address:
                address = address.replace("{course}", quote(dict(values).get("course", ""), safe=""))
            return f"{PREFIX}{address}"
    return None


async def typed_values(request: Request) -> Values:
    """Return what a form of our own pages held; nothing for one that another site sent."""
    origin, own = request.headers.get("origin"), urlsplit(campus_of(request).settings.url)
    form: FormData | None = getattr(request, "_form", None)
    if form is None or (origin is not None and origin != f"{own.scheme}://{own.netloc}"):
        return ()
    pairs = form.multi_items()
    return [(name, value) for name, value in pairs if isinstance(value, str) and name != "form_token"]


async def refused_page(request: Request, message: str, field: str) -> str | None:
    """Return the page of a refused form with the form filled in; None when there is no such form for the sender."""
    values = await typed_values(request)
    address = page_of(request.url.path, values)
    if address is None or not values:
        return None
    headers = {"accept": "text/html", "cookie": request.headers.get("cookie", "")}
    base = str(request.base_url)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=request.app), base_url=base) as service:
        answer = await service.get(address, headers=headers)
    return (
        filled_in(answer.text, request.url.path, address, values, message, field)
        if answer.is_success
        else None
    )


def filled_in(
    html: str, action: str, address: str, values: Values, message: str, field: str = ""
) -> str | None:
    """Return the page at `address` with what was typed in the form that is sent to `action`, and why it was refused.

    None when no form of the page is sent there.
    """
    from bs4 import BeautifulSoup  # 0.2 s, and most processes never refuse a form

    page = BeautifulSoup(html, "html.parser")
    main, form = page.select_one("main"), _form(page, action, values)
    if main is None or form is None:
        return None
    main["data-page"] = address
    if page.title is not None:
        page.title.insert(0, "Not done: ")
    for control in form.select("input, select, textarea"):
        _fill(control, values)
    _say(page, form, message, field)
    return str(page)


def _form(page: BeautifulSoup, action: str, values: Values) -> Tag | None:
    """Return the form of an address; of several the one that is about the same thing."""
    buttons = page.select(f'[formaction="{action}"]')
    forms = [form for form in page.select("form") if form.get("action") == action]
    forms += [form for button in buttons if (form := button.find_parent("form"))]
    hidden = 'input[type="hidden"]'

    def alike(form: Tag) -> int:
        return sum((str(each.get("name")), str(each.get("value"))) in values for each in form.select(hidden))

    return max(forms, key=alike, default=None)


def _fill(control: Tag, values: Values) -> None:
    given = [value for name, value in values if name == control.get("name")]
    kind = control.get("type", "text")
    if kind in ("hidden", "password", "file", "submit") or (not given and kind not in ("checkbox", "radio")):
        return
    if control.name == "textarea":
        # The first line break of a text area is not part of its text.
        control.string = f"\n{given[0]}"
    elif control.name == "select":
        for option in control.select("option"):
            _mark(option, "selected", option.get("value", option.text) in given)
    elif kind in ("checkbox", "radio"):
        _mark(control, "checked", control.get("value", "on") in given)
    else:
        control["value"] = given[0]


def _mark(tag: Tag, name: str, wanted: bool) -> None:
    if wanted:
        tag[name] = ""
    else:
        tag.attrs.pop(name, None)


def _say(page: BeautifulSoup, form: Tag, message: str, field: str) -> None:
    """Put the sentence beside the field that it is about, else over the form, and the focus with it."""
    told = page.new_tag("p", attrs={"class": "wrong", "id": "refused", "data-stay": ""}, string=message)
    if form.select_one('input[type="password"], input[type="file"]'):
        told.append(f" {ANEW}")
    shown = [each for each in form.select("input, select, textarea") if each.get("type") != "hidden"]
    named = [each for each in shown if each.get("name") == field]
    # What is said of no field is about the only one that there is.
    control = named[0] if named else shown[0] if len(shown) == 1 and not field else None
    if control is None:
        told.attrs |= {"role": "alert", "tabindex": "-1", "autofocus": ""}
        form.insert(0, told)
    else:
        before = str(control.get("aria-describedby") or "")
        control.attrs |= {"aria-invalid": "true", "aria-describedby": f"{before} refused".strip()}
        control.attrs |= {"autofocus": "", "data-stay": ""}
        control.insert_after(told)
    for around in told.find_parents("details"):
        around["open"] = ""
