"""What a box keeps in and out, as root with identities of their own and as a normal user with namespaces."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

import escapes
import psutil
import pytest
from campus_tree import REPOSITORY
from running_campus import wait_for
from tpc_kernels.box.quota import MOST_LEVELS, NoRoom, Room, _sizes

HERE = Path(escapes.__file__).parent
NORMAL_USER = 54321


class Driver:
    """Boxes of one user; see box_driver.py."""

    def __init__(self, folder: Path, python: str, user: int | None) -> None:
        self.folder, self.user = folder, user
        self.keepers: list[int] = []
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder / "code")}
        self.process = subprocess.Popen(
            [python, str(folder / "code" / "box_driver.py"), str(folder / "own")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd="/",
            **({"user": user, "group": user, "extra_groups": []} if user and os.getuid() == 0 else {}),
        )

    def run(self, code: str, box: dict | None = None, **more) -> dict:
        """Run code in a box; returns how it ended and what it printed."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp"} | more.pop("environment", {})
        request = {"code": code, "box": box or {}, "environment": environment, **more}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.keepers.append(answer["pid"])
        return answer

    def output(self, code: str, box: dict | None = None, **more) -> str:
        answer = self.run(code, box, **more)
        assert answer["ending"] == ["exited", 0], answer
        return answer["output"].strip()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(60)
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if f"{self.folder}/own/socket" in each.cmdline():
                    each.kill()


def make_driver(folder: Path, as_root: bool) -> Driver:
    """Start a driver; a normal user gets a copy of the code and Debian's Python, both in everybody's reach."""
    user = None if as_root else os.getuid() or NORMAL_USER
    (folder / "code").mkdir()
    (folder / "own").mkdir()
    shutil.copytree(
        REPOSITORY / "hub" / "tpc_kernels", folder / "code" / "tpc_kernels", ignore=lambda *_: ["__pycache__"]
    )
    for name in ("box_driver.py", "escapes.py"):
        shutil.copy(HERE / name, folder / "code")
    if user == NORMAL_USER:
        os.chown(folder / "own", user, user)
        above = [each for each in folder.parents if Path(tempfile.gettempdir()) in each.parents]
        for each in (folder, *folder.rglob("*"), *above):
            each.chmod(each.stat().st_mode | (0o055 if each.is_dir() else 0o044))
    return Driver(folder, "/usr/bin/python3" if user == NORMAL_USER else sys.executable, user)


@pytest.fixture(scope="module", params=["root", "user"])
def driver(request, tmp_path_factory):
    if request.param == "root" and os.getuid() != 0:
        pytest.skip("not root here: the same tests run with user namespaces")
    driver = make_driver(tmp_path_factory.mktemp(request.param), request.param == "root")
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def outside():
    """What lies outside of every box: files, a listening port, sockets, a process with a secret."""
    folder = Path("/var/tmp") / f"campus-outside-{os.getpid()}"
    (folder / "homes" / "bob").mkdir(parents=True)
    (folder / "secret").write_text("the gradebook")
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)  # so that only the box keeps people from it
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        port = stack.enter_context(socket.create_server(("0.0.0.0", 0)))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0campus-{os.getpid()}")
        path = stack.enter_context(socket.socket(socket.AF_UNIX))
        path.bind(str(folder / "socket"))
        for each in (abstract, path):
            each.listen()
        (folder / "socket").chmod(0o777)
        sleeper = subprocess.Popen(["sleep", "600"], env={"MARK": "a-secret-of-somebody-else"})
        stack.callback(sleeper.wait)
        stack.callback(sleeper.kill)
        number = port.getsockname()[1]
        yield {
            "state": str(folder),
            "other_home": str(folder / "homes" / "bob"),
            "secret_files": [str(folder / "secret")],
            "hidden": [
                str(folder),
                str(REPOSITORY / "exercises"),
                str(REPOSITORY / "hub" / "tpc_hub"),
                "/root/.ssh",
                "/var",
                "/srv",
            ],
            "proxy_port": number,
            "ports": [number],
            "address": own_address(),
            "abstract": f"campus-{os.getpid()}",
            "sockets": [str(folder / "socket"), "/run/docker.sock", "/run/systemd/private"],
            "outer_pid": sleeper.pid,
            "other_uid": 300_001,
            "mark": "a-secret-of-somebody-else",
            "secret_patterns": ["[t]he-token-of-an-earlier-box"],
            "read_only": [],
        }


