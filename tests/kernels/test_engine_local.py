"""Student servers of a real campus: ways out of them, their life, and what happens when things break."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import aiohttp
import escapes
import nbformat
import psutil
import pytest
from campus_tree import make_tree
from running_campus import free_ports, running_campus, wait_for
from test_kernels_box import own_address
from tpc_bench.measure.seat import Seat, browser
from tpc_hub.engines.box_spawner import BoxSpawner
from tpc_hub.engines.identities import FIRST_UID, prepare_home
from tpc_hub.engines.runtime import runtime_folder
from yarl import URL

pytestmark = [pytest.mark.hub, pytest.mark.timeout(400)]
SOURCE = Path(escapes.__file__).read_text()


class Student:
    """A signed-up student; each call opens a browser session of its own."""

    def __init__(self, campus, name: str) -> None:
        self.campus, self.name = campus, name
        asyncio.run(self._sign_up())

    @property
    def home(self) -> Path:
        return self.campus.places.homes / self.name

    def run(self, *codes: str) -> list[str]:
        """Start the server if needed, and a kernel; return what each code prints."""
        return asyncio.run(self._run(codes))

    async def _sign_up(self) -> None:
        fields = {"code": self.campus.code("scaling"), "name": self.name, "display_name": self.name}
        async with browser() as session:
            await self._submit(session, "signup", fields | {"password": f"{self.name}-password"})

    async def _submit(self, session, page: str, fields: dict[str, str]) -> None:
        address = f"{self.campus.url}/hub/{page}"
        async with session.get(address) as answer:
            token = re.search(r'name="_xsrf" value="([^"]*)"', await answer.text())[1]
        async with session.post(address, data=fields | {"_xsrf": token}) as answer:
            assert answer.status == 200, await answer.text()

    async def seat(self, session) -> Seat:
        await self._submit(session, "login", {"username": self.name, "password": f"{self.name}-password"})
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            async with session.get(f"{self.campus.url}/hub/user-redirect/lab") as answer:
                if answer.status == 200 and answer.url.path.startswith(f"/user/{self.name}/lab"):
                    origin = f"http://{self.name}.hub.localhost:{self.campus.port}"
                    return Seat(session, f"{origin}/user/{self.name}")
            await asyncio.sleep(0.3)
        raise AssertionError(f"the server of {self.name} did not start")

    async def _run(self, codes: tuple[str, ...]) -> list[str]:
        async with browser() as session:
            seat = await self.seat(session)
            kernel = await seat.start_kernel()
            said = [(await seat.run(kernel, code)).strip() for code in codes]
            await seat.call("DELETE", f"/api/kernels/{kernel}")
            return said

    async def stop_server(self) -> None:
        async with browser() as session:
            await self._submit(session, "login", {"username": self.name, "password": f"{self.name}-password"})
            token = session.cookie_jar.filter_cookies(URL(f"{self.campus.url}/hub/"))["_xsrf"].value
            address = f"{self.campus.url}/hub/api/users/{self.name}/server"
            async with session.delete(address, headers={"X-XSRFToken": token}) as answer:
                assert answer.status in (202, 204), await answer.text()

    def keepers(self) -> list[psutil.Process]:
        """Return the process outside that keeps the box of this student's server, as the hub has noted it."""
        query = "select s.state from spawners s join users u on u.id = s.user_id where u.name = ?"
        states = [json.loads(state or "{}") for (state,) in ask_hub(self.campus, query, self.name)]
        found = []
        for noted in (each for each in states if each.get("pid")):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(noted["pid"])
                found += [process] if process.create_time() == noted["started"] else []
        return [each for each in found if each.is_running() and each.status() != "zombie"]


# A cell that says which process its kernel was forked from.
ANCESTRY = """
```{code-cell} ipython3
import os, sys
print(open(f"/proc/{os.getppid()}/cmdline").read().split("\\0"), "jax" in sys.modules)
```
"""


@pytest.fixture(scope="module")
def campus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    places = make_tree(folder / "root", folder / "state")
    with places.lesson("scaling/first-steps").open("a") as lesson:
        lesson.write(ANCESTRY)
    with running_campus(places, free_ports(), book=True) as campus:
        yield campus


