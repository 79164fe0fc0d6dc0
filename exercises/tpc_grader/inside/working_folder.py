"""The folder that a job works in: modules beside the notebook can be imported, and shadow nothing."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any


def enter_folder() -> None:
    """Let modules be imported from the working folder, wherever that is then, after all others."""
    # Files change within the second that compiled ones are compared by.
    sys.dont_write_bytecode = True
    if "" not in sys.path:
        sys.path.append("")


def see_new_files() -> None:
    """Find modules that were written a moment ago: a folder is listed anew only when its time has changed."""
    with contextlib.suppress(OSError, AttributeError):
        finder: Any = sys.path_importer_cache.get(os.getcwd())
        if finder is not None:
            finder.invalidate_caches()
