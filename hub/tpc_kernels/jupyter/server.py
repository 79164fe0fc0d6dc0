"""What a forked process becomes: a Jupyter server for one person, or a kernel."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tpc_kernels.box import full_home
from tpc_kernels.box.order import Order
from tpc_kernels.forkserver.child import be_forked, take_leave
from tpc_kernels.forkserver.server import Forkserver, listen

# Where a box's own forkserver listens, and how a kernel provisioner learns it.
SOCKET = "/run/forkserver.sock"
SOCKET_VARIABLE = "TPC_FORKSERVER"
# The listening socket of the server, after standard input, output and error.
LISTENER = 3
LONG_CELL_SECONDS = 0.1

# What an operator sets where OpenBLAS takes a processor for another one: it reads this when it is loaded.
_PROCESSOR = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
# One thread while preloading, so that forking is safe; plots appear in the notebook.
PRELOAD_ENVIRONMENT = {
    **{name: os.environ[name] for name in _PROCESSOR if name in os.environ},
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # debugpy would warn about frozen modules at each preloading
}
# What a server imports until a notebook is open; found by comparing `sys.modules` before and after.
SERVER_MODULES = (
    "tpc_kernels.jupyter.server",
    "tpc_kernels.jupyter.presence",
    "tpc_kernels.jupyter.provisioner",
    "jupyterhub.singleuser.extension",
    "jupyter_server.serverapp",
    "jupyter_server.kernelspecs.handlers",
    "jupyter_server.nbconvert.handlers",
    "jupyter_server.services.api.handlers",
    "jupyter_server.services.config.handlers",
    "jupyter_server.services.contents.handlers",
    "jupyter_server.services.events.handlers",
    "jupyter_server.services.kernels.connection.channels",
    "jupyter_server.services.kernels.handlers",
    "jupyter_server.services.kernelspecs.handlers",
    "jupyter_server.services.nbconvert.handlers",
    "jupyter_server.services.security.handlers",
    "jupyter_server.services.sessions.handlers",
    "jupyter_server.services.shutdown",
    "jupyter_server.view.handlers",
    "jupyter_server_terminals",
    "jupyterlab.labapp",
    "jupyterlab_jupytext",
    "jupyterlab_server.handlers",
    "jupytext.async_contentsmanager",
    "nbconvert.exporters",
    "ipykernel.kernelspec",
    "jupyter_core.migrate",
    "nbgrader.apps",
    "nbgrader.server_extensions.assignment_list.handlers",
    "nbgrader.server_extensions.validate_assignment.handlers",
    "notebook.app",
    "notebook_shim.nbserver",
    "jinja2.ext",
    "anyio._backends._asyncio",
    "httpcore",
    "httpx",
    "tornado.platform.asyncio",
)
KERNEL_MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",  # with debugpy: a third of a kernel's start, and of the memory it has to itself
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "psutil",
    "sqlite3",
    "tornado.platform.asyncio",
    "ipywidgets",
    "anywidget",
    "numpy",
    "jax",
    "jax.numpy",
    "optax",
    "scipy.stats",
    "scipy.optimize",
    "matplotlib.pyplot",  # and not matplotlib_inline: importing it in the kernel is what makes figures appear
    "faulthandler",
)


def serve_person(arguments: list[str]) -> int:
    """Be the first process of a person's box: fork the Jupyter server, then kernels for it, until it ends.

    `arguments` are those of jupyterhub-singleuser; descriptor 3 is the socket it listens on.
    """
    server = os.fork()
    if server == 0:
        be_forked(lambda: _run_to_the_end(arguments))
    os.close(LISTENER)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(server, signal.SIGTERM))
    end = os.pidfd_open(server)
    Forkserver(listen(SOCKET), spared=[server]).serve(until=end, adopt_orphans=True)
    code = os.waitstatus_to_exitcode(os.waitpid(server, 0)[1])
    return code if code >= 0 else 128 - code


def _run_to_the_end(arguments: list[str]) -> int:
    try:
        return run_server(arguments)
    finally:
        take_leave()


def run_server(arguments: list[str]) -> int:
    """Run the single-user server on the socket that waits at descriptor 3."""
    from jupyter_server.serverapp import ServerApp
    from jupyterhub.singleuser.extension import main

    _make_room()
    listener = socket.socket(fileno=LISTENER)
    listener.setblocking(False)
    # The address in the settings is the one outside; inside there is just this socket.
    ServerApp._find_http_port = lambda self: None  # type: ignore[method-assign]
    ServerApp._bind_http_server = lambda self: _listen(self, listener)  # type: ignore[method-assign]
    sys.argv = ["jupyterhub-singleuser", *arguments]
    return main() or 0


def _listen(app: Any, listener: socket.socket) -> None:
    app.http_server.add_socket(listener)
    # The kernel may give SIGTERM to any thread, and the one that waits for requests would sleep on: have it woken.
    app.io_loop.asyncio_loop.add_signal_handler(signal.SIGTERM, app._signal_stop, signal.SIGTERM, None)


def _make_room() -> None:
    """Keep settings in memory while nothing can be written at home, so that its owner can get in and tidy up."""
    try:
        with tempfile.TemporaryFile(dir=os.environ.get("HOME")) as file:
            file.write(b"room")
            file.flush()
    except OSError as e:
        print(f"The home cannot be written ({e.strerror}): settings are not kept this time.", file=sys.stderr)
        folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}
        os.environ |= {name: f"/run/{folder}" for name, folder in folders.items()}


def run_kernel(arguments: list[str]) -> int:
    """Run an IPython kernel; `arguments` are those after `ipykernel_launcher`."""
    from ipykernel.kernelapp import IPKernelApp

    set_blas_threads(_usable_cpus())
    _choose_platforms()
    sys.argv = [str(Path(__file__)), *arguments]
    # Its parent is the forkserver; the server ends it. 1 stands for a parent that never dies.
    app: Any = IPKernelApp.instance()
    app.initialize([*arguments, "--IPKernelApp.parent_handle=1"])
    # What lies beside the notebook can be imported. A stock kernel looks there first, and a student's random.py is
    # then everybody's; the preloaded process looks nowhere but at what is installed, so this comes last.
    if "" not in sys.path:
        sys.path.append("")
    _return_memory_after_cells(app.shell.events)
    app.shell.events.register("post_run_cell", full_home.explain)
    app.start()
    return 0


def _return_memory_after_cells(events: Any) -> None:
    """Return to the machine what a long cell has freed; the allocator would keep it for the next cell.

    A lesson that trains with JAX leaves 440 MiB without and 256 MiB with it. Short cells are not held up.
    """
    libc = ctypes.CDLL(None)
    began = [0.0]

    def begin(_: object) -> None:
        began[0] = time.monotonic()

    def end(_: object) -> None:
        if time.monotonic() - began[0] > LONG_CELL_SECONDS:
            libc.malloc_trim(0)

    if hasattr(libc, "malloc_trim"):  # glibc has it, musl does not
        events.register("pre_run_cell", begin)
        events.register("post_run_cell", end)


def _choose_platforms() -> None:
    """Have JAX take the devices this kernel asks for: imported already, it has read the variable of another."""
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_platforms", os.environ.get("JAX_PLATFORMS") or None)


def _usable_cpus() -> int:
    """Return how many threads linear algebra should take: as in a process that starts here."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    cpus = len(os.sched_getaffinity(0))
    # The hub names the share of a person's server; more threads than that only wait for each other.
    return max(1, min(cpus, math.ceil(float(os.environ.get("CPU_LIMIT") or cpus))))


