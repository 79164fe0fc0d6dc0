"""A row of the grid is run once, survives a stop and a torn line, and its checkpoints fit their configuration."""

import threading
from dataclasses import fields, replace
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from tpc_lab import corpus, scaling, tinygpt, weights
from tpc_lab.experiments import grid, training
from tpc_lab.experiments.grid import Record, Row

ROW = Row(1, 8, 1, 0.01, batch=1)
STEPS, SEEDS = (20, 40), (0, 1)


def material() -> training.Material:
    text = "".join(chr(32 + i * i % 90) for i in range(5000))
    windows = training.validation_windows(text, count=8, rows=4)
    return training.Material(tinygpt.encode(text, corpus.ALPHABET), windows, "abc", "def")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grid")
    training.run_row(ROW, STEPS, SEEDS, material(), folder)
    return folder


@pytest.fixture
def copy(first: Path, tmp_path: Path) -> Path:
    for path in first.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


class Clock:
    """Counts the steps that a call of `run_row` does."""

    done = 0

    def __call__(self, done: int, total: int) -> None:
        assert 0 < done <= total
        self.done, self.total = done, total


def test_every_run_has_its_line_and_its_checkpoint(first: Path) -> None:
    records = grid.finished(grid.row_file(first, ROW))
    assert [(r.characters, r.seed) for r in records] == [(2560, 0), (2560, 1), (5120, 0), (5120, 1)]
    for r in records:
        assert r.parameters == 12 * 8 * 8
        assert 0 < r.loss < 5
        assert r.seconds > 0
        assert r.flops == r.characters // 128 * ROW.step_flops
        assert 1 < r.compiled_flops / r.flops < 1.5
        assert (r.commit, r.corpus, r.device) == ("abc", "def", "cpu")
        assert f"jax {jax.__version__}" in r.versions
        assert (first / "checkpoints" / f"768-{r.characters}-{r.seed}.safetensors").exists()


def test_a_finished_row_is_not_run_again(copy: Path) -> None:
    clock, before = Clock(), grid.row_file(copy, ROW).read_bytes()
    training.run_row(ROW, STEPS, SEEDS, material(), copy, clock)
    assert clock.done == 0
    assert grid.row_file(copy, ROW).read_bytes() == before


@pytest.mark.parametrize("cut", [1, 30, 90])
def test_a_torn_last_line_means_that_run_is_done_again_and_no_other(copy: Path, cut: int) -> None:
    path, clock = grid.row_file(copy, ROW), Clock()
    whole = grid.finished(path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert grid.finished(path) == whole[:-1]
    again = training.run_row(ROW, STEPS, SEEDS, material(), copy, clock)
    # Another set of seeds has no trunk yet: 32 steps of trunk, 8 of its branch.
    assert clock.done == clock.total == 40
    assert [replace(r, seconds=0) for r in again[:-1]] == [replace(r, seconds=0) for r in whole[:-1]]
    assert again[-1].loss == pytest.approx(whole[-1].loss, rel=0.01)
    assert path.read_text().count("\n") == 5


def test_more_budgets_go_on_from_the_trunk_on_disk(copy: Path) -> None:
    clock = Clock()
    records = training.run_row(ROW, (*STEPS, 60), SEEDS, material(), copy, clock)
    assert clock.done == (48 - 32) + 12
    assert len(records) == 6


def test_a_row_waits_until_another_process_has_left_it(copy: Path) -> None:
    ended = threading.Event()

    def run() -> None:
        training.run_row(ROW, STEPS, SEEDS, material(), copy)
        ended.set()

    with training._alone(grid.row_file(copy, ROW)):
        waiting = threading.Thread(target=run)
        waiting.start()
        assert not ended.wait(1)
    waiting.join()
    assert ended.is_set()


def test_a_line_of_another_kind_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "row-1.csv"
    path.write_text("parameters,characters,seed,loss\n10,20,0,1.5\n")
    assert grid.finished(path) == []
    assert grid.finished(tmp_path / "none.csv") == []


def test_rows_merge_from_small_to_large(first: Path) -> None:
    merged = grid.merge(first)
    assert merged == sorted(merged, key=lambda r: (r.parameters, r.characters, r.seed))
    grid.write(first / "all.csv", merged)
    assert [r.loss for r in scaling.read_grid(first / "all.csv")] == [r.loss for r in merged]


def test_the_ladders_compile_once_and_grow() -> None:
    for ladder in grid.LADDERS.values():
        parts = [tinygpt.turning_point(total) for total in ladder.steps]
        assert all(part % tinygpt.CHUNK == 0 for part in (*parts, *ladder.steps))
        sizes = [row.config.parameters for row in ladder.rows]
        assert sizes == sorted(set(sizes))
    assert grid.LADDERS["large"].rows[-1].config.parameters > 3e7


def checkpoint(first: Path) -> Path:
    return first / "checkpoints" / "768-5120-1.safetensors"


def test_a_checkpoint_gives_the_model_that_was_trained(first: Path) -> None:
    found, record = weights.read(checkpoint(first)), grid.merge(first)[-1]
    assert found.config == ROW.config
    assert found.facts == {f.name: getattr(record, f.name) for f in fields(Record)}
    windows = material().windows.reshape(-1, 129)
    # Half precision must lose nothing that anyone could measure.
    assert float(tinygpt.loss(found.config, found.weights, windows)) == pytest.approx(record.loss, abs=1e-3)


def test_a_checkpoint_that_does_not_match_its_configuration_names_the_arrays(
    first: Path, tmp_path: Path
) -> None:
    found, path = weights.read(checkpoint(first)), tmp_path / "other.safetensors"
    weights.write(path, replace(found.config, width=16), found.weights, found.facts)
    with pytest.raises(
        ValueError, match=r"other.safetensors .*width 16.*blocks.0.qkv is \(8, 24\), expected \(16, 48\)"
    ):
        weights.read(path)
    weights.write(path, replace(found.config, layers=2), found.weights, found.facts)
    with pytest.raises(ValueError, match=r"no blocks.1.down"):
        weights.read(path)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e6])
def test_weights_that_are_not_finite_are_neither_written_nor_read(
    first: Path, tmp_path: Path, number: float
) -> None:
    found, path = weights.read(checkpoint(first)), tmp_path / "bad.safetensors"
    head = np.full_like(found.weights["head"], number)
    with pytest.raises(ValueError, match=r"bad.safetensors: not all numbers are finite in head"):
        weights.write(path, found.config, {**found.weights, "head": head}, found.facts)
    assert not list(tmp_path.iterdir())
    with safe_open(checkpoint(first), framework="numpy") as file:
        about, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file({**arrays, "head": head.astype(np.float32)}, path, metadata=about)
    if not np.isfinite(number):
        with pytest.raises(ValueError, match=r"bad.safetensors: not all numbers are finite in head"):
            weights.read(path)


def test_a_file_that_is_no_checkpoint_is_named(first: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(checkpoint(first).read_bytes()[:100])
    with pytest.raises(ValueError, match=r"torn.safetensors is not a checkpoint of ours"):
        weights.read(torn)
    bare = tmp_path / "bare.safetensors"
    save_file({"x": np.zeros(3)}, bare)
    with pytest.raises(ValueError, match=r"bare.safetensors is not a checkpoint of ours .*config"):
        weights.read(bare)
