"""The scaling grid runs through papermill, says how far it is, and does nothing twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import nbformat
import psutil
import pytest
from campus_tree import REPOSITORY
from click.testing import CliRunner
from tpc_bench.training import experiments
from tpc_bench.training.experiments import ExperimentError, run_scaling_grid
from tpc_courses.base.places import Places
from tpc_hub.cli import main
from tpc_lab import corpus
from tpc_lab.experiments import grid
from tpc_lab.experiments.grid import LADDERS, Ladder

# A row trains for real, and each papermill and kernel starts as a new process.
pytestmark = pytest.mark.timeout(900)

PART = Ladder(rows=LADDERS["small"].rows[:1], steps=(10, 20), seeds=(0, 1))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    found = Places(REPOSITORY, tmp_path_factory.mktemp("state"))
    corpus.harvest(found.corpus, {"networkx": corpus.PACKAGES["networkx"]})
    return found


@pytest.fixture(scope="module")
def lines(places: Places) -> list[str]:
    said: list[str] = []
    run_scaling_grid(places, "small", ladder=PART, say=said.append)
    return said


def folder(places: Places) -> Path:
    return places.state / "experiments" / "scaling-grid-small"


def test_a_part_of_the_grid_runs_and_is_recorded(places: Places, lines: list[str]) -> None:
    records = grid.finished(folder(places) / "scaling-grid.csv")
    assert [(r.parameters, r.characters, r.seed) for r in records] == [
        (3072, 5120, 0),
        (3072, 5120, 1),
        (3072, 10240, 0),
        (3072, 10240, 1),
    ]
    assert {r.commit for r in records} == {experiments.commit_of(REPOSITORY)}
    assert lines[-2] == "Grid: 4 of 4 runs"
    notebook = nbformat.read(folder(places) / "row-3072.ipynb", as_version=4)
    assert notebook.metadata.papermill.parameters["steps"] == [10, 20]


def test_a_second_call_runs_nothing_again(places: Places, lines: list[str]) -> None:
    before = (folder(places) / "row-3072.csv").read_bytes()
    said: list[str] = []
    run_scaling_grid(places, "small", ladder=PART, say=said.append)
    assert (folder(places) / "row-3072.csv").read_bytes() == before
    assert not list(folder(places).glob("progress-*"))
    assert "Grid: 4 of 4 runs" in said


def test_progress_weighs_sizes_by_their_flops(places: Places, lines: list[str]) -> None:
    two = Ladder(rows=LADDERS["small"].rows[:2], steps=(10, 20), seeds=(0, 1))
    (folder(places) / "progress-3072.json").write_text('{"done": 11, "total": 22}')
    line = experiments._progress_line(folder(places), two, elapsed_seconds=600)
    (folder(places) / "progress-3072.json").unlink()
    done, larger = 11 * two.rows[0].step_flops, 22 * two.rows[1].step_flops
    share, left = done / (2 * done + larger), 10 * (done + larger) / done
    assert line == f"Grid: 4 of 8 runs, {100 * share:.0f}% of this call, about {left:.0f} min left"


def test_a_failed_size_is_named_with_its_notebook_and_what_is_finished_stays(tmp_path: Path) -> None:
    empty = Places(REPOSITORY, tmp_path)
    with pytest.raises(ExperimentError, match=r"size 3072: .*campus build corpus.*row-3072.ipynb, then run"):
        run_scaling_grid(empty, "small", ladder=PART, say=lambda line: None)


def test_an_unknown_size_is_refused_with_those_there_are() -> None:
    done = CliRunner().invoke(main, ["experiment", "scaling-grid", "--sizes", "5"])
    assert done.exit_code == 1
    assert "3072, 13824, 55296, 186624, 786432" in done.output


def test_a_folder_without_git_has_no_commit(tmp_path: Path) -> None:
    assert experiments.commit_of(tmp_path) == "unknown"


def test_two_processes_cannot_run_one_grid(tmp_path: Path) -> None:
    there = Places(REPOSITORY, tmp_path)
    folder(there).mkdir(parents=True)
    with (
        experiments._alone(folder(there)),
        pytest.raises(ExperimentError, match="scaling-grid-small: another process"),
    ):
        run_scaling_grid(there, "small", ladder=PART, say=lambda line: None)


def end_a_long_row(places: Places, number: signal.Signals) -> str:
    """Send a signal to a command in the midst of a row; return what it said once no process of it is left."""
    longer = ["experiment", "scaling-grid", "--sizes", "3072", "--steps", "200000"]
    environment = os.environ | {"CAMPUS_ROOT": str(REPOSITORY), "CAMPUS_STATE": str(places.state)}
    running = subprocess.Popen(
        [sys.executable, "-m", "tpc_hub.cli", *longer],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        # A test run in the background hands down that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    report = folder(places) / "progress-3072.json"
    report.unlink(missing_ok=True)
    try:
        wait_until(report.exists)
        below = psutil.Process(running.pid).children(recursive=True)
        assert len(below) >= 2, "papermill and its kernel"
        running.send_signal(number)
        said = running.communicate(timeout=60)[0]
    finally:
        running.kill()
    assert running.returncode != 0
    wait_until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in below))
    report.unlink()
    return said


def test_ctrl_c_stops_the_kernels_and_keeps_what_is_finished(places: Places, lines: list[str]) -> None:
    assert "Finished runs are kept" in end_a_long_row(places, signal.SIGINT)
    assert len(grid.finished(folder(places) / "row-3072.csv")) == 4


def test_after_a_kill_nothing_goes_on_and_the_next_start_does_only_what_is_missing(
    places: Places, lines: list[str]
) -> None:
    end_a_long_row(places, signal.SIGKILL)
    row, checkpoints = folder(places) / "row-3072.csv", folder(places) / "checkpoints"
    whole, made = row.read_text(), {path: path.stat().st_mtime_ns for path in checkpoints.iterdir()}
    assert len(grid.finished(row)) == 4
    row.write_text(whole[: whole.rindex(",")])
    run_scaling_grid(places, "small", ladder=PART, say=lambda line: None)
    again = {path.name for path in checkpoints.iterdir() if path.stat().st_mtime_ns != made[path]}
    assert again == {"3072-10240-1.safetensors"}, "the run of the torn line, and no other"
    assert len(grid.finished(row)) == 4
    assert row.read_text().splitlines()[:-1] == whole.splitlines()[:-1]


def wait_until(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def record(row: grid.Row, steps: int, seed: int, commit: str) -> grid.Record:
    config = row.config
    return grid.Record(
        parameters=config.parameters, characters=steps * row.batch * config.window, seed=seed, loss=2.0,
        **asdict(row), seconds=1.0, flops=1, compiled_flops=1, device="cpu", commit=commit, versions="jax",
        corpus="c",
    )  # fmt: skip


def test_a_finished_grid_is_shipped_and_an_unfinished_or_unknown_one_is_not(tmp_path: Path) -> None:
    there, ladder = Places(tmp_path / "root", tmp_path / "state"), LADDERS["small"]
    data = there.notebooks / "tpc_lab" / "data"
    (data / "checkpoints").mkdir(parents=True)
    (folder(there) / "checkpoints").mkdir(parents=True)
    for name in experiments._checkpoints(ladder):
        (folder(there) / "checkpoints" / name).write_bytes(b"weights")
    for row in ladder.rows:
        runs = [record(row, steps, seed, "0123456789ab") for steps in ladder.steps for seed in ladder.seeds]
        grid.write(grid.row_file(folder(there), row), runs)
    first = grid.row_file(folder(there), ladder.rows[0])
    whole = grid.finished(first)
    grid.write(first, [replace(whole[0], commit="0123456789ab+changes"), *whole[1:-1]])
    with pytest.raises(
        ExperimentError, match=r"(?s)8000 steps, seed 2: not run yet.*seed 0: made at commit .*\+changes"
    ):
        experiments.ship(there, "small")
    assert not (data / "scaling-grid.csv").exists()
    grid.write(first, whole)
    shipped = experiments.ship(there, "small")
    assert len(shipped) == 13
    assert len(grid.finished(data / "scaling-grid.csv")) == 75


def test_the_command_ships_nothing_of_a_grid_with_runs_missing(places: Places, lines: list[str]) -> None:
    part = ["--sizes", "3072", "--steps", "10", "--steps", "20", "--seeds", "2", "--ship"]
    where = {"CAMPUS_ROOT": str(REPOSITORY), "CAMPUS_STATE": str(places.state)}
    before = (REPOSITORY / "notebooks" / "tpc_lab" / "data" / "scaling-grid.csv").read_bytes()
    done = CliRunner().invoke(main, ["experiment", "scaling-grid", *part], env=where)
    assert done.exit_code == 1
    assert "786432 parameters, 8000 steps, seed 2: not run yet" in done.output
    assert (REPOSITORY / "notebooks" / "tpc_lab" / "data" / "scaling-grid.csv").read_bytes() == before


def test_what_is_shipped_is_what_a_ship_would_copy() -> None:
    data = REPOSITORY / "notebooks" / "tpc_lab" / "data"
    names = {path.name for path in (data / "checkpoints").iterdir()}
    assert names == set(experiments._checkpoints(LADDERS["small"]))
    records = grid.finished(data / "scaling-grid.csv")
    assert len(records) == 75
    assert not any(
        grid.missing(row, LADDERS["small"].steps, (0, 1, 2), records) for row in LADDERS["small"].rows
    )
