"""Experiments: notebooks that produce data which lessons ship."""

from __future__ import annotations

from dataclasses import replace

import click
from tpc_courses.base.places import Places
from tpc_hub.cli.group import main


@main.group()
def experiment() -> None:
    """Run an experiment whose results the lessons ship; what is finished is not run again."""


@experiment.command("scaling-grid")
@click.option("--ladder", type=click.Choice(["small", "large"]), default="small", show_default=True)
@click.option("--device", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True)
@click.option("--workers", default=1, show_default=True, help="Sizes at once, one thread each.")
@click.option("--steps", multiple=True, type=int, help="Only these budgets; repeat it.")
@click.option("--seeds", default=3, show_default=True, help="Seeds 0 to this many less one.")
@click.option("--sizes", multiple=True, type=int, help="Only rows with these numbers of parameters.")
@click.option("--ship", is_flag=True, help="Then copy the finished grid to where lessons read it.")
def scaling_grid(
    ladder: str,
    device: str,
    workers: int,
    steps: tuple[int, ...],
    seeds: int,
    sizes: tuple[int, ...],
    ship: bool,
) -> None:
    """Train the models of the scaling lessons; stop and start it as you like, finished runs are kept.

    \b
    Examples:
      campus build corpus && campus experiment scaling-grid --ship
      campus experiment scaling-grid --workers 2 --sizes 3072 --sizes 13824
      campus experiment scaling-grid --ladder large --device gpu
    """
    from tpc_lab.experiments import grid

    from tpc_bench.training import experiments

    whole = grid.LADDERS[ladder]
    rows = tuple(row for row in whole.rows if not sizes or row.config.parameters in sizes)
    if unknown := set(sizes) - {row.config.parameters for row in rows}:
        known = ", ".join(str(row.config.parameters) for row in whole.rows)
        raise click.BadParameter(f"{sorted(unknown)} not in the ladder {ladder!r}; use one of: {known}")
    asked = replace(whole, rows=rows, steps=steps or whole.steps, seeds=tuple(range(seeds)))
    places = Places.find()
    experiments.run_scaling_grid(places, ladder, ladder=asked, device=device, workers=workers, say=click.echo)
    if ship:
        for path in experiments.ship(places, ladder):
            click.echo(f"Shipped {path.relative_to(places.root)}")
