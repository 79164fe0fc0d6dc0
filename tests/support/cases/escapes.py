"""Attempts to get out of a box. Runs inside one: only the standard library, results as JSON on standard output.

Each attempt returns what it got, or raises what it was refused with. `FACTS` says what lies outside.
"""

import ctypes
import fcntl
import json
import mmap
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ATTEMPTS = {}
FACTS = {}
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {
    "x86_64": {
        "add_key": 248, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "io_uring_setup": 425, "open_by_handle_at": 304, "process_vm_readv": 310, "pidfd_getfd": 438, "clone": 56,
        "mount_setattr": 442, "fsopen": 430, "open_tree": 428, "clone3": 435, "syslog": 103, "setns": 308,
    },
    "aarch64": {
        "add_key": 217, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
        "io_uring_setup": 425, "open_by_handle_at": 265, "process_vm_readv": 270, "pidfd_getfd": 438, "clone": 220,
        "mount_setattr": 442, "fsopen": 430, "open_tree": 428, "clone3": 435, "syslog": 116, "setns": 268,
    },
}[os.uname().machine]  # fmt: skip


def attempt(expected):
    """Register an attempt with a pattern of the refusals that are right."""

    def register(function):
        ATTEMPTS[function.__name__] = (function, expected)
        return function

    return register


def call(name, *arguments):
    """Call a function of the C library or, by number, of the kernel; raises OSError."""
    number = name if isinstance(name, int) else NUMBERS.get(name)
    converted = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = libc.syscall(ctypes.c_long(number), *converted) if number else getattr(libc, name)(*converted)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as client:
        client.settimeout(3)
        client.connect(address)
        # A client port drawn at random can be the one it connects to: TCP then meets itself.
        if family in (socket.AF_INET, socket.AF_INET6) and client.getsockname() == client.getpeername():
            raise ConnectionRefusedError("connected to itself")
        return "connected"


@attempt("FileNotFoundError")
def list_the_other_home():
    return os.listdir(FACTS["other_home"])


@attempt("FileNotFoundError|PermissionError")
def list_the_folder_of_all_homes():
    found = os.listdir(os.path.dirname(FACTS["other_home"]))
    return found


@attempt("FileNotFoundError")
def read_each_secret_file():
    got = {}
    for path in FACTS["secret_files"]:
        try:
            got[path] = open(path, "rb").read(20)  # noqa: SIM115
        except (FileNotFoundError, PermissionError):
            continue
    if got:
        return got
    raise FileNotFoundError("all of them")


@attempt("FileNotFoundError|PermissionError")
def follow_a_link_from_home_to_a_secret():
    link = os.path.join(tempfile.mkdtemp(), "link")
    os.symlink(FACTS["secret_files"][0], link)
    return open(link, "rb").read(20)


@attempt("FileNotFoundError|PermissionError")
def reach_a_secret_through_the_root_of_the_first_process():
    return open("/proc/1/root" + FACTS["secret_files"][0], "rb").read(20)


@attempt("nothing leads out")
def find_a_descriptor_that_leads_out():
    targets = set()
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):
        try:
            descriptors = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for each in descriptors:
            try:
                targets.add(os.readlink(f"/proc/{pid}/fd/{each}"))
            except OSError:
                continue
    outside = [each for each in targets if each.startswith(FACTS["state"])]
    return outside or "nothing leads out"


@attempt("no file to change")
def shorten_or_rewrite_the_own_log():
    for each in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{each}"
        if not os.path.exists(path) or not os.readlink(path).endswith(".log"):
            continue
        fcntl.fcntl(int(each), fcntl.F_SETFL, 0)  # no longer only at the end
        os.ftruncate(int(each), 0)
        return os.readlink(path)
    return "no file to change"


@attempt("only our own")
def read_the_environment_of_others():
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):
        try:
            text = open(f"/proc/{pid}/environ", "rb").read()  # noqa: SIM115
        except OSError:
            continue
        if FACTS["mark"].encode() in text:
            return f"process {pid} told"
    return "only our own"


@attempt("only our own")
def see_processes_of_others():
    seen = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    owners = {os.stat(f"/proc/{pid}").st_uid for pid in seen if os.path.exists(f"/proc/{pid}")}
    return (
        "only our own" if owners <= {os.getuid()} and FACTS["outer_pid"] not in seen else f"{seen} {owners}"
    )


