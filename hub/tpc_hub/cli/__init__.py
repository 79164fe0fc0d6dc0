"""The `campus` command. Each subcommand is a few lines over a function that tests call directly."""

from tpc_bench import commands as bench
from tpc_bench.training import commands as experiment

from tpc_hub.cli import book, grading, people, persons, receipts, run
from tpc_hub.cli.group import main

__all__ = ["bench", "book", "experiment", "grading", "main", "people", "persons", "receipts", "run"]