@pytest.fixture(scope="module")
def ada(campus):
    return Student(campus, "ada")


@pytest.fixture(scope="module")
def bob(campus):
    """Another student, with a server, a kernel and something to hide."""
    bob = Student(campus, "bob")
    bob.run("open('diary.txt', 'w').write('private')")
    return bob


PORTS = (
    "import glob, json; print(json.dumps([p for f in glob.glob('/run/jupyter/kernel-*.json')"
    " for k, p in json.load(open(f)).items() if k.endswith('_port')]))"
)


@pytest.fixture(scope="module")
def tried(campus, ada, bob):
    state = campus.places.state
    ports, token = bob.run(PORTS, "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])")
    kernel_ports = json.loads(ports)
    secrets = [token, (state / "hub" / "secrets" / "proxy-token").read_text().strip()]
    # In a network of her own a port of hers can have the number of one of his: what she opens there is hers.
    own_ports = {*json.loads(ada.run(PORTS)[0]), *server_ports(ada)}
    hub = state / "hub"
    facts = {
        "state": str(state),
        "other_home": str(bob.home),
        "secret_files": [
            str(each)
            for each in (
                hub / "jupyterhub.sqlite",
                hub / "cookie-secret",
                hub / "secrets" / "proxy-token",
                state / "campus.sqlite",
                bob.home / "diary.txt",
                state / "logs" / "hub.log",
            )
        ],
        "hidden": [
            str(each)
            for each in (
                state / "nbgrader",
                state / "exchange",
                campus.places.exercises / "double-scaling" / "double-scaling.md",
                campus.places.courses,
            )
        ],
        "proxy_port": campus.port + 2,
        # The public port, the proxy's API, formgraders, and the kernels and server of the other student.
        "ports": [
            *(campus.port + offset for offset in (0, 2, 4, 5)),
            *({*kernel_ports, *server_ports(bob)} - own_ports),
        ],
        "address": own_address(),
        "abstract": "campus",
        "sockets": [str(each) for each in runtime_folder(campus.places).glob("*.sock")],
        "outer_pid": campus.process.pid,
        # Without root, all boxes have the operator's own.
        "other_uid": bob.home.stat().st_uid if os.getuid() == 0 else os.getuid() + 1,
        "mark": "CONFIGPROXY_AUTH_TOKEN",
        "secret_patterns": [f"[{each[0]}]{re.escape(each[1:])}" for each in secrets],
        "read_only": [str(hub / "student-config")],
    }
    assert len(kernel_ports) >= 5
    assert len(facts["sockets"]) >= 3
    for path in (*facts["secret_files"], *facts["hidden"]):
        assert Path(path).exists() or "exchange" in path, path
    (said,) = ada.run(f"{SOURCE}\nrun({facts!r})")
    return json.loads(said.partition("RESULTS ")[2])


def server_ports(student: Student) -> list[int]:
    return [
        c.laddr.port for keeper in student.keepers() for c in keeper.net_connections() if c.status == "LISTEN"
    ]


@pytest.mark.parametrize("name", escapes.ATTEMPTS)
def test_no_way_out_of_a_students_server(tried, name):
    assert re.match(escapes.ATTEMPTS[name][1], tried[name]), tried[name]


def test_the_own_token_opens_nothing_of_others(campus, ada, bob):
    code = (
        "import json, os, urllib.request, urllib.error\n"
        "def ask(path, method='GET', data=None):\n"
        "    url = os.environ['JUPYTERHUB_API_URL'] + path\n"
        "    head = {'Authorization': 'token ' + os.environ['JUPYTERHUB_API_TOKEN']}\n"
        "    try:\n"
        "        return urllib.request.urlopen(urllib.request.Request(url, data, head, method=method)).status\n"
        "    except urllib.error.HTTPError as e:\n        return e.code\n"
        "paths = [('/users/ada',), ('/users',), ('/users/bob',), ('/users/bob/server', 'POST', b'{}'),\n"
        "    ('/users/bob/server', 'DELETE'), ('/users/bob/tokens', 'POST', b'{}'), ('/groups',), ('/proxy',),\n"
        "    ('/services',), ('/users/eve', 'POST', b''), ('/shutdown', 'POST', b'{}')]\n"
        "print(json.dumps([ask(*each) for each in paths]))\n"
    )
    own, *others = json.loads(ada.run(code)[0])
    assert own in (200, 403, 404)
    assert set(others) <= {403, 404}, others


