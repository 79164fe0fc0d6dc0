"""Puts the trees of some pages in the place of those that are kept, in all that the engine writes of a page."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

# A line of the inventory, in the format of Sphinx: name, kind, priority, address, title.
LINE = re.compile(r".*? \S+:(\S+) -?\d+ (\S*) .*")
HASHED = re.compile(r"[0-9a-f]{32}\.\w+$")
Item = TypeVar("Item")


def splice(kept: Path, made: Path, slugs: Collection[str]) -> None:
    """Put what was made of some pages in the place of what is kept of them.

    `kept` is a folder with files that may be replaced, but not written into.
    """
    for slug in slugs:
        _put(kept / "content" / f"{slug}.json", (made / "content" / f"{slug}.json").read_bytes())
    for path in (made / "public").iterdir():
        _put(kept / "public" / path.name, path.read_bytes())
    config, other = _read(kept / "config.json"), _read(made / "config.json")
    pages = config["projects"][0]["pages"]
    entries = {entry.get("slug"): entry for entry in other["projects"][0]["pages"]}
    config["projects"][0]["pages"] = [
        {**entries[page["slug"]], "level": page["level"]} if page.get("slug") in slugs else page
        for page in pages
    ]
    _put(kept / "config.json", _text(config))
    order = ["index", *(page["slug"] for page in pages if "slug" in page)]
    before, now = (_read(folder / "myst.xref.json")["references"] for folder in (kept, made))
    joined = _joined(before, now, slugs, order, lambda entry: (0, _slug(entry["url"])))
    _put(kept / "myst.xref.json", _text({**_read(kept / "myst.xref.json"), "references": joined}))
    _splice_inventory(kept / "objects.inv", made / "objects.inv", slugs, order)
    _drop_unnamed(kept)


def _joined(
    before: Iterable[Item],
    now: Iterable[Item],
    slugs: Collection[str],
    order: Sequence[str],
    place: Callable[[Item], tuple[int, str]],
) -> list[Item]:
    """Return the items of some pages from `now` and those of all others from `before`, in the order of the book."""
    items = [item for item in before if place(item)[1] not in slugs]
    items += [item for item in now if place(item)[1] in slugs]
    number = {slug: index for index, slug in enumerate(order)}

    def key(item: Item) -> tuple[int, int]:
        section, slug = place(item)
        return section, number.get(slug, len(number))

    return sorted(items, key=key)


def _splice_inventory(kept: Path, made: Path, slugs: Collection[str], order: Sequence[str]) -> None:
    """Join what other books may link to: first all pages, then all targets."""
    *head, before = kept.read_bytes().split(b"\n", 4)
    now = made.read_bytes().split(b"\n", 4)[-1]

    def place(line: str) -> tuple[int, str]:
        found = LINE.fullmatch(line)
        return (0, "index") if found is None else (int(found[1] != "doc"), _slug(found[2]))

    old, new = (zlib.decompress(body).decode().splitlines(keepends=True) for body in (before, now))
    lines = _joined(old, new, slugs, order, lambda line: place(line.rstrip("\n")))
    _put(kept, b"\n".join([*head, zlib.compress("".join(lines).encode())]))


def _drop_unnamed(kept: Path) -> None:
    """Delete the files that no page names any more."""
    texts = [
        path.read_text(encoding="utf-8") for path in (*kept.glob("content/*.json"), kept / "config.json")
    ]
    named = {name for text in texts for name in re.findall(r"/([\w.-]*[0-9a-f]{32}\.\w+)", text)}
    for path in (kept / "public").iterdir():
        if HASHED.search(path.name) and path.name not in named:
            path.unlink()


def _slug(address: str) -> str:
    """Return the slug of a page by its address, with or without a target."""
    return address.partition("#")[0].strip("/").replace("/", ".") or "index"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _put(path: Path, data: bytes) -> None:
    """Write a file anew: the old one is shared with the folder that it was linked from."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)
