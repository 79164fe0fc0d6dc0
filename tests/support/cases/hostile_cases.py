"""Submissions that attack the grader, the machine or other students, and what must come out.

`CASES` are code of the answer cell, `NOTEBOOKS` changes of the file around it. The exercise asks for `double(x)`. Numbers in brackets are rows of the reference battery; the others are our own.
`kernel` and `oracle` are the outcomes allowed when the tests run beside the code, and away from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

HONEST = "def double(x):\n    return 2 * x\n"
WRONG = "def double(x):\n    return 6\n"


@dataclass(frozen=True)
class Case:
    name: str
    code: str
    kernel: str = "graded"
    oracle: str = ""
    # Points of 2 that the submission may keep: none for a cheat, all where only the side effect was hostile.
    points: float = 0.0

    def outcomes(self, level: str) -> set[str]:
        return set((self.kernel if level == "kernel" or not self.oracle else self.oracle).split("|"))


# All files below a folder but installed software, whose size is this machine's own affair.
FILES = """import os
def files(folder):
    for root, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if os.path.join(root, each) not in SOFTWARE]
        yield from (os.path.join(root, name) for name in names)
"""


def strip(body: str) -> str:
    return f"{body}\n{WRONG}"


CASES = [
    # The tests are neutralised.
    Case(
        "ast transformer strips asserts [1]",
        strip(
            "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(self, node):\n        return ast.Pass()\n"
            "get_ipython().ast_transformers.append(T())"
        ),
        "tampered",
    ),
    Case(
        "input transformer drops assert lines [2]",
        strip(
            "get_ipython().input_transformers_cleanup.append("
            "lambda lines: [line if 'assert' not in line else 'pass\\n' for line in lines])"
        ),
        "tampered",
    ),
    Case(
        "answer equal to everything [3]",
        "class Yes:\n    def __eq__(self, other):\n        return True\ndef double(x):\n    return Yes()\n",
        "tampered",
        "graded",
    ),
    Case(
        "displays a score, then is wrong [4]",
        "def double(x):\n    get_ipython().displayhook(1.0)\n    return 1\n",
    ),
    Case(
        "displays nan as score [5]",
        "def double(x):\n    get_ipython().displayhook(float('nan'))\n    return 1\n",
    ),
    Case("displays minus five [5]", "def double(x):\n    get_ipython().displayhook(-5)\n    return 1\n"),
    Case(
        "displays more than the maximum [6]",
        "def double(x):\n    get_ipython().displayhook(100.0)\n    return 1\n",
    ),
    Case(
        "float that lies about comparisons",
        "class Liar(float):\n    def __eq__(self, other):\n        return True\n    __hash__ = float.__hash__\n"
        "def double(x):\n    return Liar(1)\n",
        "tampered",
        "graded",
    ),
    Case(
        "array subclass that lies about comparisons",
        "import numpy as np\nclass Liar(np.ndarray):\n    def __eq__(self, other):\n        return True\n"
        "def double(x):\n    return np.zeros(1).view(Liar)\n",
        "tampered",
        "graded",
    ),
    Case(
        "int whose __class__ is another",
        "class Odd(int):\n    @property\n    def __class__(self):\n        return float\n"
        "    def __eq__(self, other):\n        return True\n    __hash__ = int.__hash__\n"
        "def double(x):\n    return Odd(1)\n",
        "tampered",
        "graded",
    ),
    Case(
        "AssertionError replaced",
        strip("import builtins\nclass Quiet(Exception): pass\nbuiltins.AssertionError = Quiet"),
    ),
    Case(
        "every exception swallowed by the shell",
        strip(
            "shell = get_ipython()\nrun = type(shell).run_cell\n"
            "def lie(self, *a, **k):\n    result = run(self, *a, **k)\n"
            "    result.error_in_exec = result.error_before_exec = None\n    return result\n"
            "type(shell).run_cell = lie"
        ),
        "tampered",
    ),
    Case(
        "run_code of the shell says all is well",
        strip(
            "shell = get_ipython()\nasync def fine(code, result=None, **k):\n    return False\n"
            "shell.run_code = fine"
        ),
        "tampered",
    ),
    Case(
        "trace function jumps over asserts",
        strip(
            "import sys\ndef trace(frame, event, arg):\n"
            "    if event == 'line' and 'double' in frame.f_code.co_names and frame.f_code.co_name == '<module>':\n"
            "        try:\n            frame.f_lineno = frame.f_lineno + 1\n        except ValueError:\n            pass\n"
            "    return trace\nsys.settrace(trace)"
        ),
        "graded|tampered",
    ),
    Case(
        "profile function raises",
        strip("import sys\ndef p(*a):\n    raise RuntimeError('no')\nsys.setprofile(p)"),
        "graded|crashed|tampered",
    ),
    Case(
        "builtins.compile drops asserts [43]",
        strip(
            "import builtins, re\nreal = builtins.compile\nbuiltins.compile = lambda s, *a, **k: real('pass', *a, **k) if 'assert' in str(s) else real(s, *a, **k)"
        ),
        "graded|tampered",
    ),
    Case(
        "compiler class of the shell is replaced",
        strip(
            "shell = get_ipython()\nreal = shell.compile.__class__.__call__\nimport ast\ndef call(self, node, name, mode, *a, **k):\n    node.body = [n for n in getattr(node, 'body', []) if not isinstance(n, (ast.Assert, ast.For, ast.If))]\n    return real(self, node, name, mode, *a, **k)\nshell.compile.__class__.__call__ = call"
        ),
        "graded|tampered",
    ),
    Case(
        "isinstance always true [43]",
        strip("import builtins\nbuiltins.isinstance = lambda *a: True"),
        "graded|tampered|crashed",
    ),
    Case(
        "np.allclose always true [43]",
        strip("import numpy as np\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True"),
        "tampered",
    ),
    Case(
        "time stands still [43]",
        strip("import time\ntime.time = time.monotonic = time.perf_counter = lambda: 0.0"),
    ),
    Case("warnings are errors", strip("import warnings\nwarnings.simplefilter('error')")),
    Case(
        "json in the process is replaced",
        strip(
            "import json\njson.dumps = lambda *a, **k: '{\"ok\": true}'\njson.loads = lambda *a: {'do': 'cell', 'source': '', 'id': ''}"
        ),
        "graded|tampered|crashed|timeout",
    ),
    Case("os.write is replaced", strip("import os\nos.write = lambda *a: 0"), "graded"),
    Case(
        "a number that equals all numbers",
        "class Any:\n    def __eq__(self, other):\n        return isinstance(other, (int, float))\n"
        "def double(x):\n    return Any()\n",
        "tampered",
        "graded",
    ),
    Case(
        "NumPy asks the answer itself",
        "class Any:\n    __array_priority__ = 1e9\n    def __eq__(self, other):\n        return True\n"
        "    def __array_ufunc__(self, *a, **k):\n        return True\n    def __array_function__(self, *a, **k):\n        return True\n"
        "def double(x):\n    return Any()\n",
        "tampered",
        "graded",
    ),
    Case(
        "a fraction that lies about comparisons",
        "from fractions import Fraction\nclass Liar(Fraction):\n    def __eq__(self, other):\n        return True\n    __hash__ = Fraction.__hash__\n"
        "def double(x):\n    return Liar(1)\n",
        "tampered",
        "graded",
    ),
    Case(
        "a masked array equals nothing and everything",
        "import numpy as np\ndef double(x):\n    return np.ma.masked_all(1)\n",
    ),
    Case(
        "an event of the shell forgives errors",
        strip(
            "def forgive(result):\n    result.error_in_exec = result.error_before_exec = None\n"
            "get_ipython().events.register('post_run_cell', forgive)"
        ),
        "tampered",
    ),
    Case(
        "the loop that runs cells is replaced",
        strip(
            "from IPython.core.interactiveshell import ExecutionResult\nshell = get_ipython()\n"
            "def run(coroutine):\n    coroutine.close()\n    return ExecutionResult(None)\n"
            "shell.should_run_async = lambda *a, **k: True\nshell.loop_runner = run"
        ),
        "tampered",
    ),
    Case(
        "the kernel is rewired",
        strip(
            "shell = get_ipython()\nclass Kernel:\n    shell = shell\n    do_execute = lambda self, *a, **k: {'status': 'ok'}\n"
            "shell.kernel = Kernel()\nfine = type('R', (), {'error_before_exec': None, 'error_in_exec': None, 'result': 2.0})()\n"
            "shell.run_cell = lambda *a, **k: fine"
        ),
        "tampered",
    ),
    Case(
        "every exception has a handler of its own",
        strip("get_ipython().set_custom_exc((BaseException,), lambda *a, **k: None)"),
    ),
    Case(
        "an audit hook refuses what follows",
        strip(
            "import sys\ndef hook(event, args):\n    if event in ('compile', 'exec'):\n        raise RuntimeError('no more')\nsys.addaudithook(hook)"
        ),
        "graded|tampered|crashed",
    ),
    Case(
        "modules of its own beside the tests",
        "for name in ('numpy', 'ast', 'json', 'traceback', 'ipython_config', 'tpc_grader'):\n"
        "    open(f'/tmp/{name}.py', 'w').write('allclose = isclose = lambda *a, **k: True')\n"
        "import sys\nsys.path.insert(0, '/tmp')\n%load_ext autoreload\n%autoreload 2\n" + WRONG,
        "graded|tampered",
    ),
    # The result is forged.
    Case(
        "forged result lines",
        strip(
            "import os, json\nfor _ in range(9):\n    os.write(3, json.dumps({'id': 'x', 'ok': True}).encode() + b'\\n')"
        ),
        "tampered",
    ),
    Case(
        "forged result with the right question",
        strip(
            "import os, json\nfrom tpc_grader.values.wire import Wire\nreceive = Wire.receive\n"
            "def early(self, deadline=None):\n    asked = receive(self, deadline)\n"
            "    os.write(3, json.dumps({'id': asked['id'], 'ok': True}).encode() + b'\\n')\n    return asked\n"
            "Wire.receive = early"
        ),
        "tampered",
    ),
    Case(
        "garbage in the result pipe",
        strip("import os\nos.write(3, b'\\xff\\xfe' * 1000 + b'\\n')"),
        "tampered",
    ),
    Case(
        "a bomb of nested JSON in the result pipe",
        strip("import os\nos.write(3, b'[' * 200000 + b'\\n')"),
        "tampered",
    ),
    Case(
        "an endless line in the result pipe",
        strip("import os\nwhile True:\n    os.write(3, b'x' * 65536)"),
        "tampered|timeout",
    ),
    Case("closes the result pipe", strip("import os\nos.close(3)\nos.closerange(3, 100)"), "crashed"),
    Case(
        "every answer of the runner is a pass",
        strip(
            "from tpc_grader.values.wire import Wire\nsend = Wire.send\ndef forged(self, message, deadline=None):\n    send(self, {**message, 'ok': True, 'error': ''}, deadline)\nWire.send = forged"
        ),
        "tampered",
    ),
    Case(
        "the runner answers for the student",
        strip(
            "from tpc_grader.inside.runner import Runner\nRunner._outcome = lambda self, act: {'value': {'f': '0x1.8p+2'}}"
        ),
        "graded",
    ),
    # Secrets are looked for.
    Case(
        "reads the gradebook and the sources [7, 9, 10]",
        strip(
            f"{FILES}for folder in ('/tmp', '/home', '/root', '/srv', '/var', '/mnt', 'MARKER/..'):\n"
            "    for path in files(folder):\n"
            "        if path.endswith(('.db', '.ipynb', '.sqlite', 'marker')):\n"
            "            print('READ root', path)"
        ),
    ),
    Case(
        "writes to another's work [11]",
        strip(
            "import os\nfor folder in ('MARKER', '/work', '/root', '/etc', '/usr'):\n    try:\n        open(os.path.join(folder, 'owned'), 'w').write('x')\n        print('OWNED', folder)\n    except OSError:\n        pass"
        ),
    ),
    Case(
        "reads hidden tests from its folder [12]",
        strip(f"{FILES}for path in files('/tmp'):\n    print(open(path, errors='replace').read())"),
    ),
    Case(
        "prints its environment [14]",
        strip(
            "import os\nprint(dict(os.environ))\nprint(open('/proc/self/environ').read(), open('/proc/1/environ').read())"
        ),
    ),
    Case(
        "tells grading by the environment [15]",
        "import os\ndef double(x):\n    return 2 * x if any('NBGRADER' in name for name in os.environ) else 6\n",
    ),
    Case(
        "looks for tests in every object",
        "import gc\ndef double(x):\n    for each in gc.get_objects():\n        if isinstance(each, str) and 'HIDDEN' in each:\n            print(each)\n    return 6\n",
        "graded|timeout",
    ),
    Case(
        "walks the frames for the tests",
        "import sys\ndef double(x):\n    frame = sys._getframe()\n    while frame:\n        print(frame.f_code.co_names, frame.f_code.co_consts, dict(frame.f_locals))\n        frame = frame.f_back\n    return 6\n",
    ),
    Case(
        "hidden input told in an exception",
        "def double(x):\n    if x == 3:\n        return 6\n    raise ValueError(f'SECRET-INPUT {x}')\n",
    ),
    Case(
        "hidden input kept for a later cell",
        "seen = []\ndef double(x):\n    seen.append(x)\n    open('/tmp/seen', 'a').write(str(x))\n    return 6\nimport atexit\natexit.register(lambda: print('SECRET-INPUT', seen))\n",
    ),
    Case(
        "memory of the first process",
        strip(
            "for pid in (1, 2):\n    try:\n        print(open(f'/proc/{pid}/mem', 'rb').read(10))\n    except OSError as e:\n        print(e.errno)\nimport os\nprint(os.listdir('/proc/1/fd'))"
        ),
    ),
    Case(
        "kernel log and keys",
        strip(
            "import ctypes\nlibc = ctypes.CDLL(None)\nprint(libc.syscall(250, 0, 0), libc.syscall(101, 16, 1, 0, 0), libc.syscall(321, 0, 0, 0))"
        ),
    ),
    # The job does not end, or ends badly.
    Case("endless loop [16]", "while True:\n    pass\n" + WRONG, "timeout"),
    Case("C code that hears no interrupt [17]", "sum(range(10**13))\n", "timeout"),
    Case(
        "catches every interrupt",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass\n",
        "timeout",
    ),
    Case(
        "ignores the interrupt signal",
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    time.sleep(1)\n",
        "timeout",
    ),
    Case(
        "stops itself",
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(100)\n",
        "timeout",
    ),
    Case("hangs in a test only", "import time\ndef double(x):\n    time.sleep(100)\n", "timeout"),
    Case("exits [18]", "import os\nos._exit(0)\n", "crashed"),
    Case("exits in a test", "import os\ndef double(x):\n    os._exit(0)\n", "crashed"),
    Case("sys.exit in an answer", "def double(x):\n    return 6\nimport sys\nsys.exit(0)\n"),
    Case("sys.exit in a test", "import sys\ndef double(x):\n    sys.exit(0)\n"),
    Case(
        "kills the first process",
        "import os\n"
        + HONEST
        + "for number in (9, 15, 2):\n    try:\n        os.kill(1, number)\n    except BaseException:\n        pass\n",
        points=2.0,
    ),
    Case(
        "kills every process",
        "import os\ntry:\n    os.kill(-1, 9)\nexcept OSError:\n    pass\n" + HONEST,
        "graded|crashed",
        points=2.0,
    ),
    Case("reads address zero", "import ctypes\nctypes.string_at(0)\n", "crashed"),
    Case("aborts", "import os\nos.abort()\n", "crashed"),
    Case("recursion without end", "def double(x):\n    return double(x)\n"),
    Case(
        "recursion limit lifted",
        "import sys\nsys.setrecursionlimit(10**9)\ndef double(x):\n    return double(x)\n",
        "crashed|graded|oom|timeout",
    ),
    Case("a number of a million digits", "def double(x):\n    return 10 ** 1_000_000\n"),
    Case("a power that never ends", "def double(x):\n    return 9 ** 9 ** 9\n", "timeout|oom|graded"),
    Case(
        "answer nested without end",
        "def double(x):\n    a = []\n    for _ in range(100000):\n        a = [a]\n    return a\n",
        "graded|crashed",
    ),
    Case("answer that holds itself", "def double(x):\n    a = []\n    a.append(a)\n    return a\n"),
    Case(
        "answer of a gigabyte",
        "def double(x):\n    return bytes(2**30)\n",
        "graded|oom|tampered|quota|timeout",
    ),
    Case(
        "endless generator as answer",
        "import itertools\ndef double(x):\n    return itertools.count()\n",
        "graded|timeout|oom",
    ),
    Case(
        "thread outlives its cell",
        HONEST
        + "import threading, os, time\nthreading.Thread(target=lambda: (time.sleep(0.05), os._exit(0)), daemon=True).start()\ntime.sleep(0.5)\n",
        "crashed",
    ),
    Case(
        "runs at exit", HONEST + "import atexit, time\natexit.register(lambda: time.sleep(100))\n", points=2.0
    ),
    Case(
        "finalizer that never ends",
        HONEST + "class Slow:\n    def __del__(self):\n        while True: pass\nkept = Slow()\n",
        points=2.0,
    ),
    Case(
        "a generator that cannot be closed",
        "def double(x):\n    def numbers():\n        try:\n            yield 6\n        finally:\n            while True:\n                pass\n"
        "    made = numbers()\n    next(made)\n    return made\n",
        "graded|timeout",
    ),
    Case(
        "an alarm a thousand times a second",
        "import signal\ndef ring(*a):\n    raise KeyboardInterrupt\nsignal.signal(signal.SIGALRM, ring)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n" + WRONG,
        "graded|timeout|crashed|tampered",
    ),
    Case(
        "every signal has a handler",
        "import signal, time\nfor number in range(1, 65):\n    try:\n        signal.signal(number, lambda *a: None)\n    except (OSError, ValueError):\n        pass\n"
        "while True:\n    time.sleep(1)\n",
        "timeout",
    ),
    Case(
        "the garbage collector ends Python",
        "import gc, os\ngc.callbacks.append(lambda *a: os._exit(0))\ngc.collect()\n",
        "crashed",
    ),
    Case(
        "a magic that leaves a program behind",
        "%%script --bg bash\nsleep 1000 & setsid sleep 1000\n",
    ),
    Case("a cell in another language", "%%javascript\nalert('double')\n"),
    Case("waits for what nobody types", "double = input('the answer? ')\n"),
    # The machine is attacked.
    Case("50 MB in one line [20]", HONEST + "print('x' * 50_000_000)\n", kernel="graded|timeout", points=2.0),
    Case(
        "300000 flushed prints [21]",
        HONEST + "for i in range(300_000):\n    print(i, flush=True)\n",
        kernel="graded|timeout",
        points=2.0,
    ),
    Case(
        "script in an output [22]",
        HONEST
        + "from IPython.display import HTML, display\ndisplay(HTML('<script>alert(1)</script><b onclick=x>hi</b><img src=x onerror=alert(1)>'))\n",
        points=2.0,
    ),
    Case(
        "flood of displays [23]",
        HONEST
        + "from IPython.display import display\nfor i in range(20000):\n    display({'application/x-evil': 'x', 'text/plain': str(i)}, raw=True)\n",
        kernel="graded|timeout",
        points=2.0,
    ),
    Case(
        "flood of widgets and updates [23]",
        HONEST
        + "import ipywidgets\nfor i in range(30):\n    ipywidgets.IntSlider()\nh = display('x', display_id=True)\nfor i in range(2000):\n    h.update(i)\n",
        kernel="graded|timeout",
        points=2.0,
    ),
    Case(
        "messages to widgets that are not there",
        HONEST
        + "import comm\nfor _ in range(200):\n    made = comm.create_comm(target_name='jupyter.widget', data={'state': 'x' * 1000})\n    made.send({'method': 'update', 'state': {'value': float('inf')}}, buffers=[b'x' * 1000])\n",
        points=2.0,
    ),
    Case(
        "100000 outputs, one after the other on two streams",
        HONEST + "import sys\nfor i in range(50_000):\n    print(i)\n    print(i, file=sys.stderr)\n",
        kernel="graded|timeout",
        points=2.0,
    ),
    Case(
        "a thread that goes on writing",
        HONEST
        + "import threading, time\ndef write():\n    while True:\n        print('x' * 100)\n        time.sleep(0.0001)\nthreading.Thread(target=write, daemon=True).start()\n",
        points=2.0,
    ),
    Case(
        "fork bomb [24]",
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n",
        "timeout|quota|crashed|oom",
    ),
    Case(
        "fork bomb that fails",
        "import os\nfor _ in range(100000):\n    if os.fork() == 0:\n        import time\n        time.sleep(100)\n"
        + HONEST,
        "quota|timeout",
    ),
    Case(
        "bomb of threads",
        "import threading, time\nfor _ in range(100000):\n    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()\n",
        "quota|timeout",
    ),
    Case(
        "survivors of fork and setsid",
        HONEST
        + "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(1000)\n        os._exit(0)\n",
        points=2.0,
    ),
    Case("a forked copy of the runner answers too", HONEST + "import os\nos.fork()\n", points=2.0),
    Case(
        "survives the death of its keeper",
        HONEST + "import ctypes\nprint('GOT' if ctypes.CDLL(None).prctl(1, 0) == 0 else 'refused')\n",
        points=2.0,
    ),
    Case("100 GB [25]", "x = bytearray(100 * 2**30)\n", "oom"),
    Case("memory bit by bit [25]", "x = []\nwhile True:\n    x.append(bytearray(2**24))\n", "oom|timeout"),
    Case(
        "memory by many processes",
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        x = bytearray(b'x' * (400 * 2**20))\n        time.sleep(100)\ntime.sleep(2)\n"
        + WRONG,
        "oom|timeout|graded|crashed",
    ),
    Case(
        "fills the disk [26]",
        "with open('/tmp/full', 'wb') as f:\n    while True:\n        f.write(bytes(2**20))\n",
        "quota",
    ),
    Case(
        "fills /dev/shm [26]",
        "n = 0\nwhile True:\n    open(f'/dev/shm/f{n}', 'wb').write(bytes(2**23))\n    n += 1\n",
        "quota|oom",
    ),
    Case(
        "a million empty files [26]",
        "for n in range(10**6):\n    open(f'/tmp/f{n}', 'w').close()\n",
        "quota",
    ),
    Case("thousands of open files", "kept = [open('/dev/null') for _ in range(100000)]\n", "quota"),
    Case(
        "inotify without end",
        HONEST
        + "import ctypes\nlibc = ctypes.CDLL(None)\nprint([libc.inotify_init() for _ in range(2000)][-1])\n",
        points=2.0,
    ),
    Case(
        "every network family [27]",
        HONEST
        + "import socket\nfor family, address in ((2, ('1.1.1.1', 53)), (2, ('169.254.169.254', 80)), (2, ('127.0.0.1', PORT)), (10, ('::1', PORT)), (1, '\\0campus'), (1, '/run/docker.sock')):\n    try:\n        s = socket.socket(family, socket.SOCK_STREAM)\n        s.settimeout(0.5)\n        s.connect(address)\n        print('CONNECTED', address)\n    except OSError:\n        pass\nfor family in (16, 17, 40):\n    try:\n        socket.socket(family, socket.SOCK_RAW)\n        print('OPENED', family) if family != 16 else None\n    except OSError:\n        pass\ntry:\n    print('RESOLVED', socket.gethostbyname('pypi.org'))\nexcept OSError:\n    pass\n",
        points=2.0,
    ),
    Case(
        "sends by UDP",
        HONEST
        + "import socket\ntry:\n    socket.socket(2, 2).sendto(b'x', ('127.0.0.1', PORT))\nexcept OSError:\n    pass\n",
        points=2.0,
    ),
    Case(
        "links out of its folder",
        HONEST
        + "import os\nos.symlink('/etc/shadow', '/tmp/a')\nos.symlink('MARKER', '/tmp/b')\nfor name in ('/tmp/a', '/tmp/b'):\n    try:\n        print('READ', open(name).read())\n    except OSError:\n        pass\n",
        points=2.0,
    ),
    Case(
        "mounts and namespaces",
        HONEST
        + "import ctypes\nlibc = ctypes.CDLL(None)\nprint('GOT' if 0 in (libc.unshare(0x10000000), libc.mount(b'none', b'/tmp', b'tmpfs', 0, None), libc.chroot(b'/tmp'), libc.setuid(0)) else 'no')\n",
        points=2.0,
    ),
    Case(
        "set-user-id programs",
        HONEST
        + "import subprocess\nprint(subprocess.run('su -c id; sudo -n id', shell=True, capture_output=True, text=True).stdout)\n",
        points=2.0,
    ),
    Case(
        "traces the runner",
        HONEST
        + "import os, ctypes\nif os.fork() == 0:\n    print('TRACED') if ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0 else None\n    os._exit(0)\n",
        points=2.0,
    ),
    Case(
        "poisons what others import [46]",
        HONEST
        + "import sys, glob\nfor folder in (sys.prefix, '/usr/lib/python3', *sys.path):\n    try:\n        open(f'{folder}/sitecustomize.py', 'w').write('evil')\n        print('POISONED', folder)\n    except OSError:\n        pass\n",
        points=2.0,
    ),
    Case(
        "changes priorities and limits",
        HONEST
        + "import os, resource\nfor act in (lambda: os.nice(-20), lambda: resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6)), lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))):\n    try:\n        act()\n        print('RAISED')\n    except (OSError, ValueError):\n        pass\n",
        points=2.0,
    ),
    # What lies below Python.
    Case(
        "arithmetic rounds downward",
        strip("import ctypes\nctypes.CDLL('libm.so.6').fesetround(0x400)"),
        "graded|tampered|crashed",
    ),
    Case(
        "a watchdog of Python's own ends it",
        strip(
            "import faulthandler, time\n"
            "faulthandler.dump_traceback_later(0.05, file=open('/dev/null', 'w'), exit=True)\ntime.sleep(30)"
        ),
        "crashed",
    ),
    Case(
        "nothing can be imported any more",
        strip("import builtins\ndef no(*a, **k):\n    raise ImportError('no')\nbuiltins.__import__ = no"),
        "graded|tampered|crashed",
    ),
    Case(
        "text has another code",
        strip(
            "import codecs, encodings\nreal = codecs.lookup('ascii')\n"
            "encodings._cache['utf_8'] = encodings._cache['utf-8'] = real\ncodecs.register(lambda name: real)"
        ),
        "graded|tampered|crashed",
    ),
    Case(
        "an expression nested 200000 deep",
        strip("x = " + "-" * 200_000 + "1"),
        "graded|crashed|oom|timeout",
    ),
    Case(
        "opens files without end",
        strip("found = []\nwhile True:\n    found.append(open('/dev/null'))"),
        "quota",
    ),
    Case(
        "a file that is nowhere grows",
        strip("import os\nfile = os.memfd_create('x')\nwhile True:\n    os.write(file, bytes(2**20))"),
        "quota|oom",
    ),
    Case(
        "removes the folder it works in",
        HONEST + "import os, shutil\nshutil.rmtree('/tmp', ignore_errors=True)\nos.chdir('/')\n",
        points=2.0,
    ),
    # Odd, and no cheat.
    Case("random answers", "import random\ndef double(x):\n    return random.choice([6, 7])\n"),
    Case(
        "a name in letters of full width",
        "def \uff44\uff4f\uff55\uff42\uff4c\uff45(x):\n    return 2 * x\n",
        points=2.0,
    ),
    # What a person reads.
    Case(
        "huge repr",
        HONEST + "class Big:\n    def __repr__(self):\n        return 'x' * 10**8\nBig()\n",
        points=2.0,
    ),
    Case(
        "slow repr",
        "class Slow:\n    def __repr__(self):\n        import time\n        time.sleep(100)\nSlow()\n",
        "timeout",
    ),
    Case(
        "repr that calls itself",
        HONEST + "class Deep:\n    def __repr__(self):\n        return repr([self, Deep()])\nDeep()\n",
        points=2.0,
    ),
    Case(
        "text that turns its direction",
        HONEST + "print('points: \\u202e0.2\\u202c \\u2066x\\u2069 \\x1b]0;title\\x07 \\x1b[2J')\n",
        points=2.0,
    ),
    Case(
        "error that hides in its text",
        "class E(Exception):\n    def __str__(self):\n        raise RuntimeError('again')\nraise E()\n",
    ),
    Case(
        "name of an error as markup",
        "raise type('<script>alert(1)</script>', (Exception,), {})('<img src=x onerror=alert(1)>')\n",
    ),
    Case("half a surrogate pair", HONEST + "print('\\ud800')\n", points=2.0),
    Case(
        "image that is none",
        HONEST
        + "from IPython.display import display\ndisplay({'image/png': 'PHNjcmlwdD4=', 'image/svg+xml': '<svg onload=alert(1)>', 'application/javascript': 'alert(1)', 'text/plain': 'x'}, raw=True)\n",
        points=2.0,
    ),
]


@dataclass(frozen=True)
class Notebook:
    """A change of the file that was handed in, with the outcome and the points of 2 that must come out."""

    name: str
    change: Callable[[dict[str, Any]], Any]
    code: str = WRONG
    outcome: str = "graded"
    points: float = 0.0


def _cells(notebook: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the cell of the answer and the cell of the tests."""
    named = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in notebook["cells"]}
    return named["double"], named["test-double"]


