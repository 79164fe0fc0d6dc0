"""Runs one notebook in a process of its own, so that its peak memory can be told from others'."""

import json
import logging
import resource
import sys

import papermill


def main() -> None:
    """Run `source` into `output` with a limit per cell; print the peak memory of the kernel as JSON."""
    source, output, cell_seconds = sys.argv[1:]
    logging.disable(logging.WARNING)
    papermill.execute_notebook(
        source,
        output,
        parameters={"effort": "quick"},
        progress_bar=False,
        kernel_name="python3",
        execution_timeout=int(cell_seconds),
    )
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"peak_memory_mib": round(peak_kib / 1024)}))


main()