def own_address() -> str:
    """Return an address of this machine that is not the loopback's."""
    found = [a.address for each in psutil.net_if_addrs().values() for a in each if a.family == socket.AF_INET]
    return next((each for each in found if not each.startswith("127.")), "192.0.2.1")


@pytest.fixture(scope="module")
def tried(driver, outside):
    """What each escape met in a box that may reach one port: {name: result}."""
    driver.output("pass", environment={"TOKEN": "the-token-of-an-earlier-box"})
    code = f"import escapes\nescapes.run({outside!r})"
    output = driver.output(code, {"read_only": [sys.base_prefix, sys.prefix, str(driver.folder / "code")]})
    return json.loads(output.partition("RESULTS ")[2])


@pytest.mark.parametrize("name", escapes.ATTEMPTS)
def test_no_way_out(tried, name):
    assert re.match(escapes.ATTEMPTS[name][1], tried[name]), tried[name]


def test_the_outside_is_there_for_others(outside):
    """The attempts would succeed without a box: this process can do what they try."""
    assert Path(outside["secret_files"][0]).read_text() == "the gradebook"
    assert os.kill(outside["outer_pid"], 0) is None
    with socket.create_connection((outside["address"], outside["proxy_port"]), timeout=5):
        pass
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + outside["abstract"])


def test_the_identity_in_a_box(driver):
    uid = driver.output("import os; print(os.getuid(), os.getgid(), os.getgroups())")
    # A user namespace cannot drop supplementary groups; this user has none.
    expected = 300_000 if driver.user is None else driver.user
    assert uid in (f"{expected} {expected} []", f"{expected} {expected} [{expected}]")


def test_the_first_process_is_number_one_and_reads_its_own_status(driver):
    assert driver.output("import os; print(os.getpid(), open('/proc/self/stat').read().split()[0])") == "1 1"


def test_a_box_can_work(driver):
    code = (
        "import os, subprocess, tempfile, pathlib\n"
        "pathlib.Path(tempfile.mkdtemp(), 'x').write_text('kept')\n"
        "print(subprocess.run(['sh', '-c', 'whoami; echo $((6*7)) > /dev/shm/a; cat /dev/shm/a'],"
        " capture_output=True, text=True).stdout.split(), os.getcwd(), os.uname().nodename)\n"
    )
    assert driver.output(code, {"user": "ada"}) == "['ada', '42'] /tmp campus"


def test_only_what_is_writable_outlives_a_box(driver, tmp_path):
    home = driver.folder / "own" / "home"
    home.mkdir(exist_ok=True)
    if os.getuid() == 0:
        os.chown(home, *(2 * (300_000 if driver.user is None else driver.user,)))
    box = {"writable": [[str(home), "/home/user"]], "home": "/home/user"}
    driver.output("open('kept', 'w').write('work'); open('/tmp/gone', 'w').write('x')", box)
    assert (home / "kept").read_text() == "work"
    assert (
        driver.output("import os; print(os.path.exists('/tmp/gone'), open('kept').read())", box)
        == "False work"
    )


def test_a_reachable_port_is_reached_and_no_other(driver):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = (
            "import socket\n"
            f"with socket.create_connection(('127.0.0.1', {port}), 5) as s:\n"
            "    s.sendall(b'ping' * 50_000); s.shutdown(1)\n"
            "    print(len(b''.join(iter(lambda: s.recv(9999), b''))))\n"
        )

        def echo() -> None:
            connection, _ = server.accept()
            with connection:
                for data in iter(lambda: connection.recv(9999), b""):
                    connection.sendall(data)

        threading.Thread(target=echo, daemon=True).start()
        assert driver.output(code, {"reachable_ports": [port]}) == "200000"
        assert "ConnectionRefusedError" in driver.run(code)["output"]


def test_many_connections_exhaust_the_own_door_only(driver):
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as server:
        port = server.getsockname()[1]
        code = (
            "import socket, time\n"
            "kept, refused = [], 0\n"
            "for _ in range(600):\n"
            f"    s = socket.create_connection(('127.0.0.1', {port}), 5)\n"
            "    kept.append(s)\n"
            "time.sleep(1)\n"
            "for s in kept:\n"
            "    s.setblocking(False)\n"
            "    try:\n        refused += s.recv(1) == b''\n"
            "    except BlockingIOError:\n        pass\n"
            "    except ConnectionResetError:\n        refused += 1\n"
            "print(refused)\n"
        )
        assert driver.output(code, {"reachable_ports": [port], "limits": {"open_files": 1000}}) == "350"


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("raise SystemExit(3)", ["exited", 3]),
        ("1 / 0", ["exited", 1]),
        ("import ctypes; ctypes.string_at(0)", ["signalled", 11]),
        # The first process of a box is not ended by signals of its own.
        ("import os, signal; os.kill(1, signal.SIGKILL)", ["exited", 0]),
    ],
)
def test_how_a_box_ends_is_told(driver, code, ending):
    assert driver.run(code)["ending"] == ending


