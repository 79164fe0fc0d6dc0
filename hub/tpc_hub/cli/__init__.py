"""The `campus` command: each subcommand is a few lines over a function that tests call directly."""

import importlib
import importlib.util

from tpc_hub.cli import authoring, book, grading, people, persons, receipts, run
from tpc_hub.cli.group import main

__all__ = ["authoring", "book", "grading", "main", "people", "persons", "receipts", "run"]

# Benchmarks and experiments lie in the source tree only: a wheel has no such commands.
if importlib.util.find_spec("tpc_bench"):
    for name in ("tpc_bench.commands", "tpc_bench.training.commands"):
        importlib.import_module(name)