def test_the_own_forkserver_gives_no_other_identity(ada, bob):
    code = (
        "import os\n"
        "from tpc_kernels.box.box import Box\nfrom tpc_kernels.forkserver.client import fork\n"
        "from tpc_kernels.box.order import Order\n"
        "end = fork(os.environ['TPC_FORKSERVER'], Order('os:getuid', box=Box('x', uid={uid}))).wait(20)\n"
        "print(end.kind, os.getuid())\n"
    )
    uid = bob.home.stat().st_uid
    kind, identity = ada.run(code.format(uid=uid))[0].splitlines()[-1].split()
    assert kind == "failed" or kind == "exited"
    assert int(identity) == ada.home.stat().st_uid
    assert (bob.home / "diary.txt").read_text() == "private"


@pytest.mark.skipif(os.getuid() != 0, reason="identities of their own need root")
def test_each_home_has_an_identity_of_its_own(ada, bob):
    one, two = ada.home.stat(), bob.home.stat()
    assert min(one.st_uid, two.st_uid) >= FIRST_UID
    assert one.st_uid != two.st_uid
    assert one.st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="identities of their own need root")
def test_links_in_a_home_are_changed_and_never_followed(tmp_path):
    target = tmp_path / "precious"
    target.write_text("root's")
    home = tmp_path / "homes" / "eve"
    (home / "folder").mkdir(parents=True)
    (home / "folder" / "link").symlink_to(target)
    (home / "fifo").parent.mkdir(exist_ok=True)
    os.mkfifo(home / "fifo")
    prepare_home(tmp_path / "homes", "eve")
    assert target.stat().st_uid == 0
    assert (home / "folder" / "link").lstat().st_uid >= FIRST_UID


def test_a_home_full_of_traps_keeps_no_server_from_starting(campus, ada):
    ada.run(
        "import os, pathlib\n"
        "for name in ('.jupyter', '.ipython', '.local'):\n"
        "    path = pathlib.Path.home() / name\n"
        "    import shutil; shutil.rmtree(path, ignore_errors=True); path.symlink_to('/etc/passwd')\n"
        "os.mkfifo('pipe'); os.symlink('/', 'all'); open('bad\\udce4name', 'w').close()\n"
    )
    stop(ada)
    assert ada.run("print(6 * 7)") == ["42"]
    ada.run(
        "import os\nfor name in ('.jupyter', '.ipython', '.local'):\n    os.unlink(os.path.expanduser('~/' + name))"
    )


def test_a_full_home_keeps_no_server_from_starting(campus):
    """As in a home over its quota: nothing can be written there."""
    eve = Student(campus, "eve")
    eve.run("print('made the home')")
    stop(eve)
    mode = eve.home.stat().st_mode
    eve.home.chmod(0o500)
    try:
        assert eve.run("print(6 * 7)") == ["42"]
    finally:
        eve.home.chmod(mode)


HOLES = (
    "import os, resource, time\n"
    "def holes(count):\n"
    "    for n in range(count):\n"
    "        with open(f'hole{n}', 'wb') as file: file.truncate(2 * 2**30)\n"
    "def await_limit(low):\n"
    "    for _ in range(900):\n"
    "        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
    "        if (soft < hard) == low: break\n"
    "        time.sleep(0.1)\n"
    "    print(soft < hard)\n"
)
WRITE = "with open('large', 'wb') as file: file.write(bytes(1_000_000))"


def test_whoever_fills_a_home_is_told_and_can_make_room(campus):
    async def fill(student: Student) -> None:
        async with browser() as session:
            seat = await student.seat(session)
            kernel = await seat.start_kernel()
            assert await seat.run(kernel, f"{HOLES}\nholes(6)\nawait_limit(True)") == "True\n"
            with pytest.raises(RuntimeError, match="File too large"):
                await seat.run(kernel, WRITE)
            long = {"type": "file", "format": "text", "content": "x" * 100_000}
            with pytest.raises(RuntimeError, match=r"long\.txt: not saved\. Your home is full"):
                await seat.call("PUT", "/api/contents/long.txt", long)
            # A small file is saved, and another kernel starts.
            small = {"type": "file", "format": "text", "content": "x" * 10_000}
            await seat.call("PUT", "/api/contents/small.txt", small)
            another = await seat.start_kernel()
            assert "42" in await seat.run(another, "6 * 7")
            # What is deleted in JupyterLab makes room.
            for number in range(6):
                await seat.call("DELETE", f"/api/contents/hole{number}")
            assert await seat.run(kernel, f"await_limit(False)\n{WRITE}\n'written'") == "False\n'written'"

    asyncio.run(fill(Student(campus, "fay")))