def test_memory_is_limited(driver):
    code = "kept = []\nwhile True: kept.append(bytearray(b'x') * 10_000_000)"
    answer = driver.run(code, {"limits": {"memory_bytes": 200 * 2**20}})
    if driver.user is None and has_groups():
        assert answer["ending"] == ["oom", 137]
    else:
        assert answer["ending"][0] == "exited"
        assert "MemoryError" in answer["output"]


def test_memory_of_several_processes_together_is_limited(driver):
    if driver.user is not None or not has_groups():
        pytest.skip("without control groups memory is limited per process; the doctor says so")
    code = (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n        kept = bytearray(b'x') * 60_000_000; time.sleep(5); os._exit(0)\n"
        "print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(8)].count(-9) > 0)\n"
    )
    answer = driver.run(code, {"limits": {"memory_bytes": 200 * 2**20}})
    assert answer["ending"][0] == "oom" or answer["output"].strip() == "True"


def test_a_fork_bomb_stays_small(driver):
    code = (
        "import os, time\n"
        "count = 0\n"
        "try:\n"
        "    while True:\n"
        "        if os.fork() == 0: time.sleep(60); os._exit(0)\n"
        "        count += 1\n"
        "except BlockingIOError:\n"
        "    print(count)\n"
    )
    assert int(driver.output(code, {"limits": {"processes": 30}})) <= 30


def test_what_runs_on_after_the_first_process_is_ended_with_the_box(driver):
    mark = unlike_others()
    code = (
        "import os, subprocess\n"
        f"subprocess.Popen(['setsid', 'sh', '-c', 'trap \"\" TERM HUP INT; sleep {mark}; sleep {mark}'])\n"
        "import time; time.sleep(0.3)\n"
    )
    driver.output(code)
    wait_for(lambda: not [p for p in psutil.process_iter() if mark in " ".join(cmdline(p))])


def test_killing_the_keeper_ends_the_box(driver):
    mark = unlike_others()
    code = f"import subprocess\nprint('up', flush=True)\nsubprocess.run(['sleep', '{mark}'])"
    answer = driver.run(code, wait=False)
    wait_for(lambda: [p for p in psutil.process_iter() if mark in cmdline(p)])
    os.kill(answer["pid"], 9)
    wait_for(lambda: not [p for p in psutil.process_iter() if mark in cmdline(p)])


def unlike_others() -> str:
    """Return a number of seconds, more than a day, that stands in no other command."""
    return f"86400.{uuid.uuid4().int}"


