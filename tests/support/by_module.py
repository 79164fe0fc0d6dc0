"""Which tests go to the same process where several run them: those of a module."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# Of these modules each parameter has fixtures of its own.
DIVIDED = ("test_exercises.py", "test_nbgrader_suite.py")


class ByModule(LoadScopeScheduling):
    """Gives the tests of a module to one process, as they share what its fixtures start.

    What xdist has for that, `--dist loadgroup`, does nothing with pytest 9.2 (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, test = nodeid.partition("::")
        return path + test.partition("[")[2] if path.endswith(DIVIDED) else path
