"""Kernels forked by any Jupyter client on this machine, by kernelspec: the same kernels, sooner."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from jupyter_client.manager import KernelManager
from nbgrader.utils import compute_checksum
from nbgrader.validator import Validator
from running_campus import wait_for
from tpc_kernels.jupyter.provisioner import ForkedProcess, ForkProvisioner
from tpc_kernels.jupyter.server import SOCKET_VARIABLE, kernel_order

SECONDS = 60
PYTHON = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]


@pytest.fixture(scope="module", autouse=True)
def surroundings(tmp_path_factory):
    """Kernelspecs and a runtime folder of our own; at the end the forkservers started there are ended."""
    folder = tmp_path_factory.mktemp("kernels")
    write_spec(folder, "forked", PYTHON)
    write_spec(folder, "optimised", ["python", "-O", *PYTHON[1:]])
    before = dict(os.environ)
    (folder / "run").mkdir(mode=0o700)
    os.environ |= {"JUPYTER_PATH": str(folder), "XDG_RUNTIME_DIR": str(folder / "run")}
    os.environ.pop(SOCKET_VARIABLE, None)
    yield folder
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if f"{folder}/run" in " ".join(each.cmdline()):
                each.kill()
    os.environ.clear()
    os.environ.update(before)


def write_spec(folder: Path, name: str, command: list[str]) -> None:
    spec = folder / "kernels" / name / "kernel.json"
    spec.parent.mkdir(parents=True)
    provisioner = {"provisioner_name": "tpc-fork-provisioner"}
    content = {"argv": command, "display_name": name, "language": "python"}
    spec.write_text(json.dumps(content | {"metadata": {"kernel_provisioner": provisioner}}))


@contextlib.contextmanager
def kernel(name: str = "forked", **launch):
    """Start a kernel as a Jupyter client does; give its manager and a function that runs code."""
    manager = KernelManager(kernel_name=name)
    manager.start_kernel(**launch)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(SECONDS)
    try:
        yield manager, partial(output, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def output(client, code: str) -> str:
    """Return what code prints, the name of its error, and "picture" for each that it shows."""
    said: list[str] = []

    def note(message) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            said.append(content["text"])
        elif message["msg_type"] == "error":
            said.append(content["ename"])
        elif "image/png" in content.get("data", {}):
            said.append("picture")

    client.execute_interactive(code, timeout=SECONDS, output_hook=note, allow_stdin=False)
    return "".join(said).strip()


@pytest.fixture(scope="module")
def shared():
    with kernel() as (manager, run):
        yield manager, run


def test_a_kernel_is_forked_with_its_modules_there(shared):
    manager, run = shared
    assert isinstance(manager.provisioner.process, ForkedProcess)
    assert run("import sys; print({'jax', 'numpy', 'matplotlib.pyplot'} <= set(sys.modules))") == "True"
    assert psutil.Process(manager.provisioner.pid).ppid() != os.getpid()


def test_a_figure_stands_below_the_cell_that_drew_it(surroundings):
    with kernel() as (_, run):
        assert run("import matplotlib.pyplot as plt\nfig, ax = plt.subplots()") == "picture"
        assert run("fig, ax = plt.subplots(); plt.show()") == "picture"
        assert run("print(plt.get_fignums())") == "[]"


def beside_the_notebook(folder: Path) -> Path:
    """Write modules as people keep them beside a notebook; some have names of the library's."""
    (folder / "pkg").mkdir()
    (folder / "helper.py").write_text("x = 42\n")
    (folder / "pkg" / "mod.py").write_text("def f():\n    return 'from a package'\n")
    for name in ("calendar", "random", "numpy", "socket", "IPython"):
        (folder / f"{name}.py").write_text("raise RuntimeError('in the way')\n")
    return folder


def test_modules_beside_the_notebook_are_found_and_stand_in_nobodys_way(surroundings, tmp_path):
    with kernel(cwd=str(beside_the_notebook(tmp_path))) as (_, run):
        assert run("from helper import x; print(x)") == "42"
        assert run("from pkg.mod import f; print(f())") == "from a package"
        assert run("import calendar, random, numpy, socket; print(calendar.month_name[12])") == "December"
        run("%mkdir deeper\nopen('deeper/later.py', 'w').write('y = 7')\n%cd deeper")
        assert run("import later; print(later.y)") == "7"


def test_nbgrader_validates_a_notebook_that_imports_a_module_beside_it(surroundings, tmp_path, monkeypatch):
    folder = beside_the_notebook(tmp_path)
    spec = {"name": "forked", "display_name": "forked", "language": "python"}
    facts = {
        "grade": True,
        "grade_id": "test",
        "points": 1,
        "locked": True,
        "solution": False,
        "schema_version": 3,
    }
    cell = nbformat.v4.new_code_cell("from helper import x\nassert x == 42")
    cell.metadata["nbgrader"] = {**facts, "task": False, "cell_type": "code"}
    cell.metadata["nbgrader"]["checksum"] = compute_checksum(cell)
    made = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec})
    nbformat.write(made, folder / "work.ipynb")
    monkeypatch.chdir(folder)
    assert Validator().validate("work.ipynb") == {}


