"""Runs are removed from the list that is being walked through, so the one after a bad run is never looked at."""

import numpy as np

PART = "test-columns"


def columns(runs):
    good = list(runs)
    for run in good:
        if not (np.isfinite(run["validation_loss"]) and run["validation_loss"] > 0):
            good.remove(run)
    N = np.array([12 * r["layers"] * r["width"] ** 2 + r["vocabulary"] * r["width"] for r in good], dtype=float)
    D = np.array([r["steps"] * r["batch"] * r["window"] for r in good], dtype=float)
    return N, D, np.array([r["validation_loss"] for r in good], dtype=float)
