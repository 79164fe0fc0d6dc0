"""No files for who looks at the formgrader's server."""

from __future__ import annotations

from typing import Any

from jupyter_server.services.contents.filemanager import FileContentsManager


class NoFiles(FileContentsManager):
    """Serves none of the files of the course folder: they hold solutions, hidden tests and the gradebook."""

    def get_extra_handlers(self) -> list[Any]:
        """Return no handler, where others serve each file below /files/."""
        return []
