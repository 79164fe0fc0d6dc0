#!/usr/bin/env bash
# jupyter_server 2.21.1 with ipykernel 7.4.0: a kernel that computes is listed as idle as soon as somebody asks it how much memory
# it uses. The answer to a `usage_request` (JupyterLab's resource display sends them) comes over the control channel with
# a busy and an idle of its own, and the server takes that idle for the kernel's: its message type is not among
# `untracked_message_types`. Whoever ends idle kernels or servers by this state ends a computation.
# Seen on 2026-12-01: "busy" while a cell sleeps; "idle" one usage_request later, while it still sleeps.
set -euo pipefail
folder=$(mktemp -d)
trap '[ -n "${server:-}" ] && kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet jupyter-server==2.21.1 ipykernel==7.4.0 websocket-client==1.9.2
export HOME=$folder JUPYTER_TOKEN=finding
env/bin/jupyter-server --ServerApp.port=0 --ServerApp.ip=127.0.0.1 --ServerApp.port_retries=0 --allow-root > log.txt 2>&1 &
server=$!
cat > ask.py <<'PY'
import glob, json, time, urllib.request, uuid
import websocket

for _ in range(200):
    found = glob.glob(".local/share/jupyter/runtime/jpserver-*.json")
    if found and (text := open(found[0]).read()):
        break
    time.sleep(0.2)
base = json.loads(text)["url"].rstrip("/")

def call(path, data=None):
    request = urllib.request.Request(base + path, data, {"Authorization": "token finding"})
    return json.load(urllib.request.urlopen(request, timeout=30))

kernel = call("/api/kernels", b"{}")["id"]
socket = websocket.create_connection(
    f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels?token=finding", timeout=60)

def send(channel, kind, content):
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": "s", "username": "u", "version": "5.3", "date": ""}
    socket.send(json.dumps({"channel": channel, "header": header, "parent_header": {}, "metadata": {}, "content": content}))

def state_after(seconds):
    time.sleep(seconds)
    return call(f"/api/kernels/{kernel}")["execution_state"]

send("shell", "execute_request", {"code": "import time; time.sleep(30)", "silent": False})
while (before := state_after(0.5)) != "busy":
    pass
send("control", "usage_request", {})
after = state_after(3)
print("while the cell sleeps:", before, "- after a usage_request:", after)
raise SystemExit(0 if (before, after) == ("busy", "idle") else 1)
PY
env/bin/python ask.py || { echo "CHANGED: the kernel is no longer said to be idle"; tail -5 log.txt; exit 1; }
