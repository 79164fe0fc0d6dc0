"""Runs one row of the scaling grid: one size, several budgets and seeds, restartable.

The budgets share a trunk at a constant learning rate; each leaves it after four fifths of its steps and cools down on
a branch, as arXiv:2405.18392 proposes. A finished run is a line of the row's CSV file and is not run again. The trunk
lies on disk, so a row goes on where it stopped. Seeds train side by side in one program.
"""

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from statistics import median

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tpc_lab import tinygpt, weights
from tpc_lab.corpus import ALPHABET
from tpc_lab.costs import step_cost
from tpc_lab.experiments import grid
from tpc_lab.experiments.grid import Record, Row
from tpc_lab.tinygpt import Trunk

__all__ = ["Material", "run_row", "validation_windows"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Material:
    """What all runs share: training text and validation windows as indices, and what their lines say of them."""

    text: NDArray[np.uint8]
    windows: NDArray[np.int32]
    commit: str
    corpus: str


def validation_windows(text: str, count: int = 1024, rows: int = 64, window: int = 128) -> NDArray[np.int32]:
    """`count` windows at even distances, `(count / rows, rows, window + 1)`, as indices into the alphabet."""
    data = tinygpt.encode(text, ALPHABET).astype(np.int32)
    starts = np.arange(count) * ((len(data) - window - 1) // count)
    return data[starts[:, None] + np.arange(window + 1)].reshape(count // rows, rows, window + 1)


def run_row(
    row: Row,
    steps: Sequence[int],
    seeds: Sequence[int],
    material: Material,
    folder: Path,
    progress: Progress = lambda done, total: None,
) -> list[Record]:
    """Run what is missing of a row and return all its finished runs.

    `folder` gets the row's CSV file, its trunk and `checkpoints/`. `progress` is called with the steps done and the
    steps that this call has to do, trunk and branches together. Waits while another process runs the row.
    """
    with _alone(grid.row_file(folder, row)):
        return _run_row(row, steps, seeds, material, folder, progress)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a row: the kernel of a command that was killed may take a moment to notice it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run_row(
    row: Row,
    steps: Sequence[int],
    seeds: Sequence[int],
    material: Material,
    folder: Path,
    progress: Progress,
) -> list[Record]:
    path = grid.row_file(folder, row)
    records = grid.finished(path)
    grid.write(path, records)  # drops torn lines, so that no new line continues one
    missing = grid.missing(row, steps, seeds, records)
    if missing:
        totals = sorted({total for total, _ in missing})
        runner = _Runner(row, sorted({seed for _, seed in missing}), material, folder, progress)
        runner.plan(totals)
        for total in totals:
            found = [record for record in runner.run(total) if (total, record.seed) in missing]
            records = [*records, *found]
            grid.write(path, records)
    return records


class _Runner:
    """The trunk of a row as it grows, its clock and its progress."""

    def __init__(
        self, row: Row, seeds: Sequence[int], material: Material, folder: Path, progress: Progress
    ) -> None:
        self.row, self.seeds, self.material, self.folder, self.report = row, seeds, material, folder, progress
        self.config = row.config
        what = sha256(repr((row, seeds, material.corpus)).encode()).hexdigest()[:12]
        self.kept = folder / f"trunk-{self.config.parameters}-{what}.safetensors"
        self.trunk = _restored(self.kept, tinygpt.plant(self.config, seeds))
        self.cost = step_cost(self.config)
        self.chunk_seconds: list[float] = []
        self.done, self.total = 0, 0

    def plan(self, totals: Sequence[int]) -> None:
        """Count the steps to do; a trunk that has passed a turning point it needs starts again."""
        if self.trunk.steps > tinygpt.turning_point(totals[0]):
            self.trunk = tinygpt.plant(self.config, self.seeds)
        self.total = grid.work(totals, self.trunk.steps)

    def run(self, total: int) -> list[Record]:
        """Grow the trunk to where the run of `total` steps leaves it, cool down, measure, keep the weights."""
        turn = tinygpt.turning_point(total)
        if self.trunk.steps < turn:
            grown = tinygpt.grow(self.config, self.trunk, self.seeds, self.material.text, turn)
            self.trunk = self._last(grown, self.trunk)
            _keep(self.kept, self.trunk)
        cooled = tinygpt.cool_down(self.config, self.trunk, self.seeds, self.material.text, total)
        branch = self._last(cooled, self.trunk)
        losses = tinygpt.validate(self.config, branch.weights, jnp.asarray(self.material.windows))
        return [self._record(total, i, float(loss), branch) for i, loss in enumerate(losses)]

    def _last(self, parts: Iterator[Trunk], last: Trunk) -> Trunk:
        clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
        start = clock()
        for part in parts:
            jax.tree.leaves(part.weights)[-1].block_until_ready()
            now, steps = clock(), part.steps - last.steps
            self.chunk_seconds.append((now - start) / steps)
            self.done, last, start = self.done + steps, part, now
            self.report(self.done, self.total)
        return last

    def _record(self, total: int, index: int, loss: float, branch: Trunk) -> Record:
        config, seed = self.config, self.seeds[index]
        record = Record(
            parameters=config.parameters,
            characters=total * self.cost.characters,
            seed=seed,
            loss=round(loss, 5),
            **asdict(self.row),
            # The median leaves out compilation and what else disturbed a chunk.
            seconds=round(total * median(self.chunk_seconds) / len(self.seeds), 2),
            flops=total * self.cost.flops,
            compiled_flops=total * self.cost.compiled_flops,
            device=jax.devices()[0].device_kind,
            commit=self.material.commit,
            versions=" ".join(f"{name} {version(name)}" for name in ("jax", "optax", "numpy")),
            corpus=self.material.corpus,
        )
        own = jax.tree.map(lambda array: array[index], branch.weights)
        name = f"{record.parameters}-{record.characters}-{seed}.safetensors"
        weights.write(self.folder / "checkpoints" / name, config, own, asdict(record))
        return record


def _keep(path: Path, trunk: Trunk) -> None:
    leaves = jax.tree.leaves((trunk.weights, trunk.memory))
    part = path.with_suffix(".part")
    arrays = {f"{i:04}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    save_file({**arrays, "steps": np.array([trunk.steps])}, part)
    part.replace(path)


def _restored(path: Path, fresh: Trunk) -> Trunk:
    """The trunk kept in `path`; `fresh` when there is none."""
    if not path.exists():
        return fresh
    arrays = load_file(path)
    steps = int(arrays.pop("steps")[0])
    structure = jax.tree.structure((fresh.weights, fresh.memory))
    state = jax.tree.unflatten(structure, [jnp.asarray(arrays[name]) for name in sorted(arrays)])
    return Trunk(steps, *state)
