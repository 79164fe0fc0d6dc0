"""Runs what waits in the queue, and the one process that writes results down."""
