"""Runs experiments: parameterised notebooks through papermill, several processes at once, restartable."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import jupytext
import nbformat
import yaml
from tpc_courses.base.files import Busy, locked
from tpc_courses.base.places import Places
from tpc_hub.engines import kernel_environment
from tpc_lab.experiments import grid
from tpc_lab.experiments.grid import Ladder, Record, Row

Say = Callable[[str], None]
POLL_SECONDS = 5.0
_COMMAND = "campus experiment scaling-grid"


class ExperimentError(RuntimeError):
    """An experiment cannot run or be shipped; the message says why, and how to go on."""


def run_scaling_grid(
    places: Places,
    name: str,
    *,
    ladder: Ladder | None = None,
    device: str = "cpu",
    workers: int = 1,
    say: Say = print,
) -> Path:
    """Run what is missing of the grid `name` and return its CSV file.

    `ladder` may ask for a part of it: fewer steps or seeds. Sizes run in `workers` processes of one thread each.
    Raises ExperimentError when a size failed, or when another process runs this grid; what is finished is kept, and
    the next call goes on.
    """
    folder = folder_of(places, name)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        _run(places, folder, name, ladder, device, workers, say)
    target = folder / "scaling-grid.csv"
    grid.write(target, grid.merge(folder))
    say(f"Grid: {len(grid.merge(folder))} runs in {target}")
    return target


def ship(places: Places, name: str) -> list[Path]:
    """Copy a finished grid to where lessons read it, with twelve checkpoints of the small one; return the files.

    Raises ExperimentError, and copies nothing, when runs are missing or when a run was made from sources that no commit
    holds.
    """
    folder, target, ladder = (
        folder_of(places, name),
        places.notebooks / "tpc_lab" / "data",
        grid.LADDERS[name],
    )
    records = grid.merge(folder)
    problems = [
        f"{row.config.parameters} parameters, {steps} steps, seed {seed}: not run yet. Run: {_COMMAND} --ladder {name}"
        for row in ladder.rows
        for steps, seed in grid.missing(row, ladder.steps, ladder.seeds, records)
    ]
    problems += [
        f"{r.parameters} parameters, {r.characters} characters, seed {r.seed}: made at commit {r.commit!r}. "
        "Commit the sources, delete that line and run it again"
        for r in records
        if not re.fullmatch("[0-9a-f]{12}", r.commit)
    ]
    if problems:
        raise ExperimentError("\n".join(problems))
    chosen = _checkpoints(ladder) if name == "small" else []
    pairs = [(folder / "checkpoints" / file, target / "checkpoints" / file) for file in chosen]
    for source, copy in pairs:
        shutil.copyfile(source, copy)
    csv = target / ("scaling-grid.csv" if name == "small" else f"scaling-grid-{name}.csv")
    grid.write(csv, records)
    return [csv, *(copy for _, copy in pairs)]


def _checkpoints(ladder: Ladder) -> list[str]:
    """The models that lessons test: all sizes but the smallest, at three budgets, one seed."""
    sizes = [(row.config.parameters, row.batch * row.config.window) for row in ladder.rows[1:]]
    return [f"{n}-{steps * size}-0.safetensors" for n, size in sizes for steps in (1000, 4000, 8000)]


def folder_of(places: Places, name: str) -> Path:
    """Return where the runs of the grid `name` are kept."""
    return places.state / "experiments" / f"scaling-grid-{name}"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder of a grid: two processes would train the same runs and write over each other's lines."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(folder / ".lock", wait_seconds=0))
        except Busy as e:
            remedy = "Wait until it ends, or stop it: finished runs are kept"
            raise ExperimentError(f"{folder}: another process runs this grid. {remedy}.") from e
        yield


def _run(
    places: Places, folder: Path, name: str, ladder: Ladder | None, device: str, workers: int, say: Say
) -> None:
    """Run the rows of a grid side by side and say how far they are; an interrupt stops them all at once."""
    asked, known = ladder or grid.LADDERS[name], grid.LADDERS[name].rows
    source = folder / "source.ipynb"
    nbformat.write(jupytext.read(places.notebooks / "experiments" / "scaling-grid.md"), source)
    commit, start = commit_of(places.root), time.time()
    for path in folder.glob("progress-*.json"):
        path.unlink()
    environment, stop = _environment(places, device, say), threading.Event()
    with ThreadPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_run_row, folder, name, known.index(row), asked, environment, commit, stop)
            for row in asked.rows
        ]
        waiting, last = set(jobs), ""
        try:
            while waiting:
                _, waiting = wait(waiting, timeout=POLL_SECONDS)
                line = _progress_line(folder, asked, _reported_seconds(folder, start))
                if line != last:
                    say(last := line)
        except KeyboardInterrupt:
            stop.set()
            say("Stopping. Finished runs are kept; the same command goes on from here.")
            raise
    problems = [str(error) for job in jobs if (error := job.exception())]
    if problems:
        raise ExperimentError("\n".join(problems))


def commit_of(root: Path) -> str:
    """Return the commit that `root` is at, with "+changes" when its tracked files differ from it."""
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD").strip()
        return head + ("+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def _run_row(
    folder: Path,
    name: str,
    index: int,
    ladder: Ladder,
    environment: dict[str, str],
    commit: str,
    stop: threading.Event,
) -> None:
    if stop.is_set():
        return
    size = grid.LADDERS[name].rows[index].config.parameters
    parameters = {
        "ladder": name,
        "row": index,
        "steps": list(ladder.steps),
        "seeds": list(ladder.seeds),
        "folder": str(folder),
        "commit": commit,
    }
    output = folder / f"row-{size}.ipynb"
    # Tied to this command: after kill -9 the folder's lock is free, and nothing may go on writing there.
    command = [sys.executable, "-m", "tpc_kernels.linux.parent_death", str(os.getpid()), "papermill"]
    command += [
        str(folder / "source.ipynb"),
        str(output),
        "-k",
        "python3",
        "--no-progress-bar",
        "--log-level",
        "ERROR",
        "-y",
        yaml.safe_dump(parameters),
    ]
    code, errors = _finish(command, environment, stop)
    if code and not stop.is_set():
        reason = (errors.strip().splitlines() or ["no message"])[-1]
        raise ExperimentError(
            f"scaling grid, size {size}: {reason}. See {output}, then run the same command again: "
            "finished runs are kept."
        )


def _finish(command: Sequence[str], environment: dict[str, str], stop: threading.Event) -> tuple[int, str]:
    """Run a program to its end or until `stop`; return its exit status and what it said on stderr."""
    done = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    )
    while True:
        try:
            errors = done.communicate(timeout=0.2)[1]
            return done.returncode, errors
        except subprocess.TimeoutExpired:
            if stop.is_set():
                done.terminate()  # the kernel under it ends with its parent


def _environment(places: Places, device: str, say: Say) -> dict[str, str]:
    one_thread = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return (
        os.environ
        | kernel_environment(places, say)
        | {
            "JAX_PLATFORMS": "cuda" if device == "gpu" else "cpu",
            "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {one_thread}".strip(),
            "OMP_NUM_THREADS": "1",
            "CAMPUS_CORPUS": str(places.corpus),
        }
    )


def _progress_line(folder: Path, ladder: Ladder, elapsed_seconds: float) -> str:
    """How far the grid is: finished runs, the share of this call's FLOPs that is done, and the time left."""
    records = grid.merge(folder)
    missing = [len(grid.missing(row, ladder.steps, ladder.seeds, records)) for row in ladder.rows]
    runs = len(ladder.rows) * len(ladder.steps) * len(ladder.seeds)
    line = f"Grid: {runs - sum(missing)} of {runs} runs"
    parts = [_row_flops(folder, row, ladder, records) for row in ladder.rows]
    done, total = sum(part[0] for part in parts), sum(part[1] for part in parts)
    if not done or done == total:
        return line
    minutes = elapsed_seconds * (total - done) / done / 60
    return f"{line}, {100 * done / total:.0f}% of this call, about {max(1, round(minutes))} min left"


def _reported_seconds(folder: Path, start: float) -> float:
    """Seconds from `start` to the last report of a row: between reports the time left would only seem to grow."""
    return max((path.stat().st_mtime - start for path in folder.glob("progress-*.json")), default=0.0)


def _row_flops(folder: Path, row: Row, ladder: Ladder, records: Sequence[Record]) -> tuple[int, int]:
    """FLOPs done and to do of one row in this call; a row that has not begun is planned from its start."""
    try:
        path = folder / f"progress-{row.config.parameters}.json"
        steps = json.loads(path.read_text(encoding="utf-8"))
        done, total = steps["done"], steps["total"]
    except FileNotFoundError:
        missing = grid.missing(row, ladder.steps, ladder.seeds, records)
        done, total = 0, grid.work({steps for steps, _ in missing})
    return done * row.step_flops, total * row.step_flops