def test_a_kernel_can_be_reached_as_soon_as_it_is_started(surroundings):
    manager = KernelManager(kernel_name="forked")
    manager.start_kernel()
    try:
        for channel in ("shell", "stdin", "control", "iopub"):
            with socket.create_connection((manager.ip, getattr(manager, f"{channel}_port"))) as reached:
                assert reached.getpeername()[0] == manager.ip
    finally:
        manager.shutdown_kernel(now=True)


def test_a_kernel_shares_most_of_its_memory_with_what_it_was_forked_from(surroundings):
    with kernel() as (manager, run):
        assert run("import numpy, jax, matplotlib.pyplot") == ""
        held = psutil.Process(manager.provisioner.pid).memory_full_info()
        assert held.uss * 6 < held.rss
        # The list that would copy most of it is there all the same.
        listed = "import numpy; print(numpy.__file__ in get_ipython().kernel._kernel_modules)"
        assert run(listed) == "True"


def test_a_kernel_leads_a_session_of_its_own(shared):
    assert shared[1]("import os; print(os.getsid(0) == os.getpid())") == "True"


def test_jax_works_and_sees_as_many_devices_as_it_is_told(surroundings):
    with kernel() as (_, run):
        # Flags are read at the first use of a device, which must come after the fork.
        run("import os; os.environ['XLA_FLAGS'] = '--xla_force_host_platform_device_count=8'")
        assert run("import jax; print(len(jax.devices()))") == "8"


def test_jax_and_linear_algebra_give_what_a_new_process_gives(shared):
    code = (
        "import hashlib, jax, numpy\n"
        "a = numpy.random.default_rng(0).normal(size=(600, 600))\n"
        "b = jax.jit(lambda x: jax.numpy.tanh(x @ x).sum(0))(a.astype('float32'))\n"
        "c = numpy.linalg.solve(a, a @ a)\n"
        "print(hashlib.sha256(numpy.asarray(b).tobytes()).hexdigest(), float(abs(c - a).max()) < 1e-6,"
        " float(numpy.linalg.norm(a @ a)).hex())\n"
    )
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shared[1](code) == fresh.stdout.strip()


def test_linear_algebra_takes_the_threads_a_new_process_would_take(surroundings):
    code = (
        "import os, numpy, threading\n"
        "a = numpy.ones((1500, 1500)); b = a @ a\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    counts = []
    for threads in ("1", "3"):
        with kernel(env=os.environ | {"OPENBLAS_NUM_THREADS": threads}) as (_, run):
            counts.append(int(run(code)))
    assert counts[1] - counts[0] in (2, 4)  # numpy and scipy may each bring a library of their own


def test_a_cell_that_cannot_write_because_the_home_is_full_says_so(surroundings, tmp_path):
    code = (
        "import resource\n"
        "before = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "def write():\n"
        f"    with open({str(tmp_path / 'x')!r}, 'wb') as file: file.write(bytes(1_000_000))\n"
    )
    with kernel() as (_, run):
        run(code + "write()\nresource.setrlimit(resource.RLIMIT_FSIZE, (65536, before[1]))")
        said = run("write()")
    assert "OSError" in said
    assert "Your home is full" in said


def test_two_kernels_draw_different_random_numbers(shared):
    code = (
        "import random, numpy, uuid, secrets, tempfile, jax\n"
        "key = jax.random.key(secrets.randbits(60))\n"
        "print(random.random(), numpy.random.random(), numpy.random.default_rng().random(), uuid.uuid4(), uuid.uuid1(),"
        " secrets.token_hex(8), tempfile.mktemp(), jax.random.uniform(key))\n"
    )
    with kernel() as (_, other):
        assert len(set(shared[1](code).split())) == 8
        assert not set(shared[1](code).split()) & set(other(code).split())


def test_interrupt_restart_and_shutdown(surroundings):
    with kernel() as (manager, run):
        (client,) = run.args
        request = client.execute("import time\nprint('begun', flush=True)\ntime.sleep(60)")
        while client.get_iopub_msg(SECONDS)["msg_type"] != "stream":
            pass
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=SECONDS)
        while reply["parent_header"]["msg_id"] != request:
            reply = client.get_shell_msg(timeout=SECONDS)
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        run("kept = 1")
        first = manager.provisioner.pid
        manager.restart_kernel()
        client.wait_for_ready(SECONDS)
        assert run("kept") == "NameError"
        second = manager.provisioner.pid
        assert second != first
        manager.shutdown_kernel()
        assert not manager.is_alive()
        wait_for(lambda: not psutil.pid_exists(first) and not psutil.pid_exists(second))


def test_a_kernel_that_dies_is_seen_to_be_dead(surroundings):
    with kernel() as (manager, _):
        pid = manager.provisioner.pid
        process = manager.provisioner.process
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not manager.is_alive())
        assert process.poll() == -9


