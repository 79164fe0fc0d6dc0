"""The `campus` command. Each subcommand is a few lines over a function that tests call directly."""

from tpc_hub.cli import bench, book, experiment, grading, people, persons, receipts, run
from tpc_hub.cli.group import main

__all__ = ["bench", "book", "experiment", "grading", "main", "people", "persons", "receipts", "run"]
