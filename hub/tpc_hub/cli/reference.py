"""docs/SETTINGS.md and docs/CLI.md, written from the settings and the commands themselves.

`make docs` writes them; a test fails when they are stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tpc_hub.settings.profile import Settings

_SETTINGS = """# Settings

Written by `make docs` from `tpc_hub.settings.profile`; edits are overwritten.

A setting stands in `hub/profiles/<site>.toml`, which `campus up --profile <site>` reads. Plain ones of the first table
(text, numbers, true or false) can be given as variables too, which win: `CAMPUS_PORT=9000`. An unknown key is an error.
`CAMPUS_STATE` says where the state folder lies (`.campus` in the source tree), `CAMPUS_PROFILE` which profile is read.
"""
_CLI = """# Commands

Written by `make docs` from the commands; edits are overwritten. Each ends with code 0, or with 1 after a sentence that
says what is wrong and what to do.
"""


def settings_page() -> str:
    """Return docs/SETTINGS.md."""
    return "\n".join([_SETTINGS, *_tables("", Settings)]).rstrip() + "\n"


def commands_page() -> str:
    """Return docs/CLI.md."""
    from tpc_hub.cli import main  # it loads every command, which takes a second

    return "".join([_CLI, *_commands(main, "campus")]).rstrip() + "\n"


def write(folder: Path) -> None:
    """Write both pages into a folder."""
    for name, page in {"SETTINGS.md": settings_page, "CLI.md": commands_page}.items():
        (folder / name).write_text(page(), encoding="utf-8")


def _tables(section: str, model: type[BaseModel]) -> Iterator[str]:
    fields = model.model_fields.items()
    inner = {name: kind for name, field in fields if (kind := _section_of(field.annotation))}
    yield f"\n## `[{section}]`\n\n{model.__doc__}\n" if section else f"{model.__doc__}\n"
    yield "| setting | type | default | what it says |\n|---|---|---|---|"
    for name, field in fields:
        if name not in inner:
            default = "required" if field.default is PydanticUndefined else f"`{_shown(field.default)}`"
            yield f"| `{name}` | {_kind(field.annotation)} | {default} | {field.description or ''} |"
    for name, kind in inner.items():
        yield from _tables(name, kind)


def _section_of(annotation: Any) -> type[BaseModel] | None:
    kinds = [annotation, *getattr(annotation, "__args__", ())]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _kind(annotation: Any) -> str:
    choices = getattr(annotation, "__args__", ())
    if choices and all(isinstance(choice, str) for choice in choices):
        return " or ".join(f"`{choice}`" for choice in choices)
    named = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}
    if annotation in named:
        return named[annotation]
    return "table" if "dict" in str(annotation) else "path"


def _shown(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | dict) or value == "" else str(value or "none")


def _commands(command: click.Command, path: str, parent: click.Context | None = None) -> Iterator[str]:
    # With the command's own settings, as click itself does: what help is asked with is one of them.
    settings: dict[str, Any] = {"terminal_width": 100, **command.context_settings}
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent, **settings)
    if isinstance(command, click.Group):
        if parent is not None:
            yield f"\n## {path}\n\n{(command.help or '').strip()}\n"
        for name in command.list_commands(context):
            yield from _commands(command.commands[name], f"{path} {name}", context)
    else:
        yield f"\n## {path}\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