def test_a_server_whose_home_holds_far_too_much_ends_and_says_why_it_does_not_start(campus):
    async def overfill(student: Student) -> str:
        async with browser() as session:
            seat = await student.seat(session)
            kernel = await seat.start_kernel()
            with contextlib.suppress(RuntimeError, TypeError, aiohttp.ClientError):
                await seat.run(kernel, f"{HOLES}\nholes(12)\ntime.sleep(600)")
            await asyncio.to_thread(wait_for, lambda: not student.keepers(), campus.process)
            deadline = time.monotonic() + 120
            text = ""
            while "did not start" not in text and time.monotonic() < deadline:
                async with session.get(f"{campus.url}/hub/spawn") as answer:
                    text = await answer.text()
                await asyncio.sleep(0.5)
            return text

    gil = Student(campus, "gil")
    assert "your home holds far more than it may" in asyncio.run(overfill(gil))
    log = (campus.places.logs / "servers" / "gil.log").read_text()
    assert "holds more than 20 GiB" in log
    for each in gil.home.glob("hole*"):
        each.unlink()
    assert gil.run("print(6 * 7)") == ["42"]


def test_lessons_of_the_book_run_in_kernels_of_the_engine(campus):
    run = campus.places.runs / "scaling" / "first-steps"
    wait_for(lambda: run.with_suffix(".json").exists(), campus.process)
    record = json.loads(run.with_suffix(".json").read_text())
    said = nbformat.read(run.with_suffix(".ipynb"), 4).cells[-1].outputs[0].text
    socket = str(runtime_folder(campus.places) / "forkserver.sock")
    assert f"'tpc_kernels.forkserver.server', '{socket}'" in said, said
    assert said.endswith("] True\n")
    assert 50 < record["peak_memory_mib"] < 1000
    assert "Kernels start slowly" not in (campus.places.logs / "book.log").read_text()


TRAPS = r"""
import os, pathlib, stat
home = pathlib.Path.home()
python = "import os\nopen('{home}/marks', 'a').write('{name} %d\\n' % os.getuid())\nopen('{mark}', 'w')\n"
def trap(path, text=python):
    file = home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.replace('{home}', str(home)).replace('{name}', file.name).replace('{mark}', MARK))
    file.chmod(0o755)
for name in ('jupyter_config.py', 'jupyter_server_config.py', 'jupyter_lab_config.py', 'nbgrader_config.py'):
    trap(f'.jupyter/{name}')
    trap(name)
trap('.ipython/profile_default/startup/00-start.py')
trap('.local/lib/python3.11/site-packages/usercustomize.py')
trap('sitecustomize.py')
trap('jupyterhub_config.py')
trap('.local/share/jupyter/kernels/mine/kernel.json', '{"argv": ["sh", "-c", "touch {mark}"], "display_name": "mine",'
    ' "language": "python", "metadata": {"kernel_provisioner": {"provisioner_name": "local-provisioner"}}}')
hook = '#!/bin/sh\necho hook $(id -u) >> ~/marks\ntouch {mark}\nexit 0\n'
trap('hooks/post-checkout', hook); trap('hooks/post-merge', hook); trap('hooks/reference-transaction', hook)
trap('.gitconfig', '[core]\n hooksPath = {home}/hooks\n')
trap('.bashrc', 'echo bash $(id -u) >> ~/marks; touch {mark}\n')
"""