@attempt("ProcessLookupError")
def signal_a_process_outside():
    return os.kill(FACTS["outer_pid"], 0)


@attempt("PermissionError")
def trace_the_first_process():
    return call("ptrace", 16, 1, 0, 0)


@attempt("PermissionError")
def read_memory_across_processes():
    return call("process_vm_readv", 1, 0, 0, 0, 0, 0)


@attempt("PermissionError")
def take_a_descriptor_of_the_first_process():
    return call("pidfd_getfd", os.pidfd_open(1), 0, 0)


@attempt("ConnectionRefusedError")
def connect_to_the_proxy_api():
    return connect(socket.AF_INET, ("127.0.0.1", FACTS["proxy_port"]))


@attempt("all refused")
def connect_to_ports_outside():
    for port in FACTS["ports"]:
        for family, host in (
            (socket.AF_INET, "127.0.0.1"),
            (socket.AF_INET6, "::1"),
            (socket.AF_INET, "0.0.0.0"),
        ):
            try:
                return f"{port} {connect(family, (host, port))}"
            except OSError:
                continue
    return "all refused"


@attempt("OSError")
def connect_to_the_machines_own_address():
    return connect(socket.AF_INET, (FACTS["address"], FACTS["proxy_port"]))


@attempt("OSError")
def ask_the_metadata_service():
    return connect(socket.AF_INET, ("169.254.169.254", 80))


@attempt("gaierror")
def look_up_a_name():
    return socket.getaddrinfo("example.org", 443)


@attempt("OSError")
def send_a_datagram_to_a_name_server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        return out.sendto(b"question", ("9.9.9.9", 53))


@attempt("OSError")
def connect_by_ipv6():
    return connect(socket.AF_INET6, ("2620:fe::fe", 443))


@attempt("ConnectionRefusedError")
def connect_to_an_abstract_socket():
    return connect(socket.AF_UNIX, "\0" + FACTS["abstract"])


@attempt("all refused")
def connect_to_sockets_outside():
    for path in FACTS["sockets"]:
        try:
            return f"{path} {connect(socket.AF_UNIX, path)}"
        except OSError:
            continue
    return "all refused"


@attempt("OSError: .*Address family not supported")
def reach_the_host_of_a_virtual_machine():
    return connect(40, (2, 1024))  # vsock


@attempt("OSError: .*Address family not supported")
def open_a_packet_socket():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW)


@attempt("OSError: .*Address family not supported")
def open_a_kernel_crypto_socket():
    return socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)


@attempt("PermissionError")
def open_a_raw_socket():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@attempt("PermissionError|OSError")
def become_root():
    return os.setuid(0)


@attempt("PermissionError|OSError")
def become_somebody_else():
    return os.setresuid(FACTS["other_uid"], FACTS["other_uid"], FACTS["other_uid"])


@attempt("PermissionError")
def join_other_groups():
    return os.setgroups([0])


@attempt("still ourselves")
def gain_by_set_user_id_programs():
    for program in (
        ["/usr/bin/su", "-c", "id -u"],
        ["/usr/bin/newgrp", "root"],
        ["/usr/bin/mount", "-t", "tmpfs", "x", "/tmp"],
    ):
        if os.path.exists(program[0]):
            done = subprocess.run(
                program, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
            )
            if done.stdout.strip() == "0" or (program[0].endswith("mount") and done.returncode == 0):
                return f"{program}: {done.stdout}"
    return "still ourselves"


@attempt("no privilege")
def hold_capabilities():
    status = open("/proc/self/status").read()  # noqa: SIM115
    held = [line for line in status.splitlines() if line.startswith(("CapEff", "CapPrm", "CapInh", "CapAmb"))]
    return "no privilege" if all(int(line.split()[1], 16) == 0 for line in held) else str(held)


@attempt("PermissionError")
def mount_something():
    return call("mount", b"tmpfs", b"/tmp", b"tmpfs", 0, b"")


@attempt("PermissionError")
def remount_software_writable():
    return call("mount", None, b"/usr", None, 32 | 4096, None)


@attempt("PermissionError")
def uncover_by_unmounting():
    return call("umount2", b"/tmp", 2)


@attempt("PermissionError")
def mount_by_the_new_calls():
    return call("fsopen", b"tmpfs", 0)


