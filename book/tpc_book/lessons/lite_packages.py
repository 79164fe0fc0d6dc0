"""Python packages for the browser: those that Pyodide names, a few more, and the parts of `tpc_lab` that run there.

All are wheels of pure Python in one folder with Pyodide's lock file, which says what `import` may fetch from it.
"""

from __future__ import annotations

import ast
import base64
import functools
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tpc_courses.base.places import Places

from tpc_book.lessons.in_browser import imported_modules

LOCK = "pyodide-lock.json"
# What the kernel itself imports; the lock file says what these need in turn.
KERNEL = ("ipython", "jedi", "micropip", "packaging", "traitlets")
# The release of Python and the platform that this Pyodide is; wheels for it would be taken too.
PLATFORM = ("pyemscripten_2026_0_wasm32", "any")
PYTHON = "314"
# They read files of the machine on which they run.
NEEDS_MACHINE = {"tpc_lab.corpus", "tpc_lab.licences"}
NOT_IN_BROWSER = {"multiprocessing", "subprocess", "socket", "ssl", "threading", "tkinter", "curses", "fcntl"}
Lock = dict[str, Any]


class PackageError(RuntimeError):
    """A package for the browser could not be had."""


@dataclass(frozen=True)
class Provided:
    """The modules that can be imported in the browser, asked as `module` or `module:name`."""

    names: frozenset[str]

    def __contains__(self, module: object) -> bool:
        name = str(module)
        path = name.partition(":")[0]
        if path.split(".")[0] != "tpc_lab":
            return path.split(".")[0] in self.names
        return name.replace(":", ".") in self.names or (path in self.names and path != "tpc_lab")


def fill(folder: Path, extra: Iterable[str]) -> None:
    """Complete Pyodide's folder: fetch the wheels, name what is there, with true hashes, and nothing else.

    `extra` are requirements `name==version` beside those that the lock file names. Raises PackageError.
    """
    path = folder / LOCK
    lock: Lock = json.loads(path.read_text(encoding="utf-8"))
    needed = closure(lock["packages"], KERNEL)
    pinned = [f"{name}=={lock['packages'][name]['version']}" for name in needed]
    absent = [
        pin
        for pin, name in zip(pinned, needed, strict=True)
        if not (folder / lock["packages"][name]["file_name"]).exists()
    ]
    download([*absent, *extra], folder)
    packages = {
        name: entry for name, entry in lock["packages"].items() if (folder / entry["file_name"]).exists()
    }
    if missing := sorted(set(needed) - set(packages)):
        raise PackageError(f"No wheel of pure Python for {', '.join(missing)}, which Pyodide needs.")
    known = {entry["file_name"] for entry in packages.values()}
    own = [wheel for wheel in sorted(folder.glob("*.whl")) if wheel.name not in known]
    packages |= {entry["name"]: entry for entry in map(entry_of, own)}
    for entry in packages.values():
        entry["depends"] = [name for name in entry["depends"] if normal(name) in {*map(normal, packages)}]
        entry["sha256"] = _sha256(folder / entry["file_name"])
    path.write_text(json.dumps({**lock, "packages": packages}), encoding="utf-8")


def closure(packages: Mapping[str, Any], roots: Iterable[str]) -> list[str]:
    """Return packages with all that they need, by name.

    >>> closure({"a": {"depends": ["b"]}, "b": {"depends": []}, "c": {"depends": []}}, ["a"])
    ['a', 'b']
    """
    names = {normal(name): name for name in packages}
    found, waiting = set[str](), [*roots]
    while waiting:
        name = names[normal(waiting.pop())]
        if name not in found:
            found.add(name)
            waiting += packages[name]["depends"]
    return sorted(found)


def download(pins: Iterable[str], folder: Path) -> None:
    """Fetch wheels for the browser with pip, from where this machine's pip gets its own."""
    platforms = [part for name in PLATFORM for part in ("--platform", name)]
    target = [
        *platforms,
        "--python-version",
        PYTHON,
        "--implementation",
        "cp",
        "--abi",
        f"cp{PYTHON}",
        "--abi",
        "none",
    ]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--only-binary=:all:", *target, "--dest", str(folder), *pins],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise PackageError(f"pip could not fetch packages for the browser: {' '.join(last)}")


def entry_of(wheel: Path) -> dict[str, Any]:
    """Return the lock entry of a wheel: what it is called, imports and needs, and its hash."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(n for n in names if n.endswith(".dist-info/METADATA"))).decode()
    tops = {
        name.split("/")[0].removesuffix(".py") for name in names if re.match(r"\w+(/__init__)?\.py$", name)
    }
    needs = re.findall(r"^Requires-Dist: ([\w.-]+)(?![^\n]*extra ==)", metadata, re.M)
    found = dict(re.findall(r"^(Name|Version): (\S+)$", metadata, re.M))
    return {
        "name": normal(found["Name"]),
        "version": found["Version"],
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": _sha256(wheel),
        "package_type": "package",
        "imports": sorted(tops),
        "depends": [normal(name) for name in needs],
        "unvendored_tests": False,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def provided(lock: Lock, lab: Iterable[str] = ()) -> Provided:
    """Return what can be imported: the standard library, what the lock file names, and modules of `tpc_lab`."""
    standard = sys.stdlib_module_names - NOT_IN_BROWSER
    packages = {name.split(".")[0] for entry in lock["packages"].values() for name in entry["imports"]}
    return Provided(frozenset({*standard, *packages, *lab}))


def lab_modules(places: Places, lock: Lock) -> dict[str, Path]:
    """Return the modules of `tpc_lab` that run in the browser: what they import, runs there too."""
    home = places.notebooks
    modules = {_dotted(path, home): path for path in sorted((home / "tpc_lab").rglob("*.py"))}
    kept = {name: path for name, path in modules.items() if name not in NEEDS_MACHINE}
    while True:
        known = provided(lock, kept)
        fitting = {name: path for name, path in kept.items() if all(m in known for m in _imports(path))}
        if len(fitting) == len(kept):
            return kept
        kept = fitting


def _imports(path: Path) -> frozenset[str]:
    return _imports_in(path.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=256)
def _imports_in(text: str) -> frozenset[str]:
    """Return what a module imports; asked for each lesson anew, so it is remembered."""
    return frozenset(imported_modules(ast.parse(text)))


def _dotted(path: Path, home: Path) -> str:
    return ".".join(path.relative_to(home).with_suffix("").parts).removesuffix(".__init__")


def write_lab(places: Places, modules: Mapping[str, Path], folder: Path) -> Path:
    """Write the wheel of `tpc_lab` for the browser; its name changes with its content, so that none is stale."""
    home = places.notebooks
    data = [path for path in sorted((home / "tpc_lab").rglob("*")) if path.suffix in {".toml", ".js", ".csv"}]
    files = {path.relative_to(home).as_posix(): path.read_bytes() for path in [*modules.values(), *data]}
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
    number = f"{version('tpc-campus')}+{digest}"
    about = f"tpc_lab-{number}.dist-info"
    files[f"{about}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: tpc-lab\nVersion: {number}\nRequires-Dist: anywidget\n".encode()
    )
    files[f"{about}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: tpc-campus\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{about}/RECORD"] = "".join(f"{name},{_record(text)}\n" for name, text in files.items()).encode()
    wheel = folder / f"tpc_lab-{number}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return wheel


def _record(text: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(text)}"
