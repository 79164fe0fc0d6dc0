"""Runs code in boxes for tests, as the user and with the Python it is started with; standard library only.

Reads lines of JSON from standard input, {"code": ..., "box": {...}, "seconds": ...}, and answers each with
{"ending": [how, code], "output": ..., "pid": ...}.
"""

import builtins
import json
import os
import sys
import threading

from tpc_kernels.box.box import Box, software
from tpc_kernels.box.limits import Limits
from tpc_kernels.box.order import Order
from tpc_kernels.forkserver.client import ensure, fork


def execute(code):
    builtins.exec(code, {"__name__": "inside"})


def answer(socket, request):
    fields = request["box"]
    limits = Limits(**fields.pop("limits", {}))
    box = Box(**{"uid": 300_000, "read_only": software(), **fields, "limits": limits, "name": "test"})
    read, write = os.pipe()
    order = Order(
        "box_driver:execute",
        {"code": request["code"]},
        environment=request["environment"],
        box=box,
        logged=request.get("logged", False),
    )
    with open(os.devnull, "rb") as nothing:
        forked = fork(socket, order, (nothing.fileno(), write, write))
    os.close(write)
    if request.get("wait", True):
        texts = []
        reader = threading.Thread(target=lambda: texts.append(read_all(read)))
        reader.start()
        ending = forked.wait(request.get("seconds", 60))
        reader.join()
        return {"ending": [ending.kind, ending.code], "output": texts[0], "pid": forked.pid}
    KEPT.append(forked)
    return {"output": os.read(read, 4096).decode(), "pid": forked.pid}


def read_all(descriptor):
    with open(descriptor, encoding="utf-8", errors="replace") as output:
        return output.read()


KEPT = []


def main():
    folder = sys.argv[1]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ["PYTHONPATH"]}
    ensure(
        f"{folder}/socket",
        ("box_driver", "json", "subprocess", "tempfile", "ctypes"),
        environment,
        f"{folder}/log",
    )
    for line in sys.stdin:
        print(json.dumps(answer(f"{folder}/socket", json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
