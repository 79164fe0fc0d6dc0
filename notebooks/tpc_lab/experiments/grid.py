"""The scaling grid: which models are trained, on how much text, and the CSV files that their runs leave.

`training` runs it, one size at a time, and writes a line for each finished run. A torn line is no line.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path

from tpc_lab import tinygpt
from tpc_lab.corpus import ALPHABET
from tpc_lab.counting import Shape, training_flops

__all__ = ["LADDERS", "Ladder", "Record", "Row", "finished", "merge", "missing", "row_file", "work", "write"]


@dataclass(frozen=True)
class Row:
    """One size of the grid: a decoder, its learning rate and its batch of `batch` windows of 128 characters."""

    layers: int
    width: int
    heads: int
    learning_rate: float
    batch: int = 4

    @property
    def config(self) -> tinygpt.Config:
        """The model of this row over the alphabet of the corpus."""
        return tinygpt.Config(**asdict(self), vocabulary=len(ALPHABET))

    @property
    def step_flops(self) -> int:
        """FLOPs of one training step of one model, by formula."""
        shape = Shape.plain(self.layers, self.width, self.heads, len(ALPHABET))
        return self.batch * self.config.window * training_flops(shape, self.config.window)


@dataclass(frozen=True)
class Ladder:
    """A grid to run: its rows, the steps of each budget (multiples of 500 compile once), its seeds."""

    rows: tuple[Row, ...]
    steps: tuple[int, ...]
    seeds: tuple[int, ...] = (0, 1, 2)


LADDERS: Mapping[str, Ladder] = {
    # 3 thousand to 0.8 million parameters, 0.26 to 4.1 million characters: under an hour of one slow core.
    "small": Ladder(
        rows=(
            Row(1, 16, 1, 0.012),
            Row(2, 24, 1, 0.004),
            Row(2, 48, 2, 0.003),
            Row(3, 72, 3, 0.0025),
            Row(4, 128, 4, 0.0015),
        ),
        steps=(500, 1000, 2000, 4000, 8000),
    ),
    # 0.8 to 31 million parameters, 6 to 98 million characters: for a GPU.
    "large": Ladder(
        rows=(
            Row(4, 128, 4, 0.0015, batch=16),
            Row(6, 192, 6, 0.001, batch=16),
            Row(8, 320, 10, 0.0008, batch=16),
            Row(10, 512, 16, 0.0006, batch=16),
        ),
        steps=(3000, 6000, 12000, 24000, 48000),
    ),
}


@dataclass(frozen=True)
class Record:
    """One finished run, a line of the CSV file.

    `parameters` counts the matrices of the blocks, `loss` is in nats per character. `seconds` is processor time on a
    CPU and wall time elsewhere, for this run alone, as are `flops` by formula and `compiled_flops` by the compiler.
    """

    parameters: int
    characters: int
    seed: int
    loss: float
    layers: int
    width: int
    heads: int
    learning_rate: float
    batch: int
    seconds: float
    flops: int
    compiled_flops: int
    device: str
    commit: str
    versions: str
    corpus: str


def finished(path: Path) -> list[Record]:
    """The whole lines of a grid's CSV file, in order; a torn or foreign line is left out, its run is to be done.

    Of a run that stands twice the first line counts.
    """
    if not path.exists():
        return []
    kinds = {field.name: field.type for field in fields(Record)}
    records: dict[tuple[int, int, int], Record] = {}
    # A line without its end may have lost digits of its last number, so it counts as torn.
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    whole = text[: text.rfind("\n") + 1].splitlines()
    for line in csv.DictReader(whole):
        try:
            values = {name: kind(line[name]) for name, kind in kinds.items()}  # type: ignore[operator]
        except (KeyError, TypeError, ValueError):
            continue
        record = Record(**values)
        records.setdefault((record.parameters, record.characters, record.seed), record)
    return list(records.values())


def write(path: Path, records: Iterable[Record]) -> None:
    """Write a grid's CSV file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Record)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(record) for record in records)
    part.replace(path)


def row_file(folder: Path, row: Row) -> Path:
    """Where the runs of `row` are written."""
    return folder / f"row-{row.config.parameters}.csv"


def merge(folder: Path) -> list[Record]:
    """All finished runs in `folder`, from the smallest and shortest to the largest."""
    found = [record for path in folder.glob("row-*.csv") for record in finished(path)]
    return sorted(found, key=lambda r: (r.parameters, r.characters, r.seed))


def missing(
    row: Row, steps: Iterable[int], seeds: Iterable[int], records: Iterable[Record]
) -> list[tuple[int, int]]:
    """The (steps, seed) of a row that `records` do not hold, in ascending order."""
    size = row.batch * row.config.window
    done = {
        (record.characters, record.seed) for record in records if record.parameters == row.config.parameters
    }
    return sorted(pair for pair in product(steps, seeds) if (pair[0] * size, pair[1]) not in done)


def work(totals: Iterable[int], trunk: int = 0) -> int:
    """Steps that runs of `totals` steps take together: the trunk they share, from step `trunk`, and their branches.

    >>> work([500, 1000])
    1100
    """
    ordered = sorted(totals)
    if not ordered:
        return 0
    branches = sum(total - tinygpt.turning_point(total) for total in ordered)
    return tinygpt.turning_point(ordered[-1]) - trunk + branches