def test_what_a_home_brings_runs_in_its_box_only(campus):
    """Settings, start-up files, kernels and git hooks: whatever of it runs, runs as the student and sees no state."""
    mark = campus.places.state / "hub" / "broken-out"
    mal = Student(campus, "mal")
    mal.run(f"MARK = {str(mark)!r}\n{TRAPS}")
    stop(mal)
    asyncio.run(use_what_the_home_brings(mal))
    campus.run("build", "campus")
    marks = [line.split() for line in (mal.home / "marks").read_text().splitlines()]
    assert {"hook", "bash", "00-start.py"} <= {name for name, _ in marks}
    assert {int(uid) for _, uid in marks} == {mal.home.stat().st_uid}
    assert not {name for name, _ in marks if name.startswith("jupyter")}, marks
    assert not list(campus.places.state.rglob("broken-out"))


async def use_what_the_home_brings(student: Student) -> None:
    async with browser() as session:
        seat = await student.seat(session)
        assert set((await seat.call("GET", "/api/kernelspecs"))["kernelspecs"]) == {"python3"}
        kernel = await seat.start_kernel()
        by_hand = "cd && git init -q own && cd own && git -c user.email=m -c user.name=m commit -q --allow-empty -m x"
        await seat.run(kernel, f"import subprocess; subprocess.run(['bash', '-ic', {by_hand!r}])")
        async with session.get(f"{seat.url}/lessons/scaling/first-steps") as answer:
            assert str(answer.url).endswith("/lab/tree/lessons/scaling/first-steps.ipynb")


def test_a_servers_log_is_the_students_own(campus, ada):
    text = (campus.places.state / "logs" / "servers" / "ada.log").read_text()
    assert "/user/ada/" in text
    assert "/user/bob/" not in text


def test_kernels_are_interrupted_restarted_and_shut_down_over_the_rest_api(ada):
    asyncio.run(live_and_die(ada))


async def live_and_die(student: Student) -> None:
    async with browser() as session:
        seat = await student.seat(session)
        kernel = await seat.start_kernel()
        first = await seat.run(kernel, "import os; print(os.getpid())")
        running = asyncio.create_task(seat.run(kernel, "import time; time.sleep(60)"))
        while (await seat.call("GET", f"/api/kernels/{kernel}"))["execution_state"] != "busy":
            await asyncio.sleep(0.05)
        await seat.call("POST", f"/api/kernels/{kernel}/interrupt")
        with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
            await running
        await seat.run(kernel, "kept = 1")
        await seat.call("POST", f"/api/kernels/{kernel}/restart")
        with pytest.raises(RuntimeError, match="NameError"):
            await seat.run(kernel, "kept")
        second = await seat.run(kernel, "import os; print(os.getpid())")
        assert first != second
        await seat.call("DELETE", f"/api/kernels/{kernel}")
        other = await seat.start_kernel()
        left = f"import os; print([p for p in ({first}, {second}) if os.path.exists(f'/proc/{{p}}')])"
        assert await seat.run(other, left) == "[]\n"
        await seat.call("DELETE", f"/api/kernels/{other}")


def test_a_killed_server_is_noticed_and_starts_again(campus, ada):
    ada.run("print('up')")
    for keeper in ada.keepers():
        keeper.kill()
    wait_for(lambda: not running(campus, "ada"))
    assert ada.run("print(6 * 7)") == ["42"]


def test_a_server_ends_whichever_of_its_threads_gets_the_signal(ada):
    asyncio.run(list_files(ada))
    (keeper,) = ada.keepers()
    first = keeper.children()[0]
    server = min(first.children(), key=psutil.Process.create_time)
    deaf = [
        each.id for each in server.threads() if each.id != server.pid and takes_sigterm(server.pid, each.id)
    ]
    assert ctypes.CDLL(None).tgkill(server.pid, deaf[0], signal.SIGTERM) == 0
    wait_for(lambda: not server.is_running(), seconds=10)  # then the hub would send another