@attempt("PermissionError")
def copy_a_mount_tree():
    return call("open_tree", -100, b"/", 1)


@attempt("PermissionError")
def change_a_mounts_attributes():
    return call("mount_setattr", -100, b"/usr", 0, 0, 0)


@attempt("PermissionError")
def change_the_root():
    return os.chroot("/tmp")


@attempt("PermissionError")
def make_a_user_namespace():
    return call("unshare", 0x10000000)


@attempt("PermissionError")
def make_a_mount_namespace():
    return call("unshare", 0x00020000)


@attempt("PermissionError")
def make_a_user_namespace_by_clone():
    pid = call("clone", 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)


@attempt("OSError: .*not implemented")
def make_a_namespace_by_the_new_clone():
    return call("clone3", ctypes.create_string_buffer(88), 88)


@attempt("PermissionError")
def join_a_namespace():
    return call("setns", os.open("/proc/1/ns/mnt", os.O_RDONLY), 0)


@attempt("PermissionError")
def use_the_keyrings():
    return call("add_key", b"user", b"name", b"value", 5, -4)


@attempt("PermissionError")
def load_a_bpf_program():
    return call("bpf", 0, 0, 0)


@attempt("PermissionError")
def open_performance_counters():
    return call("perf_event_open", 0, 0, 0, 0, 0)


@attempt("PermissionError")
def use_userfaultfd():
    return call("userfaultfd", 0)


@attempt("PermissionError")
def use_io_uring():
    return call("io_uring_setup", 1, 0)


@attempt("PermissionError")
def open_a_file_by_its_handle():
    return call("open_by_handle_at", -100, 0, 0)


@attempt("PermissionError")
def read_the_kernels_log():
    return call("syslog", 3, ctypes.create_string_buffer(1000), 1000)


@attempt("all refused")
def write_kernel_settings():
    paths = ("core_pattern", "modprobe", "hostname", "sysrq", "printk")
    for path in (
        *(f"/proc/sys/kernel/{each}" for each in paths),
        "/proc/sysrq-trigger",
        "/proc/sys/user/max_user_namespaces",
    ):
        try:
            return f"{path}: {open(path, 'w').write('1')}"
        except OSError:
            continue
    return "all refused"


@attempt("no control groups")
def leave_the_control_group():
    for folder, _, files in os.walk("/sys/fs/cgroup"):
        for name in {"cgroup.procs", "tasks"} & set(files):
            try:
                with open(os.path.join(folder, name), "w") as file:
                    file.write(str(os.getpid()))
                return os.path.join(folder, name)
            except OSError:
                continue
    return "no control groups"


@attempt("all refused")
def make_or_open_devices():
    for kind in (0o060000, 0o020000):
        for folder in ("/tmp", os.path.expanduser("~"), "/dev/shm", "/run"):
            try:
                os.mknod(os.path.join(folder, "device"), kind | 0o600, os.makedev(1, 1))
                return f"made a device in {folder}"
            except OSError:
                continue
    for name in (
        "mem",
        "kmsg",
        "vda",
        "sda",
        "nvme0n1",
        "loop0",
        "loop-control",
        "fuse",
        "kvm",
        "net/tun",
        "vsock",
    ):
        try:
            os.close(os.open(f"/dev/{name}", os.O_RDONLY))
            return f"opened /dev/{name}"
        except OSError:
            continue
    return "all refused"


@attempt("all refused")
def write_to_what_is_shared():
    for folder in ("/", "/usr", "/usr/bin", "/etc", "/dev", sys.prefix, sys.base_prefix, *FACTS["read_only"]):
        path = os.path.join(folder, "written")
        try:
            open(path, "w").close()
            return path
        except OSError:
            continue
    return "all refused"


@attempt("all refused")
def change_shared_files():
    for path in ("/etc/passwd", "/usr/bin/env", os.__file__, json.__file__, sys.executable):
        for change in (lambda p: open(p, "r+b").close(), os.unlink, lambda p: os.chmod(p, 0o777)):
            try:
                change(path)
                return path
            except OSError:
                continue
    return "all refused"


@attempt("PermissionError|ValueError")
def raise_a_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))


@attempt("PermissionError")
def take_more_than_a_share_of_the_cpu():
    return os.setpriority(os.PRIO_PROCESS, 0, -10)


