"""Runs one notebook in a process of its own, so that its peak memory can be told from others'."""

import json
import logging
import re
import resource
import sys
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager

# The module that forks kernels, as its log records name it; the book imports nothing of it.
PROVISIONER = "provisioner"
# What papermill puts before a cell that raised, and at the top.
MARK = {"papermill-error-cell-tag"}


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


class Slow(logging.Handler):
    """Keeps what the provisioner of kernels warns of; `reason` is empty while kernels are forked."""

    reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Note a warning of the provisioner; papermill's own say nothing that an author could use."""
        if record.module == PROVISIONER:
            self.reason = record.getMessage()


def forgive(run: Path, found: Exception) -> None:
    """Take papermill's marks out of a run in which only cells raised that say so with `raises-exception`.

    papermill fails such a run, after all of its cells have run. Ends with the first other error, or the one `found`.
    """
    notebook = nbformat.read(run, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not MARK & set(cell.metadata.get("tags", []))]
    for cell in notebook.cells:
        if "raises-exception" in cell.metadata.get("tags", []):
            continue
        for error in (out for out in cell.get("outputs", []) if out.output_type == "error"):
            sys.exit("\n".join([*error.traceback, f"{error.ename}: {error.evalue}"]))
        if cell.metadata.get("papermill", {}).get("exception"):
            raise found
    nbformat.write(notebook, run)


def main() -> None:
    """Run `source` into `output` with a limit per cell; print the peak memory of the kernel as JSON.

    Where the kernel could not be forked as it should, `slow` says why.
    """
    source, output, cell_seconds = sys.argv[1:]
    slow, errors = Slow(logging.WARNING), logging.StreamHandler()
    errors.setLevel(logging.ERROR)
    logging.basicConfig(handlers=[slow, errors])
    options: dict[str, Any] = {"kernel_manager_class": MeasuredKernel}
    try:
        papermill.execute_notebook(
            source,
            output,
            parameters={"effort": "quick"},
            progress_bar=False,
            kernel_name="python3",
            execution_timeout=int(cell_seconds),
            **options,
        )
    except papermill.PapermillExecutionError as e:
        forgive(Path(output), e)
    # What the kernel started itself counts where it is a child of ours.
    peak_kib = max(MeasuredKernel.peak_kib, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    print(json.dumps({"peak_memory_mib": round(peak_kib / 1024), "slow": slow.reason}))


main()