def takes_sigterm(process: int, thread: int) -> bool:
    try:
        status = Path(f"/proc/{process}/task/{thread}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has ended since
    blocked = int(re.search(r"SigBlk:\s*(\S+)", status)[1], 16)
    return not blocked >> (signal.SIGTERM - 1) & 1


async def list_files(student: Student) -> None:
    """Have a server work with files, which it does in a thread."""
    async with browser() as session:
        seat = await student.seat(session)
        await seat.call("GET", "/api/contents")


def test_a_killed_hub_finds_running_servers_again(campus, bob):
    bob.run("print('up')")
    (before,) = bob.keepers()
    hub = next(p for p in campus_processes(campus) if "jupyterhub_config.py" in command_of(p))
    hub.kill()
    wait_for(lambda: f"ready at {campus.url} again" in campus.screen, campus.process)
    assert bob.run("print(6 * 7)") == ["42"]
    assert [keeper.pid for keeper in bob.keepers()] == [before.pid]


def test_a_killed_forkserver_costs_no_running_server_and_no_new_one(campus, bob):
    bob.run("print('up')")
    (before,) = bob.keepers()
    servers = [p for p in psutil.process_iter() if is_forkserver(p, campus)]
    for server in [p for p in servers if p.ppid() not in {other.pid for other in servers}]:
        server.kill()
    assert bob.run("print(6 * 7)") == ["42"]
    assert [keeper.pid for keeper in bob.keepers()] == [before.pid]
    assert Student(campus, "late").run("print(6 * 7)") == ["42"]


def is_forkserver(process: psutil.Process, campus) -> bool:
    try:
        return str(runtime_folder(campus.places) / "forkserver.sock") in process.cmdline()
    except psutil.Error:
        return False


def campus_processes(campus) -> list[psutil.Process]:
    return psutil.Process(campus.process.pid).children(recursive=True)


def command_of(process: psutil.Process) -> str:
    """Return the command of a process; empty when it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def running(campus, name: str) -> bool:
    """Return whether the hub has a server of this person."""
    query = "select s.server_id from spawners s join users u on u.id = s.user_id where u.name = ?"
    return any(server for (server,) in ask_hub(campus, query, name))


def ask_hub(campus, query: str, name: str) -> list[tuple]:
    """Return what the hub's database answers to a query about a person."""
    path = campus.places.hub_dir / "jupyterhub.sqlite"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(query, (name,)).fetchall()


def stop(student: Student) -> None:
    """Stop the student's server as its owner does, and wait until it is gone."""
    asyncio.run(student.stop_server())
    wait_for(lambda: not student.keepers() and not running(student.campus, student.name))


def test_without_the_forkserver_everything_works_slower(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMPUS_PRELOAD", "false")
    places = make_tree(tmp_path / "root", tmp_path / "state")
    with running_campus(places, free_ports(), book=True) as campus:
        slow = Student(campus, "slow")
        assert slow.run("import jax; print(int(jax.numpy.arange(4).sum()))") == ["6"]
        assert not [p for p in psutil.process_iter() if is_forkserver(p, campus)]
        log = (campus.places.logs / "hub.log").read_text()
        assert log.count("Servers start slowly, each from nothing: preloading is switched off") == 1
        assert "Kernels start slowly" in (campus.places.logs / "book.log").read_text()


@pytest.mark.parametrize("page", ["home", "token", "nowhere"])
def test_the_hubs_own_pages_look_like_the_campus(campus, ada, page):
    async def read() -> str:
        async with browser() as session:
            await ada._submit(session, "login", {"username": "ada", "password": "ada-password"})
            async with session.get(f"{campus.url}/hub/{page}") as answer:
                return await answer.text()

    text = asyncio.run(read())
    assert "TPC Campus</title>" in text
    assert "--paper:" in text
    assert "style.min.css" not in text


def test_the_start_screen_says_what_is_protected_and_what_is_not(campus):
    assert "Protected on this machine:" in campus.screen
    assert "run in a box of their own" in campus.screen
    assert "A home holds 10 GiB or 200,000 files" in campus.screen


@pytest.mark.parametrize(("instance", "found"), [("/here", True), ("/elsewhere", False)])
def test_a_copied_state_takes_over_no_server_of_the_campus_that_it_was_copied_from(instance, found):
    process = subprocess.Popen(["sleep", "60"], env={"CAMPUS_INSTANCE": instance})
    try:
        spawner = BoxSpawner(base_environment={"CAMPUS_INSTANCE": "/here"})
        spawner.load_state({"pid": process.pid, "started": psutil.Process(process.pid).create_time()})
        assert (asyncio.run(spawner.poll()) is None) == found
    finally:
        process.kill()
        process.wait()
