"""Runs one notebook in a process of its own, so that its peak memory can be told from others'."""

import json
import logging
import re
import resource
import sys
from pathlib import Path
from typing import Any

import papermill
from jupyter_client.manager import AsyncKernelManager


class MeasuredKernel(AsyncKernelManager):
    """A kernel whose peak memory is noted when it is shut down, also where it is no child of this process."""

    peak_kib = 0

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:  # type: ignore[override]
        """Note the peak, then shut the kernel down."""
        status = Path(f"/proc/{getattr(self.provisioner, 'pid', 0)}/status")
        found = (
            re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.exists() else None
        )
        MeasuredKernel.peak_kib = int(found[1]) if found else 0
        await self._async_shutdown_kernel(now=now, restart=restart)


def main() -> None:
    """Run `source` into `output` with a limit per cell; print the peak memory of the kernel as JSON."""
    source, output, cell_seconds = sys.argv[1:]
    logging.disable(logging.WARNING)
    options: dict[str, Any] = {"kernel_manager_class": MeasuredKernel}
    papermill.execute_notebook(
        source,
        output,
        parameters={"effort": "quick"},
        progress_bar=False,
        kernel_name="python3",
        execution_timeout=int(cell_seconds),
        **options,
    )
    # What the kernel started itself counts where it is a child of ours.
    peak_kib = max(MeasuredKernel.peak_kib, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    print(json.dumps({"peak_memory_mib": round(peak_kib / 1024)}))


main()
