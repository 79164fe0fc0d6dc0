"""Who goes first when the processor is short: a box that has worked little lately, before one that has worked long.

With equal turns for all, whoever opens a lesson while forty others train a model waits forty times as long for the
first output. With these, a click is answered first; long work goes on in what is left, and gets it all when nobody
clicks. (The idea is that of multilevel feedback queues: Corbató and others 1962, doi:10.1145/1460833.1460871.)
"""

from __future__ import annotations

import time

from tpc_kernels.box.limits import Group

LOOK_SECONDS = 1.0
# Enough to start a server and a kernel and to run the first cells of a lesson.
SHORT_CPU_SECONDS = 1.0
# After how long half of what a box has used is forgotten.
HALF_LIFE_SECONDS = 60.0
# Shares of the processor, in hundredths of the default: forty that work long shall not outweigh one click.
FIRST, LATER = 100, 1


class Turns:
    """Follows what one box uses, and sets its share of the processor; does nothing where groups cannot."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._share = FIRST
        self._lately = 0.0
        self._used = group.cpu_seconds()
        self._looked = time.monotonic()

    def look(self) -> None:
        """Set the share by the processor time used lately."""
        used, now = self._group.cpu_seconds(), time.monotonic()
        if used is None or self._used is None:
            return
        self._lately = self._lately * 0.5 ** ((now - self._looked) / HALF_LIFE_SECONDS) + used - self._used
        self._used, self._looked = used, now
        share = FIRST if self._lately < SHORT_CPU_SECONDS else LATER
        if share != self._share:
            self._group.set_cpu_share(share)
            self._share = share