def test_a_kernel_ends_with_the_client_that_started_it(surroundings, tmp_path):
    code = (
        "import time\nfrom jupyter_client.manager import KernelManager\n"
        "m = KernelManager(kernel_name='forked'); m.start_kernel()\n"
        "print(m.provisioner.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as client:
        pid = int(client.stdout.readline())
        assert psutil.pid_exists(pid)
        client.kill()
    wait_for(lambda: not psutil.pid_exists(pid))


def test_a_kernel_starts_in_the_folder_and_environment_of_the_client(surroundings, tmp_path):
    with kernel(cwd=str(tmp_path), env=os.environ | {"MINE": "this"}) as (_, run):
        assert run("import os; print(os.getcwd(), os.environ['MINE'])") == f"{tmp_path} this"


def test_papermill_runs_a_notebook_through_the_provisioner(surroundings, tmp_path):
    cells = [
        nbformat.v4.new_code_cell("import sys; print('jax' in sys.modules)"),
        nbformat.v4.new_code_cell("6 * 7"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "in.ipynb")
    papermill.execute_notebook(
        tmp_path / "in.ipynb", tmp_path / "out.ipynb", kernel_name="forked", progress_bar=False
    )
    done = nbformat.read(tmp_path / "out.ipynb", 4)
    assert done.cells[0].outputs[0].text == "True\n"
    assert done.cells[1].outputs[0].data["text/plain"] == "42"


def test_another_interpreters_options_start_a_new_process(surroundings):
    with kernel("optimised") as (manager, run):
        assert not isinstance(manager.provisioner.process, ForkedProcess)
        assert run("import sys; print(sys.flags.optimize, 'jax' in sys.modules)") == "1 False"


def test_a_forked_kernel_takes_the_devices_and_the_time_zone_it_is_told(surroundings):
    own = os.environ | {"JAX_PLATFORMS": "no_such_device", "TZ": "Asia/Tokyo"}
    with kernel(env=own) as (manager, run):
        assert isinstance(manager.provisioner.process, ForkedProcess)
        assert run("import time; print(time.strftime('%z'))") == "+0900"
        assert "RuntimeError" in run("import jax; jax.devices()")
    with kernel(env=os.environ | {"JAX_PLATFORMS": "cpu"}) as (_, run):
        assert run("import jax; print(jax.devices()[0].platform)") == "cpu"


@pytest.mark.parametrize("name", ["JAX_ENABLE_X64", "LD_PRELOAD", "PYTHONHASHSEED", "PYTHONSTARTUP"])
def test_what_is_read_at_the_start_needs_a_new_process(name):
    command = [sys.executable, *PYTHON[1:]]
    assert kernel_order(command, {}, "/") is not None
    assert kernel_order(command, {name: "1"}, "/") is None


@pytest.mark.parametrize(
    "command",
    [
        ["/usr/bin/python3", *PYTHON[1:]],
        [sys.executable, "-m", "another_kernel", "-f", "x"],
        [sys.executable, "-c", "import ipykernel_launcher"],
        ["R", "--slave", "-e", "IRkernel::main()"],
    ],
)
def test_other_programs_are_not_forked(command):
    assert kernel_order(command, {}, "/") is None


def test_settings_read_at_import_hold_in_a_kernel_that_asks_for_them(surroundings):
    with kernel(env=os.environ | {"JAX_ENABLE_X64": "1"}) as (_, run):
        assert run("import jax; print(jax.numpy.ones(1).dtype)") == "float64"


def test_without_a_forkserver_kernels_start_as_usual_with_one_warning(surroundings, monkeypatch, caplog):
    monkeypatch.setenv(SOCKET_VARIABLE, str(surroundings / "nobody.sock"))
    monkeypatch.setattr(ForkProvisioner, "_warned", False)
    logging.getLogger("traitlets").propagate = True
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with kernel() as (manager, run):
                assert not isinstance(manager.provisioner.process, ForkedProcess)
                assert run("print(6 * 7)") == "42"
    assert sum("Kernels start slowly" in record.getMessage() for record in caplog.records) == 1


def test_a_path_of_its_own_starts_a_new_process_where_the_forkserver_is_given(
    surroundings, tmp_path, monkeypatch
):
    (tmp_path / "only_here.py").write_text("answer = 42")
    monkeypatch.setenv(SOCKET_VARIABLE, str(surroundings / "of-an-engine.sock"))
    with kernel(env=os.environ | {"PYTHONPATH": str(tmp_path)}) as (manager, run):
        assert not isinstance(manager.provisioner.process, ForkedProcess)
        assert run("import only_here; print(only_here.answer)") == "42"


def test_kernels_of_two_python_paths_have_forkservers_of_their_own(surroundings, tmp_path):
    (tmp_path / "only_here.py").write_text("answer = 42")
    with kernel(env=os.environ | {"PYTHONPATH": str(tmp_path)}) as (manager, run):
        assert isinstance(manager.provisioner.process, ForkedProcess)
        assert run("import only_here; print(only_here.answer)") == "42"
    with kernel() as (_, run):
        assert run("import only_here") == "ModuleNotFoundError"
