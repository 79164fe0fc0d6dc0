"""Tells a person, where they work, that their home is full: in the box, by the limit of `tpc_kernels.box.quota`."""

from __future__ import annotations

import errno
import json
import resource
import sys
from typing import Any

MESSAGE = (
    "Your home is full: until you delete some files, no file over 64 KiB can be written. "
    "`du -ah ~ | sort -h | tail` in a terminal shows the largest. A few seconds after that, try again."
)


def is_full() -> bool:
    """Return whether this process may write less than usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    return soft != hard


def refuse_to_save(model: dict[str, Any], path: str, **_: object) -> None:
    """Refuse to save what would fail, in words (a hook of Jupyter's contents manager); raises HTTPError."""
    if not is_full():
        return
    content = model.get("content")
    size = len(content if isinstance(content, str) else json.dumps(content))
    if size > resource.getrlimit(resource.RLIMIT_FSIZE)[0]:
        from tornado.web import HTTPError

        raise HTTPError(507, f"{path}: not saved. {MESSAGE}")


def explain(result: Any) -> None:
    """Say below a cell why it could not write (a hook of IPython, after each cell)."""
    error = result.error_in_exec
    if isinstance(error, OSError) and error.errno == errno.EFBIG and is_full():
        print(MESSAGE, file=sys.stderr)