@attempt("PermissionError")
def rename_the_machine():
    return socket.sethostname("mine")


@attempt("PermissionError")
def set_the_clock():
    return time.clock_settime(time.CLOCK_REALTIME, time.time())


@attempt("none")
def find_shared_memory_of_others():
    segments = open("/proc/sysvipc/shm").read().splitlines()[1:]  # noqa: SIM115
    return segments or "none"


@attempt("killed by signal (31|11)|not this processor")
def call_the_kernel_as_a_32_bit_program():
    """Behind interrupt 0x80 the numbers of calls mean others, which a filter of numbers would let through."""
    if os.uname().machine != "x86_64":
        return "not this processor"
    pid = os.fork()
    if pid == 0:
        code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\xb8\x1a\x00\x00\x00\xcd\x80\xc3")  # mov eax, 26 (ptrace there); int 0x80; ret
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    return f"killed by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "it came back"


@attempt("PermissionError|OSError: .*not implemented")
def call_the_kernel_by_x32_numbers():
    return call(0x40000000 | 521, 16, 1, 0, 0)  # ptrace there


@attempt("PermissionError")
def outlive_the_keeper():
    return call("prctl", 1, 0, 0, 0, 0)


@attempt("PermissionError")
def take_the_cpu_from_everybody():
    return os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@attempt("PermissionError")
def have_others_killed_when_memory_is_short():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")


@attempt("OSError|PermissionError")
def give_a_program_capabilities():
    path = os.path.join(tempfile.mkdtemp(), "program")
    open(path, "w").close()
    return os.setxattr(path, "security.capability", b"\x01\x00\x00\x02" + b"\xff" * 16)


@attempt("all refused")
def take_shared_files_home_by_hard_links():
    for path in ("/etc/passwd", "/usr/bin/env", os.__file__, sys.executable, *FACTS["read_only"]):
        for folder in (os.path.expanduser("~"), "/tmp", "/dev/shm"):
            try:
                os.link(os.path.realpath(path), os.path.join(folder, "taken"))
                return f"{path} in {folder}"
            except OSError:
                continue
    return "all refused"


@attempt("OSError: .*No such device or address")
def type_into_the_operators_terminal():
    return os.open("/dev/tty", os.O_RDWR)


@attempt("PermissionError|FileNotFoundError")
def read_the_machines_memory():
    return open("/proc/kcore", "rb").read(64)


@attempt("PermissionError")
def give_the_network_another_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sHH4s16x", b"lo", socket.AF_INET, 0, socket.inet_aton("10.0.0.1"))
        return fcntl.ioctl(any_socket, 0x8916, request)


@attempt("nothing but our own")
def find_secrets_in_the_memory_that_was_inherited():
    """The first process is a copy of one that served others. Patterns are written so as not to match themselves."""
    patterns = [re.compile(each.encode()) for each in ("[P]ATH=/", *FACTS["secret_patterns"])]
    found = set()
    with open("/proc/1/maps") as maps, open("/proc/1/mem", "rb", 0) as memory:
        for line in maps.read().splitlines():
            start, end = (int(each, 16) for each in line.split()[0].split("-"))
            if not line.split()[1].startswith("rw"):
                continue
            try:
                memory.seek(start)
                text = memory.read(end - start)
            except OSError:
                continue
            found |= {each.pattern.decode() for each in patterns if each.search(text)}
    return "nothing but our own" if found == {"[P]ATH=/"} else f"found {found}"


@attempt("ProcessLookupError")
def have_a_process_outside_signalled_by_a_file():
    reading, _ = os.pipe()
    return fcntl.fcntl(reading, fcntl.F_SETOWN, FACTS["outer_pid"])


@attempt("ProcessLookupError")
def hold_a_process_outside():
    return os.pidfd_open(FACTS["outer_pid"])


@attempt("not there")
def find_solutions_and_state():
    found = [path for path in FACTS["hidden"] if os.path.exists(path)]
    return found or "not there"


def run(facts):
    """Try everything; print {name: what happened} as one line of JSON."""
    FACTS.update(facts)
    results = {}
    for name, (function, _) in ATTEMPTS.items():
        try:
            results[name] = str(function())
        except Exception as e:
            results[name] = f"{type(e).__name__}: {e}"
    print("RESULTS " + json.dumps(results), flush=True)
