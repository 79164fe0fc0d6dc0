"""JupyterLite with a Python for the browser, made on this machine, so that visitors need no other.

`ensure_lite` makes it once and keeps it under the state folder; `stock` puts it into an edition of the book, with
the lessons' notebooks and `tpc_lab` as they are then.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

from tpc_courses.base.files import point
from tpc_courses.base.places import Places

from tpc_book.lessons import lite_packages
from tpc_book.lessons.lite_packages import LOCK, PackageError

Say = Callable[[str], None]
# Raise it when this module makes something else of the same pins.
FORM = 2
PYODIDE_URL = "./static/pyodide/pyodide.mjs"
LEFT_OUT = ("*.map", "*.d.ts", "console*.html", "README.md", "package.json", "*_tests*", "*-tests.tar")


class LiteError(RuntimeError):
    """Python for the browser could not be made; the book does without."""


def lite_folder(places: Places) -> Path:
    return places.state / "book" / "lite"


def current(places: Places) -> Path | None:
    """Return the folder of the JupyterLite that was made last; None when there is none."""
    link = lite_folder(places) / "current"
    return link.resolve() if (link / "jupyter-lite.json").exists() else None


def ensure_lite(places: Places, full_pyodide: str = "", say: Say = print) -> Path:
    """Return the folder of a JupyterLite of the pinned parts, made if it is not there yet; raises LiteError.

    `full_pyodide` is the path or address of a Pyodide release archive (.tar.bz2) with NumPy and the like, all in one
    folder as the full release has them; the core release would bring nothing. Without it Python comes from npm and
    packages from PyPI, which have pure Python only.
    """
    folder = lite_folder(places)
    target = folder / _key(places, full_pyodide)
    if not (target / "jupyter-lite.json").exists():
        work = folder / f"work-{uuid.uuid4().hex[:8]}"
        try:
            say("Lite: making Python for the browser (about a minute)")
            _make(places, full_pyodide, work)
            (work / "dist").rename(target)
        except (LiteError, PackageError, OSError, subprocess.SubprocessError, tarfile.TarError) as e:
            raise LiteError(f"{e}\nThe book stays as it is. Correct this, then `campus build lite`.") from e
        finally:
            shutil.rmtree(work, ignore_errors=True)
    point(folder / "current", target.name)
    for other in folder.iterdir():
        if other.is_dir() and not other.is_symlink() and other not in (target, _tools_folder(places)):
            shutil.rmtree(other, ignore_errors=True)
    return target


def _key(places: Places, full_pyodide: str) -> str:
    digest = hashlib.sha256(f"{FORM} {full_pyodide}".encode())
    for path in sorted((places.book / "lite").iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    digest.update(_npm_pyodide(places).joinpath("package.json").read_bytes())
    return digest.hexdigest()[:16]


def _npm_pyodide(places: Places) -> Path:
    folder = places.root / "node_modules" / "pyodide"
    if not (folder / LOCK).exists():
        raise LiteError(f"{folder}: no Pyodide there. Run `npm ci` in {places.root}.")
    return folder


def _make(places: Places, full_pyodide: str, work: Path) -> None:
    """Build into `work`/dist. Always from nothing: a second build in a folder goes back to Python from elsewhere."""
    pyodide = work / "static" / "pyodide"
    shutil.copytree(_npm_pyodide(places), pyodide, ignore=shutil.ignore_patterns(*LEFT_OUT))
    if full_pyodide:
        _unpack(full_pyodide, work, pyodide)
    lite_packages.fill(pyodide, _pins(places.book / "lite" / "packages.txt"))
    for name in ("jupyter-lite.json", "jupyter_lite_config.json"):
        shutil.copyfile(places.book / "lite" / name, work / name)
    jupyter = _ensure_tools(places) / "bin" / "jupyter-lite"
    # Nothing of this machine's Jupyter may add to it.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "PYTHON"))
    }
    done = subprocess.run(
        [jupyter, "build", "--lite-dir", str(work)], cwd=work, capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise LiteError(f"{_tail(done.stdout + done.stderr)}\nJupyterLite ended with code {done.returncode}.")
    _check(work / "dist")
    _tidy(work / "dist")
    shutil.copyfile(places.book / "lite" / "NOTICE.txt", work / "dist" / "NOTICE.txt")


def _tidy(dist: Path) -> None:
    """Leave out what no page asks for, and add the icons that they do ask for."""
    for path in dist.glob("rspack.*"):
        path.unlink()
    (dist / "static" / "favicons").mkdir()
    for name in ("favicon-notebook.ico", "favicon-busy-1.ico"):
        shutil.copyfile(dist / "icon-120x120.png", dist / "static" / "favicons" / name)


def _check(dist: Path) -> None:
    """Refuse a JupyterLite that would fetch Python from elsewhere."""
    text = (dist / "jupyter-lite.json").read_text(encoding="utf-8")
    kernel = json.loads(text)["jupyter-config-data"]["litePluginSettings"][
        "@jupyterlite/pyodide-kernel-extension:kernel"
    ]
    if kernel.get("pyodideUrl") != PYODIDE_URL or not kernel.get("disablePyPIFallback"):
        raise LiteError(
            f"{dist}/jupyter-lite.json: Python is at {kernel.get('pyodideUrl')}, not {PYODIDE_URL}."
        )


def _unpack(source: str, work: Path, pyodide: Path) -> None:
    """Lay the files of a Pyodide release over those from npm, which must be of the same version."""
    archive = Path(source)
    if "://" in source:
        archive = work / "pyodide.tar.bz2"
        with urllib.request.urlopen(source, timeout=60) as answer, open(archive, "wb") as file:
            shutil.copyfileobj(answer, file)
    with tarfile.open(archive) as file:
        file.extractall(work / "full", filter="data")
    full = next((path.parent for path in (work / "full").rglob(LOCK)), None)
    if full is None:
        raise LiteError(
            f"{source}: no {LOCK} in it. Use a release archive of Pyodide, like pyodide-*.tar.bz2."
        )
    own, theirs = (
        json.loads((folder / LOCK).read_text(encoding="utf-8"))["info"] for folder in (pyodide, full)
    )
    if own != theirs:
        raise LiteError(
            f"{source}: it is for {theirs}, but the kernel needs {own}. Use the release of that version."
        )
    if not list(full.glob("*.whl")):
        raise LiteError(
            f"{source}: no packages in it, as in a release of the core. Use the full release of that version, or none."
        )
    shutil.copytree(full, pyodide, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    shutil.rmtree(work / "full")


def _tools_folder(places: Places) -> Path:
    pins = (places.book / "lite" / "tools.txt").read_bytes()
    return lite_folder(places) / f"tools-{hashlib.sha256(pins).hexdigest()[:12]}"


def _ensure_tools(places: Places) -> Path:
    """Return an environment with JupyterLite alone: whatever else lay in it would come along to the browser."""
    folder = _tools_folder(places)
    if not (folder / "bin" / "jupyter-lite").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        pins = str(places.book / "lite" / "tools.txt")
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(folder / "bin" / "python"),
            "--disable-pip-version-check",
        ]
        _run(*pip, "install", "--quiet", "--no-deps", "--requirement", pins)
    return folder


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LiteError(
            f"{_tail(done.stdout + done.stderr)}\n`{' '.join(command[:4])}` ended with code {done.returncode}."
        )


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-5:])


def _pins(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
