"""Imported by the process that the worker's processes are forked from: what they need is there once for all."""

import gc

from tpc_grader.grading import submission as grading
from tpc_grader.worker import reconcile, writer

__all__ = ["grading", "reconcile", "writer"]

# A collection would write to every object, and so copy for each process what they share.
gc.collect()
gc.freeze()