def cmdline(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


@pytest.mark.parametrize(
    ("code", "limits", "error"),
    [
        ("open('/tmp/x', 'wb').write(bytes(3_000_000))", {"file_bytes": 1_000_000}, "File too large"),
        ("kept = [open('/dev/null') for _ in range(200)]", {"open_files": 64}, "Too many open files"),
        ("open('/tmp/x', 'wb').write(bytes(9_000_000))", {}, "No space left"),
        ("open('/dev/shm/x', 'wb').write(bytes(9_000_000))", {}, "No space left"),
        ("open('/run/x', 'wb').write(bytes(9_000_000))", {}, "No space left"),
        ("for n in range(20_000): open(f'/tmp/{n}', 'w')", {"open_files": 50_000}, "No space left|Too many"),
        ("import os; os.posix_fallocate(os.open('/tmp/x', 66), 0, 9_000_000)", {}, "No space left"),
    ],
)
def test_room_is_limited(driver, code, limits, error):
    answer = driver.run(code, {"tmp_bytes": 8_000_000, "limits": limits})
    assert answer["ending"][0] == "exited"
    assert re.search(error, answer["output"]), answer


# Runs in a box whose home may hold 5 MB: writes until that is refused, and tells what it saw.
FILL = """
import os, resource, time

HOME = "/home/user"

def write(name, size):
    with open(f"{HOME}/{name}", "wb") as file:
        file.write(bytes(size))

def until(wanted, action):
    for number in range(1200):
        try:
            action(number)
            said = "done"
        except OSError as e:
            said = e.strerror
        if said == wanted:
            return said
        time.sleep(0.1)
    return f"never {wanted}"

def fill(number):
    write(number % 7, 1_000_000)
"""


def home_of(driver, folder: Path, most: int = 5_000_000) -> dict:
    """Return a box with a home of its own that may hold `most` bytes."""
    home = driver.folder / "own" / folder.name
    home.mkdir(exist_ok=True)
    if os.getuid() == 0:
        os.chown(home, *(2 * (300_000 if driver.user is None else driver.user,)))
    limits = {"home_bytes": most, "file_bytes": 4 * most}
    return {"writable": [[str(home), "/home/user"]], "home": "/home/user", "limits": limits}


def test_in_a_full_home_files_grow_again_when_some_are_deleted(driver, tmp_path):
    code = (
        f"{FILL}\n"
        "print(until('File too large', fill))\n"
        "write('small', 60_000)\n"
        "os.truncate(f'{HOME}/1', 5)\n"
        "for name in os.listdir(HOME): os.unlink(f'{HOME}/{name}')\n"
        "print(until('done', lambda number: write('large', 1_000_000)))\n"
    )
    answer = driver.run(code, home_of(driver, tmp_path), seconds=150)
    assert answer["ending"] == ["exited", 0], answer
    assert [line for line in answer["output"].splitlines() if "home" not in line] == [
        "File too large",
        "done",
    ]


@pytest.mark.parametrize(
    "growth",
    [
        "for n in range(1000): write(f'small{n}', 60_000)",
        "for n in range(2000): os.symlink('x' * 4000, f'{HOME}/link{n}'); os.mkdir(f'{HOME}/folder{n}')",
        # Where nothing forbids to lift the limit, or before it is set.
        "for n in range(20): os.truncate(os.open(f'{HOME}/hole{n}', os.O_CREAT | os.O_RDWR), 1_000_000)",
    ],
)
def test_whoever_fills_a_home_all_the_same_is_ended_and_starts_no_more(driver, tmp_path, growth):
    box = home_of(driver, tmp_path)
    code = f"{FILL}\nwhile True:\n    try:\n        {growth}\n    except OSError:\n        pass\n"
    answer = driver.run(code, box, seconds=150)
    assert answer["ending"] == ["full", 122], answer
    assert "twice what is allowed" in answer["output"]
    assert driver.run("print('inside')", box)["ending"] == ["full", 122]


def test_deleted_files_that_are_held_open_count(driver, tmp_path):
    code = (
        f"{FILL}\n"
        "kept = []\n"
        "while True:\n"
        "    kept.append(open(f'{HOME}/x', 'wb', 0))\n"
        "    kept[-1].write(bytes(50_000))\n"
        "    os.unlink(f'{HOME}/x')\n"
        "    time.sleep(0.01)\n"
    )
    assert driver.run(code, home_of(driver, tmp_path), seconds=150)["ending"] == ["full", 122]


@pytest.mark.parametrize("mode", ["0", "0o400"])
def test_nothing_is_hidden_in_a_closed_folder(driver, tmp_path, mode):
    code = (
        f"{FILL}\n"
        "os.mkdir(f'{HOME}/closed')\n"
        "write('closed/large', 6_000_000)\n"
        f"os.chmod(f'{{HOME}}/closed', {mode})\n"
        "print(until('File too large', lambda number: write('more', 100_000)))\n"
        "os.chmod(f'{HOME}/closed', 0o700)\n"
        "os.unlink(f'{HOME}/closed/large')\n"
        "print(until('done', lambda number: write('more', 100_000)))\n"
    )
    answer = driver.run(code, home_of(driver, tmp_path), seconds=150)
    assert answer["ending"] == ["exited", 0], answer
    said = [line for line in answer["output"].splitlines() if "home" not in line]
    assert said == ["File too large", "done"], answer


def test_no_process_lifts_the_limit_of_a_full_home(driver, tmp_path):
    code = (
        f"{FILL}\n"
        "import subprocess, sys\n"
        "sibling = subprocess.Popen(['sleep', '600'])\n"
        "print(until('File too large', fill))\n"
        "limit = resource.RLIMIT_FSIZE\n"
        "soft, hard = resource.getrlimit(limit)\n"
        "print(soft < hard, resource.prlimit(sibling.pid, limit) == (soft, hard))\n"
        "for act in (lambda: resource.setrlimit(limit, (hard, hard)),\n"
        "            lambda: resource.prlimit(0, limit, (hard, hard)),\n"
        "            lambda: resource.prlimit(sibling.pid, limit, (hard, hard)),\n"
        "            lambda: resource.prlimit(1, limit, (hard, hard))):\n"
        "    try:\n"
        "        print(act())\n"
        "    except (OSError, ValueError) as e:\n"
        "        print('refused')\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "sys.stdout.flush()\n"
        "if os.fork() == 0:\n"
        "    print(until('File too large', fill), flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "sibling.kill()\n"
    )
    output = driver.output(code, home_of(driver, tmp_path), seconds=150).splitlines()
    expected = ["File too large", "True True", *4 * ["refused"], "File too large"]
    assert [line for line in output if "home" not in line] == expected


def test_holes_and_links_are_counted_and_nothing_is_hidden(tmp_path):
    (tmp_path / "everything").symlink_to("/")
    with open(tmp_path / "hole", "wb") as file:
        file.truncate(4_000_000)
    os.link(tmp_path / "hole", tmp_path / "another name")
    assert 4_000_000 <= sum(_sizes([str(tmp_path)], [], [])) < 4_100_000
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with (
        open(tmp_path / "hole", "rb") as hole,
        subprocess.Popen(["sleep", "600"], stdin=hole, **nowhere) as holder,
    ):
        os.unlink(tmp_path / "hole")
        os.unlink(tmp_path / "another name")
        assert 4_000_000 <= sum(_sizes([str(tmp_path)], [holder.pid], [])) < 4_100_000
        holder.kill()
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(MOST_LEVELS + 1):
        os.mkdir("d" * 200, dir_fd=here)
        here, above = os.open("d" * 200, os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)
    open_before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(NoRoom, match="one in another"):
        sum(_sizes([str(tmp_path)], [], []))
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_a_disk_that_is_nearly_full_keeps_its_last_room(tmp_path, monkeypatch):
    with subprocess.Popen(["sleep", "600"]) as process:
        room = Room([str(tmp_path)], 2**40, process.pid, os.getuid())
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        monkeypatch.setattr("tpc_kernels.box.quota.RESERVE_BYTES", 2**62)
        room.look()
        assert resource.prlimit(process.pid, resource.RLIMIT_FSIZE) == (64 * 2**10, hard)
        monkeypatch.setattr("tpc_kernels.box.quota.RESERVE_BYTES", 0)
        room.look()
        assert resource.prlimit(process.pid, resource.RLIMIT_FSIZE) == (hard, hard)
        process.kill()


def test_time_on_the_cpu_is_limited(driver):
    answer = driver.run("while True: pass", {"limits": {"cpu_seconds": 1}})
    assert answer["ending"][0] == "signalled"


def test_time_by_the_clock_is_limited(driver):
    assert driver.run("import time; time.sleep(60)", seconds=1)["ending"][0] == "timeout"


def test_what_a_box_puts_out_is_logged_up_to_a_limit_and_stays(driver):
    code = (
        "import os, stat\n"
        "print(stat.S_ISFIFO(os.fstat(1).st_mode) and stat.S_ISFIFO(os.fstat(2).st_mode), flush=True)\n"
        "for _ in range(17): os.write(2, b'x' * 2**20)\n"
    )
    answer = driver.run(code, logged=True)
    assert answer["ending"] == ["exited", 0]
    assert answer["output"].startswith("True\nxxx")
    assert answer["output"].endswith("is full; the rest is left out]\n")
    assert 16 * 2**20 < len(answer["output"]) < 16 * 2**20 + 2**17


def test_root_never_runs_in_a_box(driver):
    if driver.user is not None:
        pytest.skip("this driver is not root")
    answer = driver.run("print('as root')", {"uid": 0})
    assert answer["ending"] == ["failed", 125]
    assert "needs an identity other than root's" in answer["output"]
    assert "as root" not in answer["output"].replace("is root's", "")


def test_a_box_that_cannot_be_built_says_why(driver):
    answer = driver.run("print('inside')", {"writable": [["/no/such/folder", "/home/user"]]})
    assert answer["ending"] == ["failed", 125]
    assert "/no/such/folder" in answer["output"]
    assert "inside" not in answer["output"]


def test_no_control_group_is_left_behind(driver):
    driver.output("pass")
    pids = {str(each) for each in driver.keepers}

    def left() -> list[Path]:
        found = Path("/sys/fs/cgroup").glob("*/**/tpc-campus/test-*")
        return [each for each in found if each.name.rpartition("-")[2] in pids]

    wait_for(lambda: not left())


def has_groups() -> bool:
    from tpc_kernels.box.limits import Group

    return Group.kinds()["memory"]