def set_blas_threads(count: int) -> None:
    """Set the number of threads of every OpenBLAS in this process; it was loaded with one, to fork safely."""
    if count == 1:
        return
    maps = Path("/proc/self/maps").read_text(errors="surrogateescape").splitlines()
    for path in {line.split(maxsplit=5)[5] for line in maps if "openblas" in line}:
        library = ctypes.CDLL(path)
        for name in _SET_THREADS:
            if hasattr(library, name):
                getattr(library, name)(count)
                break


def can_fork_server(environment: dict[str, str]) -> bool:
    """Return whether a forked single-user server minds its environment as one that starts anew does."""
    return not any(_is_read_at_start(name) or name in _READ_BY_JUPYTERHUB for name in environment)


def kernel_order(
    command: list[str], environment: dict[str, str], folder: str, tied: bool = True
) -> Order | None:
    """Return the order that replaces a kernel's command; None when only a new process gives the same kernel.

    That is another program or interpreter, options of the interpreter, and variables that Python, JAX or the
    linker read at their start.
    """
    if not _is_own_kernel(command) or any(map(_is_read_at_start, environment)):
        return None
    arguments = command[command.index("ipykernel_launcher") + 1 :]
    target = f"{__name__}:run_kernel"
    return Order(target, {"arguments": arguments}, environment=environment, folder=folder, tied=tied)


def _is_own_kernel(command: list[str]) -> bool:
    if "ipykernel_launcher" not in command:
        return False
    options = command[1 : command.index("ipykernel_launcher")]
    python = Path(command[0])
    # Not by the file that links lead to: two environments may share it.
    same_folder = os.path.realpath(python.parent) == os.path.realpath(Path(sys.executable).parent)
    return same_folder and python.name.startswith("python") and options in _LAUNCHES


def _is_read_at_start(name: str) -> bool:
    return name.startswith(("JAX_", "LD_", "PYTHON")) and name not in _HARMLESS


_SET_THREADS = (
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
)
_LAUNCHES = (["-m"], ["-Xfrozen_modules=off", "-m"])
# Read when its modules are imported; the last says where modules are found.
_READ_BY_JUPYTERHUB = (
    "JUPYTERHUB_ALLOW_TOKEN_IN_URL",
    "JUPYTERHUB_SINGLEUSER_APP",
    "JUPYTERHUB_SINGLEUSER_EXTENSION",
    "PYTHONPATH",
)
# Read at the start too, but without effect on a kernel (or, the path, part of what a forkserver is chosen by).
_HARMLESS = (
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONSAFEPATH",
    "PYTHONIOENCODING",
    "JAX_PLATFORMS",  # set again in the kernel
)
