"""Runs a module as `python -m` does, in a process that ends with the one that started it.

    python -m tpc_kernels.linux.parent_death 1234 papermill in.ipynb out.ipynb

1234 is the process that it is tied to, its parent. The kernel watches the parent's thread that started it: a program
with threads must keep that one until the module has ended.
"""

from __future__ import annotations

import os
import runpy
import sys

from tpc_kernels.linux.calls import die_with_parent


def main() -> None:
    """Take the first argument for the parent, the second for the module, and leave it the others."""
    parent, module = int(sys.argv[1]), sys.argv[2]
    die_with_parent()
    if os.getppid() != parent:  # it had ended before the kernel was asked to watch it
        sys.exit(f"{module}: the process {parent} that asked for it has ended")
    del sys.argv[:2]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