def _version_3(notebook: dict[str, Any]) -> Any:
    cells = [
        {**cell, "input": cell["source"], "source": None, "language": "python"} for cell in notebook["cells"]
    ]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}


def _test(**facts: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a change of nbgrader's facts about the test, whose code is gone."""

    def change(notebook: dict[str, Any]) -> Any:
        test = _cells(notebook)[1]
        test["source"] = "2.0"
        test["metadata"]["nbgrader"].update(facts)
        return notebook

    return change


def _metadata(at: int, **metadata: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a change of the metadata of the answer (0) or the test (1)."""

    def change(notebook: dict[str, Any]) -> Any:
        _cells(notebook)[at]["metadata"].update(metadata)
        return notebook

    return change


def _answer(**parts: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a change of the cell of the answer."""

    def change(notebook: dict[str, Any]) -> Any:
        _cells(notebook)[0].update(parts)
        return notebook

    return change


def _whole(**parts: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a change of the notebook itself."""
    return lambda notebook: {**notebook, **parts}


def _added(*cells: dict[str, Any], first: bool = False) -> Callable[[dict[str, Any]], Any]:
    def change(notebook: dict[str, Any]) -> Any:
        old = notebook["cells"]
        return {**notebook, "cells": [*cells, *old] if first else [*old, *cells]}

    return change


def _code(source: str, **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": [], "execution_count": 1}


_PASSED = {
    "output_type": "display_data",
    "metadata": {},
    "data": {
        "application/vnd.tpc-campus.verdict+json": {"passed": True, "message": ""},
        "text/plain": "2.0",
    },
}
_DEEP = b"[" * 100_000 + b"]" * 100_000
NOTEBOOKS = [
    Notebook("format 3", _version_3, HONEST, points=2.0),
    Notebook("format 5", _whole(nbformat=5, nbformat_minor=99), HONEST, points=2.0),
    Notebook("a format that is no number", _whole(nbformat={"a": []}, nbformat_minor=-1), HONEST, points=2.0),
    Notebook("a kernel that is not there", _whole(metadata={"kernelspec": {"name": "bash"}}), HONEST, points=2.0),
    Notebook("metadata that are none", _whole(metadata=[1]), HONEST, points=2.0),
    Notebook("text in two bytes a character", lambda n: json.dumps(n).encode("utf-16"), HONEST, points=2.0),
    Notebook("two lists of cells", lambda n: json.dumps(n).encode()[:-1] + b', "cells": []}', HONEST, "invalid"),
    Notebook("nested 100000 deep", lambda n: json.dumps(n).encode()[:-1] + b', "x": ' + _DEEP + b"}", HONEST, "invalid"),
    Notebook("a million points", _test(points=10**6)),
    Notebook("points of a thousand digits", _test(points=10**1000)),
    Notebook("points of 10000 digits", lambda n: json.dumps(_test(points=0)(n)).replace('"points": 0', '"points": ' + "9" * 10_000).encode(), WRONG, "invalid"),
    Notebook("points that are no number", _test(points=float("nan"))),
    Notebook("infinite points", _test(points=float("inf"))),
    Notebook("a test that is an answer", _test(solution=True, grade=False, locked=False, task=True)),
    Notebook("a test in an unknown schema", _test(schema_version=10**30, cell_type="raw", checksum="0")),
    Notebook("a level of the student's", _metadata(1, tpc={"level": "artefact", "artefacts": ["../../etc/shadow"]})),
    Notebook("tags that let runners skip tests", _metadata(1, tags=["skip-execution", "raises-exception", "remove-cell", "injected-parameters"])),
    Notebook("parameters as papermill injects them", _added(_code("passed = True\nscore = points = 2.0", tags=["injected-parameters", "parameters"])), WRONG),
    Notebook("a copy of the test with less in it", _added(_code("pass", nbgrader={"grade_id": "test-double", "grade": True, "points": 2}))),
    Notebook("a test of the same looks", _added(_code("2.0", nbgrader={"grade_id": "t\u0435st-double", "grade": True, "points": 2}))),
    Notebook("an answer under the name of the test", _metadata(0, nbgrader={"grade_id": "test-double", "solution": True, "grade": True})),
    Notebook("an answer under a name of the same looks", _metadata(0, nbgrader={"grade_id": "doubl\u0435", "solution": True}), HONEST, points=2.0),
    Notebook("lines that are no text", _answer(source=["def double(x):\n", 5, None, ["x"], "    return 2 * x"]), points=2.0),
    Notebook("a cell of a kind of its own", _answer(cell_type={"code": 1}, id=[1], outputs={"a": 1}), HONEST, points=2.0),
    Notebook("outputs that say it passed", lambda n: (_cells(n)[1].update(outputs=[_PASSED]), n)[1]),
    Notebook("100000 cells", _added(*[_code("1")] * 100_000), HONEST, "invalid"),
    Notebook("a name of a megabyte", _metadata(0, nbgrader={"grade_id": "x" * 2**20}), HONEST, points=2.0),
]  # fmt: skip

# Each puts the source of whoever calls it, or what it was called with, where a student might read it.
LOOK = """
import sys, linecache, warnings, IPython
def look(*seen):
    found, frame = [repr(seen)], sys._getframe(1)
    while frame:
        found.append("".join(linecache.getlines(frame.f_code.co_filename)) + repr(frame.f_code.co_consts))
        found.append(repr(frame.f_locals))
        frame = frame.f_back
    return "".join(found)
class Telling:
    def __init__(self, x): self.x = x
    def __eq__(self, other): raise AssertionError(look(self.x, other))
    def __repr__(self): return look(self.x)
    def __format__(self, spec): return look(self.x, spec)
    def __float__(self): return float(look(self.x))
"""
LEAKS = {
    "an assertion of its own": "def double(x):\n    raise AssertionError(look(x))",
    "the name of an exception": "def double(x):\n    raise type(look(x)[-80:], (Exception,), {})(look(x))",
    "a name that is built in": "def double(x):\n    raise NameError(look(x))",
    "a comparison": "def double(x):\n    return Telling(x)",
    "an output": "def double(x):\n    print(look(x), file=sys.stderr)\n    IPython.display.display(look(x))\n    return x",
    "a warning": "def double(x):\n    warnings.warn(look(x))\n    return x",
    "files for a later run": "def double(x):\n    for f in ('/tmp/x', '/dev/shm/x', 'x'):\n        open(f, 'a').write(look(x))\n"
    "    return x\nfor f in ('/tmp/x', '/dev/shm/x', 'x'):\n    try:\n        print(open(f).read())\n    except OSError:\n        pass",
    "a verdict of its own": "def double(x):\n    IPython.display.publish_display_data({'application/vnd.tpc-campus.verdict+json': "
    "{'passed': False, 'message': look(x)}, 'text/plain': look(x)})\n    return x",
    "a difference of its own": "def double(x):\n    print('tpc-difference', '{\"expected\": \"1\", \"got\": ' + repr(look(x)) + '}')\n    return x",
}  # fmt: skip
